"""Each partition is taken on its own: what keeps one from being taken holds up no other one, and no revocation."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn, cast

import pytest

from streams.errors import BrokerAwayError, FencedError, Kind, StateLostError
from streams.runtime import backoff
from streams.worker import claims
from streams.worker.claims import Claim, Claims
from streams.worker.partition import Partition
from tests.support.events import Events

SECONDS = 10.0
AWAY, LOST = BrokerAwayError("Partition 1 of the changelog is offline."), StateLostError("The state is lost.")


class Taken:
    """Stands in for a restored partition."""

    waits, steps = False, 0

    def __init__(self, number: int) -> None:
        self.number, self.is_closed = number, False

    def close(self) -> None:
        self.is_closed = True


class Worker:
    """Claims, what their tries lead to, and what was taken. `outcomes` is used up a try at a time, then all succeed."""

    def __init__(self) -> None:
        self.outcomes: dict[int, list[Exception | threading.Event]] = {}
        self.held: dict[int, Taken] = {}
        self.made: list[Taken] = []
        self.read: list[int] = []
        self.changed = asyncio.Event()
        self.claims = Claims(self._take, self._taken, self.changed.set)

    def _take(self, claim: Claim) -> Partition:
        outcome = self.outcomes.get(claim.number, [])
        step = outcome.pop(0) if outcome else None
        if isinstance(step, threading.Event):
            assert step.wait(SECONDS)
            claim.step()
        elif step is not None:
            raise step
        self.made.append(Taken(claim.number))
        return cast(Partition, self.made[-1])

    def _taken(self, partition: Partition) -> Coroutine[Any, Any, None]:
        self.held[partition.number] = cast(Any, partition)

        async def read() -> None:
            self.read.append(partition.number)

        return read()

    async def until(self, condition: Callable[[], bool]) -> None:
        async def wait() -> None:
            while not condition():
                await asyncio.sleep(0)

        await asyncio.wait_for(wait(), SECONDS)


def run(test: Callable[[Worker], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        await test(Worker())

    asyncio.run(main())


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff, "FIRST_SECONDS", 0.001)
    monkeypatch.setattr(backoff, "LONGEST_SECONDS", 0.001)


def test_all_that_can_be_taken_is_held_at_once_whatever_keeps_the_others() -> None:
    async def test(worker: Worker) -> None:
        slow = threading.Event()
        worker.outcomes = {1: [AWAY] * 1_000_000, 2: [LOST], 3: [slow]}
        worker.claims.want(range(5))
        await worker.until(lambda: worker.held.keys() == {0, 4})
        await worker.until(
            lambda: {c.number: c.kind for c in worker.claims.all()} == {1: Kind.WAIT, 2: Kind.REFUSE, 3: None}
        )
        slow.set()
        await worker.until(lambda: worker.held.keys() == {0, 3, 4})
        worker.claims.want([])
        assert sorted(worker.read) == [0, 3, 4]

    run(test)


def test_settled_waits_for_the_first_outcome_of_each_and_no_longer_than_it_may() -> None:
    async def test(worker: Worker) -> None:
        worker.outcomes = {1: [AWAY, AWAY], 2: [LOST]}
        worker.claims.want(range(3))
        await asyncio.wait_for(worker.claims.settled(SECONDS), SECONDS / 2)
        assert 0 in worker.held

        slow = threading.Event()
        worker.outcomes = {3: [slow]}
        worker.claims.want([1, 2, 3])
        await asyncio.wait_for(worker.claims.settled(0.01), SECONDS)
        assert 3 not in worker.held
        slow.set()
        await worker.until(lambda: 3 in worker.held)

    run(test)


def test_what_must_wait_joins_once_it_can_and_what_is_refused_is_not_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    events = Events()
    monkeypatch.setattr(claims, "logger", events)

    async def test(worker: Worker) -> None:
        worker.outcomes = {1: [AWAY] * 20, 2: [LOST]}
        worker.claims.want([1, 2])
        await worker.until(lambda: 1 in worker.held)
        worker.claims.want([2])
        (refused,) = worker.claims.all()
        assert (refused.tries, refused.error) == (1, LOST)

    run(test)
    assert sorted(events.said) == ["partition_refused", "partition_taken", "partition_waits"], "one line a change"


def test_a_revocation_ends_tries_and_closes_what_they_opened() -> None:
    async def test(worker: Worker) -> None:
        opening = threading.Event()
        worker.outcomes = {1: [AWAY] * 1_000_000, 2: [opening]}
        worker.claims.want([1, 2])
        await worker.until(lambda: len(worker.claims.all()) == 2 and worker.claims.all()[0].tries > 1)
        worker.claims.want([])
        assert worker.claims.all() == []
        opening.set()
        await worker.until(lambda: all(task.done() for task in worker.claims._tasks.values()))
        assert not worker.held

    run(test)


def test_a_partition_that_comes_back_is_opened_only_after_the_old_try_has_closed_it() -> None:
    async def test(worker: Worker) -> None:
        old = threading.Event()
        worker.outcomes = {1: [old]}
        worker.claims.want([1])
        await worker.until(lambda: worker.outcomes[1] == [])
        worker.claims.want([])
        worker.claims.want([1])
        for _ in range(100):
            await asyncio.sleep(0)
        assert not worker.made, "the old try still has its store open"
        old.set()
        await worker.until(lambda: 1 in worker.held)
        assert len(worker.made) == 1

    run(test)


@pytest.mark.parametrize("error", [FencedError("held by another"), ValueError("a defect")])
def test_an_error_that_is_not_the_partitions_alone_ends_the_process(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[BaseException] = []

    def end(found: BaseException) -> NoReturn:
        ended.append(found)
        raise asyncio.CancelledError  # nothing of the task runs after the end of the process

    monkeypatch.setattr(claims, "end_process", end)

    async def test(worker: Worker) -> None:
        worker.outcomes = {0: [error]}
        worker.claims.want([0])
        await worker.until(lambda: bool(ended))

    run(test)
    assert ended == [error]


def test_the_watchdog_sees_each_try_as_progress_and_a_pause_as_waiting() -> None:
    async def test(worker: Worker) -> None:
        slow = threading.Event()
        worker.outcomes = {1: [slow]}
        worker.claims.want([1])
        await worker.until(lambda: worker.outcomes[1] == [])
        (claim,) = worker.claims.all()
        first = claim.work()
        assert (first.key, first.position, first.waits) == (("impressions.v1", 1), None, False)
        assert claim.work() == first, "a try that hangs is a stall"
        claim.tries += 1
        assert claim.work().moved != first.moved
        pause = asyncio.create_task(claim.pause(SECONDS))
        await worker.until(lambda: claim.work().waits)
        claim.end()
        await pause
        slow.set()

    run(test)
