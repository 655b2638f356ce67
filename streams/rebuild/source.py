"""Where the rebuilt state stands in the source: the position after the last decided line, and the oldest window."""

from collections.abc import Mapping

from confluent_kafka import Message, TopicPartition

from streams.core.window import start_of
from streams.kafka.admin import TopicInfo, watermarks
from streams.kafka.names import IMPRESSIONS
from streams.kafka.read import AT_ENDS, reader, up_to
from streams.settings import Settings
from streams.state.position import Position

POLL_SECONDS = 1.0
# A record's 4 MiB may hold far more than the 100 MB that the client unpacks by default. One record is read at a time.
MOST_UNPACKED_BYTES = 1024 * 1024 * 1024
Coordinates = tuple[str, int]


def position_of(
    settings: Settings,
    source: TopicInfo,
    partition: int,
    decided: Mapping[Coordinates, tuple[int, int]],
    appended: Mapping[Coordinates, int],
) -> Position:
    """Return the position after the last decided line of this log: offset 0 if it is new.

    `decided` has offset and line of the ledger's last row, and `appended` its newest A (ms), by topic id and partition.

    The position's `swept` is where the windows begin that the state must hold. What is decided next was appended after
    everything decided in this log. A new log may already have records that are older than the last of another one.
    """
    here = (source.topic_id, partition)
    offset, line = 0, 0
    if (last := decided.get(here)) is not None:
        record = first_record(settings, partition, last[0])
        # The line after the last one, unless that was the record's last, or retention has taken the record.
        more = record is not None and record.offset() == last[0] and lines_in(record.value()) > last[1] + 1
        offset, line = (last[0], last[1] + 1) if more else (last[0] + 1, 0)
    newest = appended.get(here)
    if newest is None:
        newest = max(appended.values(), default=0)
        if (first := first_record(settings, partition, offset)) is not None:
            newest = min(newest, first.timestamp()[1])
    horizon = newest - settings.lateness_ms - 2 * settings.window_ms
    swept = start_of(max(horizon, 0), settings.window_ms)
    return Position(source.topic_id, offset, settings.window_ms, source.partitions, line, swept)


def lines_in(value: bytes | None) -> int:
    """Return the number of lines of a record's value (contract §3)."""
    return (value or b"").count(b"\n") + (not value or not value.endswith(b"\n"))


def first_record(settings: Settings, partition: int, offset: int) -> Message | None:
    """Return the first committed record from that offset on; None if there is none."""
    low, high = watermarks(settings, IMPRESSIONS, partition)
    largest = {"receive.message.max.bytes": MOST_UNPACKED_BYTES}
    consumer = reader(settings, **{"auto.offset.reset": "earliest"}, **largest, **AT_ENDS)
    try:
        start = TopicPartition(IMPRESSIONS, partition, max(offset, low))
        for records, _ in up_to(consumer, start, high, 1, POLL_SECONDS):
            if records:
                return records[0]
        return None
    finally:
        consumer.close()
