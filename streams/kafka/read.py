"""Reads partitions without a group: from offsets that are assigned to their ends, or up to an offset.

The end offset of a partition doesn't say when all of it was read: the marker of a transaction takes an offset too, and
no consumer is shown it. So what has no offset to stop before stops where the client says that the partition ends,
which it does if its `enable.partition.eof` is on (AT_ENDS).
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from streams.kafka.client import cluster
from streams.settings import Settings

NO_GROUP = "unused: positions are assigned, and nothing is committed"
# Has a reader say where partitions end.
AT_ENDS = {"enable.partition.eof": True}

Key = tuple[str | None, int | None]


def reader(settings: Settings, **more: str | int | float | bool) -> Consumer:
    """A consumer without a group, for reading what is committed from positions that are assigned."""
    return Consumer(
        {
            **cluster(settings),
            "group.id": NO_GROUP,
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "log_level": 3,  # librdkafka's own lines on stderr: errors only
            **more,
        }
    )


class Polled(NamedTuple):
    """What one look brought: records, in the order of each partition, and the partitions that were at their end."""

    records: list[Message]
    ended: set[Key]


def poll(consumer: Consumer, most: int, seconds: float) -> Polled:
    """Wait for so many records, `seconds` at the most. Raises KafkaException for what waiting doesn't mend."""
    polled = Polled([], set())
    for message in consumer.consume(most, seconds):
        error = message.error()
        if error is None:
            polled.records.append(message)
        elif error.code() == KafkaError._PARTITION_EOF:
            polled.ended.add((message.topic(), message.partition()))
        elif not error.retriable():
            raise KafkaException(error)
    return polled


def to_ends(consumer: Consumer, starts: Sequence[TopicPartition], most: int, seconds: float) -> Iterator[list[Message]]:
    """Yield what each poll brings, which may be nothing, until every partition's end was reached.

    The consumer is one with AT_ENDS. Waits for as long as the broker is away; raises as `poll` does.
    """
    left: set[Key] = {(start.topic, start.partition) for start in starts}
    consumer.assign(list(starts))
    while left:
        polled = poll(consumer, most, seconds)
        left -= polled.ended
        yield polled.records


def up_to(
    consumer: Consumer, start: TopicPartition, end: int, most: int, seconds: float
) -> Iterator[tuple[list[Message], int]]:
    """Yield what each poll of a partition brings, and the offset after it, until that is `end` or later.

    The last records may lie after `end`. A consumer with AT_ENDS stops at the partition's end too. Waits and raises as
    `to_ends` does.
    """
    consumer.assign([start])
    at, ended = start.offset, False
    while at < end and not ended:
        records, ends = poll(consumer, most, seconds)
        at = (records[-1].offset() or 0) + 1 if records else at
        ended = bool(ends)
        yield records, at
