"""Taking the partitions of an assignment: in which order, what a partition's trouble leads to, and what shows."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest

from oracle.murmur import home_of
from streams.core.catalogue import Catalogue
from streams.errors import BrokerAwayError, StateLostError
from streams.kafka.admin import TopicInfo
from streams.metrics import availability
from streams.metrics import catalogue as metrics
from streams.runtime import backoff
from streams.settings import Settings
from streams.state.ordinals import behind
from streams.state.store import Store
from streams.worker import assignment, claims, partition
from streams.worker.assignment import Assignment
from tests.support.against_oracle import assert_same
from tests.support.flushes import A, line
from tests.support.memory_log import TOPIC_ID, MemoryLog, Worker, instead_of_kafka

PARTITIONS, SECONDS = 4, 10.0
SETTINGS = Settings(state_store="memory")
OFFLINE = BrokerAwayError("Partition 1 of the changelog is offline.")


class Broker:
    """An in-memory log with a broker's answers. `restoring` is called when a partition is fenced, and may raise."""

    def __init__(self) -> None:
        self.log = MemoryLog(SETTINGS, PARTITIONS)
        self.partitions = PARTITIONS
        self.restoring: Callable[[int], None] = lambda number: None
        self.asked: list[str] = []

    def restore(self, settings: Settings, number: int, producer: object, store: Store, step: object) -> dict[str, str]:
        """Fence and restore, as `streams.worker.restore` does."""
        self.asked.append("fence")
        self.restoring(number)
        return self.log.restore(settings, number, producer, store, step)

    def describe(self, *_: object) -> TopicInfo:
        self.asked.append("describe")
        return TopicInfo(TOPIC_ID, self.partitions)

    def watermarks(self, _: Settings, __: str, number: int) -> tuple[int, int]:
        self.asked.append("watermarks")
        return 0, self.log.end(number)


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Broker]:
    made = Broker()
    with instead_of_kafka(made.log):
        monkeypatch.setattr(partition, "restore", made.restore)
        monkeypatch.setattr(assignment, "describe", made.describe)
        monkeypatch.setattr(assignment, "watermarks", made.watermarks)
        monkeypatch.setattr(backoff, "LONGEST_SECONDS", 0.001)
        yield made


@pytest.fixture(autouse=True)
def ended(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """The errors that ended the process."""
    found: list[BaseException] = []

    def end(error: BaseException) -> NoReturn:
        found.append(error)
        raise asyncio.CancelledError

    for module in (assignment, claims):
        monkeypatch.setattr(module, "end_process", end)
    return found


def run(folder: Path, test: Callable[[Assignment], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        sources: Any = SimpleNamespace(verify=lambda _: None)
        await test(Assignment(SETTINGS, sources, Catalogue(), folder))

    asyncio.run(main())


async def until(condition: Callable[[], bool]) -> None:
    async def wait() -> None:
        while not condition():
            await asyncio.sleep(0)

    await asyncio.wait_for(wait(), SECONDS)


async def hold_until_ended(held: Assignment, ended: list[BaseException]) -> None:
    holding = asyncio.create_task(held.hold([0]))
    await until(lambda: bool(ended))
    holding.cancel()


def shown() -> dict[tuple[str, str], float]:
    (metric,) = availability.untaken.collect()
    return {(each.labels["partition"], each.labels["kind"]): each.value for each in metric.samples}


def ready() -> float:
    (metric,) = metrics.worker_ready.collect()
    return metric.samples[0].value


def user_of(number: int) -> str:
    return next(user for n in range(10_000) if home_of(user := f"u{n}", PARTITIONS) == number)


def test_what_a_live_predecessor_commits_until_the_fence_is_not_a_loss(broker: Broker, tmp_path: Path) -> None:
    """An end that was read before the fence would lie before the position that was committed until then."""
    predecessor = Worker(broker.log, Catalogue())

    def commit_a_last_chunk(number: int) -> None:
        broker.log.append(number, A, line(user_id=user_of(number)))
        predecessor.drain()

    broker.restoring = commit_a_last_chunk
    broker.asked.clear()

    async def test(held: Assignment) -> None:
        await held.hold([0])
        assert held.positions() == {0: 1}

    run(tmp_path, test)
    assert broker.asked == ["fence", "describe", "watermarks"]


def test_a_wait_for_an_ordinal_that_never_comes_is_shown_with_its_time(broker: Broker, tmp_path: Path) -> None:
    lacking = True

    def restoring(number: int) -> None:
        if number == 0:
            raise OFFLINE
        if lacking:
            raise behind(7)

    broker.restoring = restoring

    async def test(held: Assignment) -> None:
        nonlocal lacking
        await held.hold([0, 1])
        held.resume()
        assert held.untaken() == [0, 1]
        first, then = waited(), waited()
        assert first.keys() == then.keys() == {"1"}, "a server that is away is another matter"
        assert 0 <= first["1"] < then["1"]
        assert "impressions.v1-1 can't be taken (wait): " in (held.why_not_ready() or "")
        assert "no artwork with ordinal 7 yet" in (held.why_not_ready() or "")
        lacking = False
        await until(lambda: held.positions().keys() == {1})
        assert waited() == {}
        await held.hold([])

    run(tmp_path, test)


def waited() -> dict[str, float]:
    """How long each partition has waited for the catalogue (s)."""
    (metric,) = availability.catalogue_behind.collect()
    return {each.labels["partition"]: each.value for each in metric.samples}


def test_a_partition_that_waits_joins_later_and_shows_meanwhile(broker: Broker, tmp_path: Path) -> None:
    offline = True

    def restoring(number: int) -> None:
        if offline and number == 1:
            raise OFFLINE

    broker.restoring = restoring
    read: list[set[int]] = []

    async def test(held: Assignment) -> None:
        nonlocal offline

        async def read_taken() -> None:
            read.append(set(held.positions()))

        held.read_taken = read_taken
        await held.hold(range(PARTITIONS))
        held.resume()
        assert held.positions().keys() == {0, 2, 3}
        assert held.untaken() == [1]
        assert (ready(), shown()) == (0, {("1", "wait"): 1})
        assert held.why_not_ready() == f"impressions.v1-1 can't be taken (wait): {OFFLINE}"
        assert {work.key[1] for work in held.work()} == {0, 1, 2, 3}, "the watchdog sees it"

        offline = False
        await until(lambda: bool(read))
        assert read == [{0, 1, 2, 3}]
        assert (ready(), shown(), held.why_not_ready()) == (1, {}, None)

    run(tmp_path, test)


def test_what_was_taken_during_a_rebalance_is_read_by_its_end(broker: Broker, tmp_path: Path) -> None:
    """The consumer isn't asked to read while it may not."""
    read: list[bool] = []

    async def test(held: Assignment) -> None:
        async def read_taken() -> None:
            read.append(True)

        held.read_taken = read_taken
        await held.hold([0, 1])
        assert held.positions().keys() == {0, 1}
        assert not read

    run(tmp_path, test)


def test_a_refused_partition_leaves_the_others(broker: Broker, tmp_path: Path, ended: list[BaseException]) -> None:
    def restoring(number: int) -> None:
        if number in {1, 2}:
            raise StateLostError("Its state is lost.")

    broker.restoring = restoring

    async def test(held: Assignment) -> None:
        await held.hold(range(PARTITIONS))
        held.resume()
        assert held.positions().keys() == {0, 3}
        assert shown() == {("1", "refuse"): 1, ("2", "refuse"): 1}
        assert held.why_not_ready() == "impressions.v1-1, impressions.v1-2 can't be taken (refuse): Its state is lost."
        assert {work.key[1] for work in held.work()} == {0, 3}, "a restart would not help it"
        await held.hold([0])
        held.resume()
        assert (ready(), shown()) == (1, {})

    run(tmp_path, test)
    assert not ended


def test_a_worker_that_is_refused_everything_ends(broker: Broker, tmp_path: Path, ended: list[BaseException]) -> None:
    lost = StateLostError("The state is lost.")

    def restoring(number: int) -> None:
        raise lost

    broker.restoring = restoring

    async def test(held: Assignment) -> None:
        await hold_until_ended(held, ended)

    run(tmp_path, test)
    assert ended == [lost]


def test_users_keep_their_partitions_when_the_source_grows(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """The state's count decides whose partition it is, not the topic's."""
    log = broker.log
    now = log.source_of
    monkeypatch.setattr(log, "source_of", lambda number: now(number)._replace(partitions=PARTITIONS + 1))
    for n in range(50):
        log.append(n % PARTITIONS, A + n, line(user_id=f"user-{n}", flush_id=f"f{n}"))
    Worker(log, Catalogue()).drain()
    assert assert_same(log).accepted


def test_a_source_with_fewer_partitions_is_refused(broker: Broker, tmp_path: Path, ended: list[BaseException]) -> None:
    broker.partitions = PARTITIONS - 1

    async def test(held: Assignment) -> None:
        await hold_until_ended(held, ended)

    run(tmp_path, test)
    assert "and 4 partitions, not 600000 ms and 3" in str(ended[0])


def test_a_log_that_lost_its_end_is_refused_and_nobody_is_told_to_delete_it(
    broker: Broker, tmp_path: Path, ended: list[BaseException]
) -> None:
    broker.log.append(0, A, line(user_id=user_of(0)))
    Worker(broker.log, Catalogue()).drain()
    broker.log.source[0].clear()

    async def test(held: Assignment) -> None:
        await hold_until_ended(held, ended)

    run(tmp_path, test)
    assert "ends at offset 0, but was decided up to 1" in str(ended[0])
    assert "delete" not in str(ended[0])
