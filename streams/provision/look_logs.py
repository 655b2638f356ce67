"""What Kafka holds of an installation, as a read_committed consumer sees it.

Offsets alone would not show it: the markers and records of an aborted transaction move them, and leave nothing behind.
"""

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import TracebackType
from typing import Self

from confluent_kafka import Consumer, TopicPartition

from streams.kafka import names
from streams.kafka.admin import REQUEST_SECONDS, describe
from streams.kafka.client import Config, cluster
from streams.kafka.names import changelog
from streams.kafka.read import AT_ENDS, reader, up_to
from streams.provision.evidence import Begun, Evidence, PartitionFound, Tables
from streams.provision.patience import patiently, topics_of
from streams.settings import Settings
from streams.state import position
from streams.state.partition_state import BEGIN, POSITION, Table
from streams.state.position import Position

CHANGELOGS = tuple(changelog(table) for table in Table)
COVERAGE = changelog(Table.COVERAGE)
# What only decided lines lead to.
OUTPUTS = (names.LEDGER, names.ACCEPTED)
# A chunk's position is its last change, so reading these last records finds it; if not, more are read.
FIRST_LOOK = 100
BATCH = 1_000
POLL_SECONDS = 1.0
# A fetch at a log's end isn't held by the broker, so the next log is read at once.
READER: Config = {**AT_ENDS, "auto.offset.reset": "earliest", "fetch.wait.max.ms": 10}
# Partitions that are looked at, or begun, at once; each takes several requests.
THREADS = 8


def look_at_logs(settings: Settings, declared: int, tables: Tables | None = None) -> Evidence:
    """Look at Kafka; `declared` is the source's partition count if it doesn't exist.

    Raises UserError that says what the broker refuses, BrokerAwayError if it gives no answer.
    """
    topics = topics_of(settings)
    count = topics.get(names.IMPRESSIONS, declared)
    known = names.IMPRESSIONS in topics
    topic_id = patiently(settings, lambda: describe(settings, names.IMPRESSIONS)).topic_id if known else None
    commits = _worker_commits(settings, count) if known else {}

    def at(partition: int) -> PartitionFound:
        there = {topic for topic, partitions in topics.items() if partition < partitions}
        return look_at_partition(settings, partition, there, commits.get(partition, -1))

    with ThreadPoolExecutor(max_workers=THREADS) as threads:
        return Evidence(topic_id, tuple(threads.map(at, range(count))), tables)


def look_at_partition(settings: Settings, partition: int, topics: Collection[str], commit: int) -> PartitionFound:
    """Look at one source partition; `topics` are those with a partition of that number, `commit` the workers' own."""
    with _Logs(settings, partition) as logs:
        begun = tuple(logs.beginning(topic) if topic in topics else Begun.NEVER for topic in CHANGELOGS)
        newest, unfinished = logs.newest_position() if COVERAGE in topics else (None, False)
        worked = commit > 0 or any(logs.ever_held_records(topic) for topic in OUTPUTS if topic in topics)
        return PartitionFound(begun, newest, unfinished, worked)


def _worker_commits(settings: Settings, count: int) -> dict[int, int]:
    """Return the offset that the worker group has committed, by partition; below 0 if there is none."""
    consumer = Consumer({**cluster(settings), "group.id": names.WORKER_GROUP, "log_level": 3})
    asked = [TopicPartition(names.IMPRESSIONS, partition) for partition in range(count)]
    try:
        found = patiently(settings, partial(consumer.committed, asked, timeout=REQUEST_SECONDS))
        return {each.partition: each.offset for each in found}
    finally:
        consumer.close()


class _Logs:
    """The logs that belong to one source partition, read by one consumer."""

    def __init__(self, settings: Settings, partition: int) -> None:
        self._settings, self._partition = settings, partition
        self._consumer = reader(settings, **READER)

    def __enter__(self) -> Self:
        # By itself, a running client looks up the leader of a newly assigned topic once a second only.
        patiently(self._settings, lambda: self._consumer.list_topics(timeout=REQUEST_SECONDS))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._consumer.close()

    def beginning(self, topic: str) -> Begun:
        """Return what is left of a changelog's beginning. BEGIN is its first record, so this reads little."""
        start, high = self._ends(topic)
        held = False
        for records, _ in up_to(self._consumer, start, high, BATCH, POLL_SECONDS):
            if any(record.key() == BEGIN for record in records):
                return Begun.WHOLE
            held = held or bool(records)
        return Begun.CUT if held or start.offset > 0 else Begun.NEVER

    def newest_position(self) -> tuple[Position | None, bool]:
        """Return the newest position, read from the changelog's end, and whether it was removed since.

        Stops at that end, because a running worker keeps moving it.
        """
        low, high = self._ends(COVERAGE)
        back = FIRST_LOOK
        while True:
            start = TopicPartition(COVERAGE, self._partition, max(low.offset, high - back))
            newest: list[bytes] = []
            for records, _ in up_to(self._consumer, start, high, BATCH, POLL_SECONDS):
                ours = (record for record in records if record.key() == POSITION and (record.offset() or 0) < high)
                newest = [record.value() or b"" for record in ours] or newest
            if newest:
                return (position.decode(newest[-1]), False) if newest[-1] else (None, True)
            if start.offset == low.offset:
                return None, False
            back *= 10

    def ever_held_records(self, topic: str) -> bool:
        """Return whether there is a committed record, or were records that retention has deleted."""
        start, high = self._ends(topic)
        if start.offset > 0:
            return True
        return any(records for records, _ in up_to(self._consumer, start, high, 1, POLL_SECONDS))

    def _ends(self, topic: str) -> tuple[TopicPartition, int]:
        """Return a log's beginning, and the offset after its last record."""
        tp = TopicPartition(topic, self._partition)
        ask = partial(self._consumer.get_watermark_offsets, tp, timeout=REQUEST_SECONDS)
        tp.offset, high = patiently(self._settings, ask, new=True)
        return tp, int(high)
