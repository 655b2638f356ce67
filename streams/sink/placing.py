"""Where the sink starts to read a partition.

Two things record how far it got: the group's committed offset and the rows themselves. Rows are written before the
offset is committed, so after a crash the rows show more; records without rows (refused, skipped) show only in the
commit. Both count only for the log that they came from: a topic that was deleted and re-created has another id, and
starts from scratch. Therefore every commit carries the topic's id as its metadata.
"""

import time
from collections.abc import Iterable
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaException, TopicPartition

from streams.runtime import failpoints, log
from streams.runtime.failpoints import Failpoint
from streams.settings import Settings
from streams.sink import observe
from streams.sink.consumer import Broker, Committed, Log, seek
from streams.sink.partition import AssignedPartition
from streams.sink.read_rows import ArtworkParser, parser
from streams.sink.writer import Writer

logger = log.get(__name__)


class Start(NamedTuple):
    """Where to start, and how many offsets were lost: deleted before they were read, or cut off the log's end."""

    offset: int
    lost: int = 0


def start_position(topic_id: str, committed: Committed | None, newest: int | None, low: int, high: int) -> Start:
    """Return where to start in a log that holds the offsets from `low` up to but not including `high`.

    `newest` is the largest kafka_offset that the position table has of the log with this id, None if it has no row.

    * Rows and commit both count: the later one wins.
    * A commit of another log is ignored. One that was set by hand counts if it lies within this log: a later one skips
      records, an earlier one changes nothing, because what is in ClickHouse is not written again.
    * Records that retention deleted before they were read are lost: start at `low`, and return how many.
    * A log that ends before what was read has lost its end (an unclean broker). New records begin at `high`.
    """
    known = [newest + 1] if newest is not None else []
    if committed is not None:
        by_hand = committed.topic_id == "" and committed.offset <= high
        if committed.topic_id == topic_id or by_hand:
            known.append(committed.offset)
    wanted = max(known, default=low)
    if wanted < low:
        return Start(low, low - wanted)
    if wanted > high:
        return Start(high, wanted - high)
    return Start(wanted)


class Unplaced(NamedTuple):
    """Partitions of one topic, and their logs. A topic's table may be broken while those of other topics are not."""

    partitions: list[AssignedPartition]
    logs: list[Log]


class Placing:
    """Finds out where to start reading assigned partitions, and starts."""

    def __init__(self, settings: Settings, consumer: Consumer, writer: Writer) -> None:
        self._consumer = consumer
        self._broker = Broker(settings, consumer)
        self._writer = writer

    def look(self, partitions: list[AssignedPartition]) -> Iterable[Unplaced]:
        """Ask the broker about the partitions, if any; return them by topic, none if the broker doesn't answer."""
        if not partitions:
            return []
        try:
            logs = self._broker.logs([each.key for each in partitions])
        except KafkaException as error:
            _put_off(partitions, error)
            return []
        by_topic: dict[str, Unplaced] = {}
        for each in partitions:
            found = by_topic.setdefault(each.feed.topic, Unplaced([], []))
            found.partitions.append(each)
            found.logs.append(logs[each.key])
        return by_topic.values()

    def place(self, found: Unplaced) -> list[TopicPartition] | None:
        """Start reading the partitions; return offsets to commit where the commit differs, or None on failure.

        Raises InsertError if ClickHouse doesn't report what it has.
        """
        failpoints.hit(Failpoint.SINK_PLACING)
        try:
            newest = self._writer.newest_offsets(found.partitions[0].feed, found.logs[0].topic_id)
            pairs = zip(found.partitions, found.logs, strict=True)
            moved = [self._place(partition, log_, newest.get(partition.partition)) for partition, log_ in pairs]
        except KafkaException as error:
            _put_off(found.partitions, error)
            return None
        # Readers of the committed offset (lag, a rebuild) must not see less than ClickHouse has.
        return [tp for tp in moved if tp is not None]

    def _place(self, partition: AssignedPartition, log_: Log, newest: int | None) -> TopicPartition | None:
        """Start reading a partition; return the offset to commit if the commit differs."""
        start = start_position(log_.topic_id, log_.committed, newest, log_.low, log_.high)
        parse = parser(partition.feed.topic)
        if isinstance(parse, ArtworkParser):
            parse.restore(self._writer.catalogue(log_.topic_id))
        seek(self._consumer, partition.at(start.offset))
        partition.place(log_.topic_id, start.offset, parse)
        partition.backoff.succeed()
        self._consumer.resume([partition.at(start.offset)])
        observe.lost(partition.labels, start.lost)
        if start.lost:
            logger.error("offsets_lost", partition=partition.key, offsets=start.lost, start=start.offset)
        logger.info(
            "partition_placed", partition=partition.key, topic_id=log_.topic_id, start=start.offset, end=log_.high
        )
        return None if log_.committed == (start.offset, log_.topic_id) else partition.commit_at(start.offset)


def _put_off(partitions: list[AssignedPartition], error: KafkaException) -> None:
    # The broker is unreachable, or the client can't seek yet in a partition that was just assigned to it.
    for partition in partitions:
        partition.backoff.fail(time.monotonic())
    logger.warning("placing_failed", partitions=[each.key for each in partitions], detail=str(error))
