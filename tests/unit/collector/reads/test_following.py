"""Following the log: when answers are current, and what happens when something fails. Brokers are what a test says."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from streams.collector.reads import following, positions
from streams.collector.reads.errors import AwayError
from streams.collector.reads.follower import Batch
from streams.collector.reads.following import BEHIND_SECONDS, FORGET_SECONDS, Following, until_next
from streams.collector.reads.pool import Pool
from streams.errors import SourceChangedError
from streams.kafka import admin
from streams.kafka.names import ACCEPTED, ARTWORKS
from streams.kafka.read import Key
from streams.settings import Settings
from tests.support.reads import row, turn

PARTITIONS = 2
CATALOGUE: Key = (ARTWORKS, 0)


@dataclass
class Brokers:
    """What brokers and ClickHouse say, and the followers that were started."""

    ends: dict[Key, int] = field(default_factory=dict)
    positions: dict[int, int] = field(default_factory=lambda: dict.fromkeys(range(PARTITIONS), 0))
    clickhouse_away: bool = False
    followers: list[Any] = field(default_factory=list)
    now: float = 100.0
    anew: list[int] = field(default_factory=list)

    def install(self, monkeypatch: pytest.MonkeyPatch) -> Following:
        topic = SimpleNamespace(topic_id="one", partitions=PARTITIONS)
        monkeypatch.setattr(following, "Sources", lambda settings, topics: SimpleNamespace(topics={ACCEPTED: topic}))
        monkeypatch.setattr(following, "Follower", self._follower)
        monkeypatch.setattr(admin, "ends", self._ends)
        monkeypatch.setattr(positions, "ask", self._positions)
        monkeypatch.setattr(following, "time", SimpleNamespace(monotonic=lambda: self.now))
        for name in ("FORGET_SECONDS", "ENDS_SECONDS", "STARTING_SECONDS"):
            monkeypatch.setattr(following, name, 0.001)
        monkeypatch.setattr(following, "Backoff", lambda: SimpleNamespace(fail=lambda now: 0.001, succeed=lambda: None))
        return Following(Settings(), cast(Pool, None), 2 * row("u1", 1).size, self.anew.append)

    def _follower(self, settings: Any, sources: Any, take: Any, full: Any, failed: Any) -> Any:
        async def stop() -> None:
            made.stopped = True

        made = SimpleNamespace(take=take, failed=failed, started=None, stopped=False, stop=stop)
        made.start = lambda positions: setattr(made, "started", dict(positions))
        self.followers.append(made)
        return made

    def _ends(self, settings: Settings, topic: str, partitions: Iterable[int], _: object) -> dict[int, int]:
        return {number: self.ends[topic, number] for number in partitions if (topic, number) in self.ends}

    async def _positions(self, pool: Pool, topic_id: str, known: Mapping[int, int]) -> dict[int, int]:
        if self.clickhouse_away:
            raise AwayError("it is away")
        return dict(self.positions)

    def all_ends(self, end: int) -> None:
        self.ends = {CATALOGUE: 0}
        self.ends.update(((ACCEPTED, number), end) for number in range(PARTITIONS))


def run(test: Callable[[Brokers, Following], Awaitable[None]]) -> None:
    async def within() -> None:
        with pytest.MonkeyPatch.context() as monkeypatch:
            brokers = Brokers()
            followed = brokers.install(monkeypatch)
            followed.start()
            try:
                await test(brokers, followed)
            finally:
                await followed.stop()

    asyncio.run(within())


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.001)


def read(brokers: Brokers, *offsets: int) -> None:
    """Let the follower bring a record of partition 0 at each offset."""
    for offset in offsets:
        rows = [row("u1", offset)]
        brokers.followers[-1].take(Batch([(0, offset, rows)], [], {(ACCEPTED, 0): offset + 1}))


def test_answers_are_current_once_every_log_was_read_to_its_end() -> None:
    async def test(brokers: Brokers, followed: Following) -> None:
        brokers.positions = {0: 7, 1: 0}
        brokers.ends = {(ACCEPTED, 0): 9, (ACCEPTED, 1): 0}
        await until(lambda: brokers.followers)
        assert brokers.followers[0].started == {0: 7, 1: 0}
        assert brokers.anew == [PARTITIONS]
        read(brokers, 8)
        await turn()
        # The catalogue's end is not known yet.
        assert followed.why_not_current() == "the reads are being started"
        brokers.ends[CATALOGUE] = 0
        await until(lambda: followed.why_not_current() is None)

    run(test)


def test_a_tail_that_does_not_reach_the_ends_is_not_current_for_long() -> None:
    async def test(brokers: Brokers, followed: Following) -> None:
        brokers.all_ends(0)
        await until(lambda: followed.why_not_current() is None)
        brokers.all_ends(5)
        await until(lambda: followed._ends is not None and followed._ends._asked is not None)
        assert followed.why_not_current() is None
        brokers.now += BEHIND_SECONDS + 1
        assert followed.why_not_current() == "the reads are 6 s behind the log"
        brokers.followers[0].take(Batch([], [], {(ACCEPTED, number): 5 for number in range(PARTITIONS)}))
        assert followed.why_not_current() is None

    run(test)


def test_a_clickhouse_that_has_more_shows_that_the_tail_is_cut_off() -> None:
    async def test(brokers: Brokers, followed: Following) -> None:
        brokers.all_ends(0)
        await until(lambda: followed.why_not_current() is None)
        brokers.ends.clear()  # no broker answers
        brokers.now += 100
        assert followed.why_not_current() is None
        brokers.positions = {0: 3, 1: 0}
        await until(lambda: followed._overtaken is not None)
        brokers.now += BEHIND_SECONDS + 1
        assert followed.why_not_current() == "the reads are 6 s behind the log"
        read(brokers, 2)
        await until(lambda: followed.why_not_current() is None)

    run(test)


def test_a_full_tail_is_not_current_until_clickhouse_has_more() -> None:
    async def test(brokers: Brokers, followed: Following) -> None:
        brokers.all_ends(0)
        await until(lambda: followed.why_not_current() is None)
        brokers.clickhouse_away = True
        read(brokers, 0, 1)
        assert followed.why_not_current() == "ClickHouse lacks more of the log than fits in memory"
        brokers.clickhouse_away, brokers.positions = False, {0: 2, 1: 0}
        await until(lambda: followed.why_not_current() is None)
        assert followed.tail.rows == 0

    run(test)


@pytest.mark.parametrize("error", [SourceChangedError("it was re-created"), RuntimeError("a defect")])
def test_after_a_failure_everything_begins_anew(error: Exception) -> None:
    async def test(brokers: Brokers, followed: Following) -> None:
        brokers.all_ends(0)
        await until(lambda: followed.why_not_current() is None)
        read(brokers, 0)
        epoch, catalogue = followed.epoch, followed.catalogue
        brokers.followers[0].failed(error)
        await until(lambda: len(brokers.followers) == 2 and followed.why_not_current() is None)
        assert brokers.followers[0].stopped
        assert followed.epoch == epoch + 1
        assert followed.catalogue is not catalogue
        assert followed.tail.rows == 0
        assert brokers.anew == [PARTITIONS] * 2

    run(test)


def test_a_clickhouse_that_lost_rows_makes_it_begin_where_that_is_now() -> None:
    async def test(brokers: Brokers, followed: Following) -> None:
        brokers.all_ends(0)
        brokers.positions = {0: 7, 1: 0}
        await until(lambda: followed.why_not_current() is None)
        brokers.positions = {0: 4, 1: 0}
        await until(lambda: len(brokers.followers) == 2)
        assert brokers.followers[1].started == {0: 4, 1: 0}

    run(test)


@pytest.mark.parametrize("took", [0.0, 0.01, 0.1, 2.0])
def test_positions_that_cost_much_are_asked_for_more_rarely_and_soon_enough(took: float) -> None:
    pause = until_next(took)
    assert pause >= FORGET_SECONDS
    assert pause >= min(3.0, 20 * took)
    # Two answers come before a tail that was behind at the first one is called behind.
    assert pause + took <= BEHIND_SECONDS
