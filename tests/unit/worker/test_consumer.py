"""What our consumer does in Faust's place: rights that are missing, and log lines that would be false."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from aiokafka.errors import GroupAuthorizationFailedError, IllegalStateError, TopicAuthorizationFailedError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from streams.core.pieces import SourceRecord
from streams.errors import UserError
from streams.metrics.catalogue import WORKER
from streams.worker.faust import consumer
from streams.worker.faust.consumer import ChunkConsumer, ChunkThread
from streams.worker.in_flight import InFlight


@pytest.mark.parametrize(
    ("error", "right"),
    [
        (TopicAuthorizationFailedError("impressions.v1"), "Read on the topic impressions.v1"),
        (GroupAuthorizationFailedError("impressions"), "Read on the group impressions"),
    ],
)
def test_a_right_to_read_that_is_missing_is_named(
    error: Exception, right: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fetch(*_: object, **__: object) -> NoReturn:
        raise error

    class EndedError(Exception):
        pass

    def end(found: BaseException) -> NoReturn:
        raise EndedError from found

    monkeypatch.setattr(driver.AIOKafkaConsumerThread, "_fetch_records", fetch)
    monkeypatch.setattr(consumer, "end_process", end)
    with pytest.raises(EndedError) as raised:
        asyncio.run(ChunkThread.__new__(ChunkThread)._fetch_records())
    why = raised.value.__cause__
    assert isinstance(why, UserError)
    assert f"our login needs {right}" in str(why)


class Coordinator:
    """Stands in for aiokafka's coordinator, whose task may have ended, and which may wait to be asked."""

    def __init__(self, pending: Exception | None, ended: Exception | None) -> None:
        self._pending_exception = pending
        self._coordination_task: Future[None] = Future()
        if ended is not None:
            self._coordination_task.set_exception(ended)


@pytest.mark.parametrize("how", ["pending", "ended"])
def test_a_group_that_refuses_us_is_noticed_although_faust_never_asks(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused, ended = GroupAuthorizationFailedError("impressions"), list[BaseException]()

    def end(error: BaseException) -> NoReturn:
        ended.append(error)
        raise asyncio.CancelledError

    monkeypatch.setattr(consumer, "end_process", end)
    monkeypatch.setattr(consumer, "REFUSAL_SECONDS", 0.001)
    thread: Any = ChunkThread.__new__(ChunkThread)
    made: Any = ChunkConsumer.__new__(ChunkConsumer)
    made._thread = thread

    async def itertimer(*_: object, **__: object) -> AsyncIterator[float]:
        thread._consumer = None
        yield 0
        thread._consumer = SimpleNamespace(_coordinator=Coordinator(None, None))
        yield 0
        assert not ended
        pending, task = (refused, None) if how == "pending" else (None, refused)
        thread._consumer = SimpleNamespace(_coordinator=Coordinator(pending, task))
        yield 0

    made.itertimer = itertimer
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(made._notice_refusals(made))
    assert "our login needs Read on the group impressions" in str(ended[0])


def test_fausts_livelock_detector_is_not_asked() -> None:
    """It logs that processing stopped when a producer's open transaction is all that a partition ends with."""

    class Thread:
        def verify_event_path(self, *_: object) -> NoReturn:
            raise AssertionError

    made: Any = ChunkConsumer.__new__(ChunkConsumer)
    made._thread = Thread()
    made.verify_event_path(1_000_000.0, TP("impressions.v1", 0))


class Reading:
    """A consumer of four partitions, all paused, whose seeks and resumes are noted in order."""

    def __init__(self, held: dict[int, int]) -> None:
        self.held, self.done = held, list[tuple[str, int]]()
        made: Any = ChunkConsumer.__new__(ChunkConsumer)
        made._taking = asyncio.Lock()
        made._paused_partitions = {TP("impressions.v1", number) for number in range(4)}
        made._active_partitions = set[TP]()
        made.flow_active = True
        made.assignment = lambda: {TP("impressions.v1", number) for number in range(4)} | {TP("changelog", 0)}
        made._positions = lambda: {TP("impressions.v1", number): offset for number, offset in held.items()}
        made.seek_wait = self._seek
        self.consumer = made

    async def _seek(self, positions: dict[TP, int]) -> None:
        assert not {tp for tp in positions if tp in self.consumer._active_partitions}, "seeks come before fetches"
        self.done += [("seek", offset) for offset in positions.values()]

    def reading(self) -> set[int]:
        """The partitions that are being fetched."""
        return {tp.partition for tp in self.consumer._active_partitions}


def test_the_marker_behind_a_chunk_is_no_lag_once_it_is_fetched_with_it() -> None:
    tp = TP("impressions.v1", 93)
    thread: Any = SimpleNamespace(fetched=lambda tps: {tps[0]: 12})
    made: Any = ChunkConsumer.__new__(ChunkConsumer)
    made._thread = thread
    made.app = SimpleNamespace(assignment=SimpleNamespace(in_flight=InFlight()))
    made.highwater = lambda _: 12
    # The record at 10 ends a transaction's records; its marker is at 11, and the partition ends at 12.
    run = consumer.Run((10, 0), [SourceRecord(10, 1_000, b"{}")])

    def lag() -> float | None:
        return WORKER.get_sample_value("impressions_worker_lag", {"partition": "93"})

    made._chunk(tp, run, 1)
    assert lag() == 0
    thread.fetched = lambda _: {}
    made._chunk(tp, run, 1)
    assert lag() == 1, "while its position is not known, as far as the chunk reaches"


def test_only_partitions_that_are_held_are_fetched() -> None:
    reading = Reading({0: 7})
    reading.consumer.resume_partitions(reading.consumer.assignment())
    assert reading.reading() == {0}


def test_what_was_taken_meanwhile_is_sought_once_and_then_fetched() -> None:
    async def test() -> None:
        reading = Reading({0: 7})
        await reading.consumer.read_taken()
        assert (reading.done, reading.reading()) == ([("seek", 7)], {0})
        reading.held[2] = 9
        await asyncio.gather(reading.consumer.read_taken(), reading.consumer.read_taken())
        assert (reading.done, reading.reading()) == ([("seek", 7), ("seek", 9)], {0, 2})

        reading.held[3] = 1
        reading.consumer.flow_active = False
        await reading.consumer.read_taken()
        assert reading.reading() == {0, 2}, "a rebalance is under way: its end reads what is held"

    asyncio.run(test())


def test_a_partition_that_is_gone_before_its_seek_ends_nothing() -> None:
    """As when the source is deleted during a rebalance: the assignment that Faust knows is older than the client's."""

    async def test() -> None:
        reading = Reading({0: 7})
        made = reading.consumer
        sought = list[object]()

        async def gone(positions: object) -> NoReturn:
            sought.append(positions)
            raise IllegalStateError("No current assignment for partition impressions.v1-0")

        async def fetched(_timeout: float) -> tuple[dict[TP, object], None]:
            made.flow_active = False
            return {TP("impressions.v1", 0): object()}, None

        made.seek_wait, made._wait_next_records = gone, fetched
        made.app = SimpleNamespace(consumer_generation_id=1)
        made._stopped, made._crashed = asyncio.Event(), asyncio.Event()
        made._read_offset, made._committed_offset = {}, {}
        assert [each async for each in made.getmany(1.0)] == []
        assert len(sought) == 1

    asyncio.run(test())
