"""Finds out where to start reading assigned partitions, and starts.

Three answers are needed, and others may be working on the same partition until it was assigned, or longer (a zombie):
what the tables hold, what was committed, where the log begins and ends. They are asked for in this order, so each one
includes all that led to those before it: a commit that a live predecessor makes in between is never after the log's
end, and rows never are.
"""

import time

from confluent_kafka import Consumer, KafkaException, TopicPartition

from streams.errors import Kind
from streams.kafka import errors
from streams.runtime import failpoints, log
from streams.runtime.failpoints import Failpoint
from streams.sink import observe
from streams.sink.consumer import Broker, Ends, seek
from streams.sink.partition import AssignedPartition
from streams.sink.position import Committed, Held, Refused, start_position
from streams.sink.read_rows import ArtworkParser, Parse, parser
from streams.sink.writer import UnavailableError, Writer

logger = log.get(__name__)


class Placing:
    """Places partitions, one topic at a time: a topic's table may be broken while those of other topics are not."""

    def __init__(self, consumer: Consumer, broker: Broker, writer: Writer) -> None:
        self._consumer = consumer
        self._broker = broker
        self._writer = writer

    def place(self, partitions: list[AssignedPartition]) -> list[TopicPartition] | None:
        """Start reading partitions of one topic; return offsets to commit where the commit differs.

        Returns None if Kafka didn't answer: try again later. A partition that must not be read is refused, and tried
        again later too. Raises InsertError if ClickHouse doesn't report what it has.
        """
        feed = partitions[0].feed
        keys = [each.key for each in partitions]
        try:
            topic_id = self._broker.topic_id(feed.topic)
            held = self._writer.held(feed, topic_id, [each.partition for each in partitions])
            failpoints.hit(Failpoint.SINK_PLACING)
            committed = self._broker.committed(keys)
            ends = self._broker.ends(keys)
        except KafkaException as error:
            put_off(partitions, error)
            return None
        moved = []
        for each in partitions:
            commit, log_ends = committed.get(each.key), ends[each.key]
            if isinstance(log_ends, KafkaException):
                put_off([each], log_ends)
                continue
            try:
                tp = self._place(each, topic_id, held[each.partition], commit, log_ends)
            except KafkaException as error:
                # The client can't seek yet in a partition that was just assigned to it.
                put_off([each], error)
                continue
            if tp is not None and Committed.read(tp.offset, tp.metadata) != commit:
                # Readers of the committed offset (lag, a rebuild) must not see less than ClickHouse has.
                moved.append(tp)
        return moved

    def _place(
        self, partition: AssignedPartition, topic_id: str, held: Held, commit: Committed | None, ends: Ends
    ) -> TopicPartition | None:
        """Start reading a partition; return what its commit should be, or None if it must not be read."""
        start = start_position(topic_id, commit, held, ends.low, ends.high)
        if isinstance(start, Refused):
            partition.unplace()
            partition.backoff.fail(time.monotonic())
            refuse(partition, start.why)
            return None
        parse = self._parser(partition, topic_id, held, commit)
        seek(self._consumer, partition.at(start.offset))
        partition.place(topic_id, start, parse)
        partition.backoff.succeed()
        self._consumer.resume([partition.at(start.offset)])
        observe.lost(partition.labels, start.lost)
        if start.lost:
            logger.error("offsets_lost", partition=partition.key, offsets=start.lost, start=start.offset)
        behind = commit.offset - start.offset if commit is not None and commit.topic_id == topic_id else 0
        logger.info(
            "partition_placed",
            partition=partition.key,
            topic_id=topic_id,
            start=start.offset,
            end=ends.high,
            read_again=max(0, behind),
        )
        return partition.commit_at(start.offset)

    def _parser(self, partition: AssignedPartition, topic_id: str, held: Held, commit: Committed | None) -> Parse:
        known = commit.offset if commit is not None and commit.topic_id == topic_id else 0
        parse = parser(partition.feed.topic, known)
        if isinstance(parse, ArtworkParser):
            rows = self._writer.catalogue(topic_id)
            if held.newest is not None and (not rows or rows[-1].offset < held.newest):
                raise UnavailableError("stale", "a replica of artworks_raw lags another one")
            parse.restore(row[:-1] for row in rows)
        return parse


def put_off(partitions: list[AssignedPartition], error: KafkaException) -> None:
    """Try again later. Where a person must change something, say so; others go on meanwhile."""
    for partition in partitions:
        partition.backoff.fail(time.monotonic())
    logger.warning("placing_failed", partitions=[each.key for each in partitions], detail=str(error))
    if errors.kind(error) is Kind.REFUSE:
        for partition in partitions:
            refuse(partition, f"Kafka refuses: {error.args[0].str()}")


def refuse(partition: AssignedPartition, why: str) -> None:
    """Set a partition aside; log it once for each reason."""
    if partition.refuse(why):
        logger.error("partition_refused", partition=partition.key, why=why)
