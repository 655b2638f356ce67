"""Reads accepted impressions and the catalogue as they are committed, in a thread, and hands them to the event loop.

One consumer without a group, of all partitions of `impressions.accepted.v1` and of `artworks.v1`, each from an
assigned position. It hands over a poll's records and waits until they are taken, so that there is never more than that
on its way; and it reads nothing while the tail is full.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, TopicPartition

from streams.collector.reads.rows import Row, read
from streams.kafka.names import ACCEPTED, ARTWORKS
from streams.kafka.read import AT_ENDS, Key, Polled, reader, soon
from streams.kafka.topic_ids import Sources
from streams.runtime import log
from streams.settings import Settings

logger = log.get(__name__)

# Of one poll, which returns as soon as there is one, so that no row waits for others; and how soon it sees a stop.
POLL_RECORDS = 500
POLL_SECONDS = 0.1
# How long it waits for the event loop before it looks whether it should stop.
TAKEN_SECONDS = 0.1
CHECK_SECONDS = 2.0
# How soon it notices that there is room again.
FULL_SECONDS = 0.05
_READER: dict[str, str | int | float | bool] = {
    **AT_ENDS,
    # What the client may hold, which it reads faster than it is taken. Where it holds as much, it would by default not
    # fetch again for a second.
    "queued.min.messages": 5_000,
    "queued.max.messages.kbytes": 16_384,
    "fetch.queue.backoff.ms": 5,
    # What comes within a moment is fetched at once: each of the worker's transactions would else be a fetch.
    "fetch.min.bytes": 256 * 1024,
    "fetch.wait.max.ms": 20,
    # What retention has deleted before it was read is nowhere any more: go on with what there is.
    "auto.offset.reset": "earliest",
}


class Batch(NamedTuple):
    """What a poll brought: rows by partition and offset, catalogue records, and up to where each log was read.

    `reached` is the offset after the last record, or the end of the partition.
    """

    accepted: list[tuple[int, int, list[Row]]]
    artworks: list[Message]
    reached: dict[Key, int]


class Follower:
    """A thread that follows the two topics until `stop`."""

    def __init__(
        self,
        settings: Settings,
        sources: Sources,
        take: Callable[[Batch], None],
        full: Callable[[], bool],
        failed: Callable[[BaseException], None],
    ) -> None:
        """`take` and `failed` are called on the event loop, `full` (the tail must wait) in the thread."""
        self._settings, self._sources = settings, sources
        self._take, self._full, self._failed = take, full, failed
        self._loop = asyncio.get_running_loop()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._accepted: list[TopicPartition] = []

    def start(self, positions: Mapping[int, int]) -> None:
        """Follow from each partition's position, and the catalogue from its beginning."""
        self._accepted = [TopicPartition(ACCEPTED, number, offset) for number, offset in positions.items()]
        self._thread = threading.Thread(target=self._run, name="reads-tail", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """End the thread, and return once it has."""
        self._stopped.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        try:
            consumer = reader(self._settings, **_READER)
            try:
                self._follow(consumer)
            finally:
                consumer.close()
        except BaseException as error:
            self._call(self._failed, error)

    def _follow(self, consumer: Consumer) -> None:
        consumer.assign([*self._accepted, TopicPartition(ARTWORKS, 0, OFFSET_BEGINNING)])
        checked = time.monotonic()
        while not self._stopped.is_set():
            if self._full():
                self._wait()
            elif (polled := soon(consumer, POLL_RECORDS, POLL_SECONDS)).records or polled.ends:
                self._hand_over(_batch(polled))
            if (now := time.monotonic()) - checked >= CHECK_SECONDS:
                # Raises if a topic was re-created: its offsets say nothing about the old one's.
                self._sources.check(now)
                checked = now

    def _wait(self) -> None:
        logger.warning("tail_full", why="ClickHouse is behind, and what it lacks fills IMPRESSIONS_READS_TAIL_MIB")
        while self._full() and not self._stopped.wait(FULL_SECONDS):
            pass
        logger.info("tail_goes_on")

    def _hand_over(self, batch: Batch) -> None:
        taken = threading.Event()

        def take() -> None:
            try:
                self._take(batch)
            except BaseException as error:
                self._failed(error)
            finally:
                taken.set()

        self._call(take)
        while not taken.wait(TAKEN_SECONDS) and not self._stopped.is_set():
            pass

    def _call(self, function: Callable[..., None], *arguments: BaseException) -> None:
        try:
            self._loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:
            # The loop has been closed: nobody needs it any more.
            self._stopped.set()


def _batch(polled: Polled) -> Batch:
    batch = Batch([], [], {})
    for record in polled.records:
        partition, offset = record.partition() or 0, record.offset() or 0
        batch.reached[record.topic(), partition] = offset + 1
        if record.topic() == ARTWORKS:
            batch.artworks.append(record)
        else:
            batch.accepted.append((partition, offset, read(record.value())))
    for key, end in polled.ends.items():
        batch.reached[key] = max(end, batch.reached.get(key, 0))
    return batch
