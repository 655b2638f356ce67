"""Source partitions decided by the worker's own code over an in-memory log: only Kafka itself is replaced.

A transaction is one call of `commit`, so a test can crash between any two steps of a commit within milliseconds. The
integration tests prove the real broker's part.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum, auto
from pathlib import Path
from typing import Any
from unittest import mock

import orjson
from msgspec.structs import replace

from streams.core.catalogue import Catalogue
from streams.core.chunk import SourceRecord
from streams.core.pieces import Place, pieces
from streams.kafka import names
from streams.kafka.names import changelog
from streams.kafka.transaction import ProducerRecord
from streams.settings import Settings
from streams.state import position
from streams.state.checkpoint import Checkpoint
from streams.state.memory import MemoryStore
from streams.state.partition_state import POSITION, STORE_PREFIX, Table
from streams.state.position import Position
from streams.state.store import Store
from streams.worker import outbox, partition
from streams.worker.mark import Mark
from streams.worker.partition import Partition, Source
from streams.worker.poison import Suspicion

TOPIC_ID = "topic-1"
Row = dict[str, Any]

# Keeps nothing, and is never closed: one descriptor for all partitions, which are dropped without an end.
NOWHERE = Mark(Path(os.devnull))


class Event(Enum):
    """What may happen to a chunk."""

    NOTHING = auto()
    CRASH_BEFORE_COMMIT = auto()
    CRASH_BEFORE_STORE = auto()
    CRASH_AFTER_STORE = auto()
    STORE_LOST = auto()
    REWIND = auto()


class MemoryLog:
    """All topics. Source offsets have a gap after each transaction, where Kafka has its commit marker."""

    def __init__(self, settings: Settings, partitions: int) -> None:
        self.settings, self.partitions = settings, partitions
        self.source: dict[int, list[SourceRecord]] = {number: [] for number in range(partitions)}
        self.forwarded: list[tuple[SourceRecord, int, Row]] = []
        self.now = 0
        # The rules' settings at first, and what the lateness became: the first A of each change, and ms.
        self.first_settings = settings
        self.lateness_changes: list[tuple[int, int]] = []
        self._records: dict[tuple[str, int], list[ProducerRecord]] = defaultdict(list)
        for number in range(partitions):
            first = position.encode(Position(TOPIC_ID, 0, settings.window_ms, partitions))
            self.commit([ProducerRecord(changelog(Table.COVERAGE), number, POSITION, first)])

    def append(self, number: int, appended_at: int, value: bytes | None) -> SourceRecord:
        """Append a producer's record."""
        before = self.source[number]
        record = SourceRecord(before[-1].offset + 1 if before else 0, appended_at, value)
        before.append(record)
        self.now = max(self.now, appended_at)
        return record

    def change_lateness(self, seconds: int) -> None:
        """Judge records that are appended after now by another lateness; workers must be started again."""
        self.now += 1
        self.settings = self.settings.model_copy(update={"lateness_seconds": seconds})
        self.lateness_changes.append((self.now, self.settings.lateness_ms))

    def pieces(self, number: int, start: Place) -> list[SourceRecord]:
        """The pieces of a source partition's records from a place on, as the consumer cuts them."""
        records = [record for record in self.source[number] if record.offset >= start[0]]
        cut = [piece for each in records for piece in pieces(each.offset, each.appended_at, each.value)]
        return [piece for piece in cut if piece.place >= start]

    def end(self, number: int) -> int:
        """The offset after the last record of a source partition."""
        return self.source[number][-1].offset + 1 if self.source[number] else 0

    def source_of(self, number: int) -> Source:
        """A source partition as a broker would describe it."""
        return Source(TOPIC_ID, self.partitions, 0, self.end(number))

    def commit(self, records: Iterable[ProducerRecord], watch: Iterable[str] = ()) -> dict[str, int]:
        """Commit a transaction, as the partition's producer does."""
        offsets = {}
        for record in records:
            if record.topic == names.IMPRESSIONS:
                ((_, origin),) = record.headers or [("", b"")]
                appended = self.append(record.partition, self.now, record.value)
                forward = replace(appended, offset=appended.offset + 1)
                self.source[record.partition][-1] = forward
                self.forwarded.append((forward, record.partition, orjson.loads(origin or b"")))
                continue
            log = self._records[record.topic, record.partition]
            log.append(record)
            offsets[record.topic] = len(log) - 1
        return {topic: offsets[topic] for topic in watch if topic in offsets}

    def restore(self, _: Settings, number: int, __: object, store: Store, ___: object) -> dict[str, str]:
        """Bring a store up to the end of the changelogs, as `streams.worker.restore` does."""
        checkpoint = Checkpoint.read(store)
        for table in Table:
            topic, prefix = changelog(table), STORE_PREFIX[table]
            log = self._records[topic, number]
            news = [(prefix + (r.key or b""), r.value) for r in log[checkpoint.offset(topic) :]]
            store.write([*news, checkpoint.advance({topic: len(log)}, 0.0)])
        return {changelog(table): changelog(table) for table in Table}

    def values(self, topic: str) -> Iterator[tuple[bytes | None, bytes | None]]:
        """Keys and values of an output topic, one partition after the other."""
        for number in range(self.partitions):
            for record in self._records[topic, number]:
                yield record.key, record.value

    def rows(self, topic: str) -> list[Row]:
        """The rows of a topic of lines, or of a topic with one row per record, one partition after the other."""
        return [orjson.loads(line) for _, value in self.values(topic) if value for line in value.split(b"\n")]


class _Producer:
    """Stands in for the partition's transactional producer."""

    waits = False

    def __init__(self, log: MemoryLog) -> None:
        self.commit = log.commit

    def close(self) -> None:
        """Release nothing."""


class Worker:
    """Holds every partition of a log. Chunk sizes and events are used in order and start over when they run out."""

    def __init__(
        self,
        log: MemoryLog,
        catalogue: Catalogue,
        sizes: Sequence[int] = (5,),
        events: Sequence[Event] = (Event.NOTHING,),
        learn: Callable[[], object] = lambda: None,
    ) -> None:
        """`learn` is called before each chunk; it may change the catalogue."""
        self.log, self._catalogue, self._learn = log, catalogue, learn
        self._sizes, self._events, self._turn = sizes, events, 0
        self._stores: dict[int, Store] = {number: MemoryStore() for number in range(log.partitions)}
        self.held = {number: self._take(number) for number in range(log.partitions)}

    def drain(self) -> None:
        """Decide until nothing is left, including what was forwarded meanwhile."""
        while pending := [n for n in self.held if self.held[n].place < (self.log.end(n), 0)]:
            for number in pending:
                self._chunk(number)

    def _chunk(self, number: int) -> None:
        size, event = self._sizes[self._turn % len(self._sizes)], self._events[self._turn % len(self._events)]
        self._turn += 1
        self._learn()
        held, start = self.held[number], (0, 0) if event is Event.REWIND else self.held[number].place
        run = self.log.pieces(number, start)
        run = run if event is Event.REWIND else run[:size]
        chunk = held.decide(run)
        if chunk is None:
            return
        if event is Event.CRASH_BEFORE_STORE:
            self.log.commit(outbox.records(number, chunk.outputs, chunk.changes))
        elif event is not Event.CRASH_BEFORE_COMMIT:
            held.commit(chunk)
        if event is Event.STORE_LOST:
            self._stores[number] = MemoryStore()
        if event in (Event.CRASH_BEFORE_STORE, Event.CRASH_AFTER_STORE, Event.STORE_LOST):
            self.held[number] = self._take(number)
        elif event is Event.CRASH_BEFORE_COMMIT:
            self.held[number] = self._take(number)
            again = self.held[number].decide(run)
            assert again is not None
            self.held[number].commit(again)

    def _take(self, number: int) -> Partition:
        taken = Partition(self.log.settings, number, self._stores[number])
        taken.recover(lambda: self.log.source_of(number), self._catalogue, lambda _: Suspicion(NOWHERE))
        return taken


@contextmanager
def instead_of_kafka(log: MemoryLog) -> Iterator[None]:
    """Make partitions use the log."""
    with (
        mock.patch.object(partition, "PartitionProducer", return_value=_Producer(log)),
        mock.patch.object(partition, "restore", log.restore),
    ):
        yield
