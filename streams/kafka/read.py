"""Reads partitions without a group: from assigned offsets to the partitions' ends, or up to an offset.

A partition's end offset doesn't show when everything was read: transaction markers take offsets too, and consumers
never see them. A read without a final offset therefore stops where the client reports the end of the partition, which
requires `enable.partition.eof` (AT_ENDS).
"""

import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from streams.errors import BrokerAwayError, Kind
from streams.kafka.client import cluster
from streams.kafka.errors import MISSING, kafka_kind, known
from streams.settings import Settings

NO_GROUP = "unused: positions are assigned, and nothing is committed"
# Makes a reader report where partitions end.
AT_ENDS = {"enable.partition.eof": True}

# What was to be read is not there, or not yet known to the broker that was asked: whoever reads must look again.
GONE = MISSING | {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}

Key = tuple[str | None, int | None]


def reader(settings: Settings, **more: str | int | float | bool) -> Consumer:
    """Return a consumer without a group that reads committed records from assigned positions."""
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
    """The result of one poll: records, in order within each partition, and the partitions that reached their end.

    `ends` are the offsets of those ends, after which nothing was there when the client looked.
    """

    records: list[Message]
    ended: set[Key]
    ends: dict[Key, int]


def poll(consumer: Consumer, most: int, seconds: float) -> Polled:
    """Wait until there are `most` records, at most `seconds`, and return what there is.

    Raises if waiting longer wouldn't help: BrokerAwayError if starting over may, UserError if a person must act,
    KafkaException for a defect.
    """
    return _polled(consumer.consume(most, seconds))


def soon(consumer: Consumer, most: int, seconds: float) -> Polled:
    """Wait until there is something, at most `seconds`, and return up to `most` of what there is. Raises as `poll`."""
    first = consumer.poll(seconds)
    return _polled([] if first is None else [first, *consumer.consume(most - 1, 0)])


def _polled(messages: Sequence[Message]) -> Polled:
    polled = Polled([], set(), {})
    for message in messages:
        error = message.error()
        if error is None:
            polled.records.append(message)
        elif error.code() == KafkaError._PARTITION_EOF:
            key = (message.topic(), message.partition())
            polled.ended.add(key)
            polled.ends[key] = message.offset() or 0
        elif error.code() in GONE:
            raise BrokerAwayError(f"Kafka can't read {message.topic()} now: {error.str()}.")
        elif kafka_kind(error) is not Kind.WAIT:
            topic = message.topic()
            raise known(KafkaException(error), f"read {topic}", f"Read on the topic {topic}")
    return polled


def to_ends(consumer: Consumer, starts: Sequence[TopicPartition], most: int, seconds: float) -> Iterator[list[Message]]:
    """Yield the records of each poll, possibly none, until every partition's end is reached.

    The consumer must have AT_ENDS. Waits for as long as the broker is down; raises as `poll` does.
    """
    left: set[Key] = {(start.topic, start.partition) for start in starts}
    consumer.assign(list(starts))
    while left:
        polled = poll(consumer, most, seconds)
        left -= polled.ended
        yield polled.records


def up_to(
    consumer: Consumer, start: TopicPartition, end: int, most: int, seconds: float, patience: float | None = None
) -> Iterator[tuple[list[Message], int]]:
    """Yield the records of each poll of a partition, and the offset after them, until that offset is `end` or later.

    The last records may come after `end`. A consumer with AT_ENDS also stops at the partition's end. Waits and raises
    as `to_ends` does; raises BrokerAwayError if nothing comes for `patience` seconds, None being for ever.
    """
    consumer.assign([start])
    at, ended, heard = start.offset, False, time.monotonic()
    while at < end and not ended:
        records, ended_now, _ = poll(consumer, most, seconds)
        now = time.monotonic()
        if records or ended_now:
            heard = now
        elif patience is not None and now - heard > patience:
            raise BrokerAwayError(f"No broker sends what partition {start.partition} of {start.topic} holds.")
        at = (records[-1].offset() or 0) + 1 if records else at
        ended = bool(ended_now)
        yield records, at
