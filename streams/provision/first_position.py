"""The first position of every source partition, written when the installation is first provisioned.

It distinguishes a new installation from one that lost its state: a worker never starts without a position, and a
position is never made up if a worker ran before. It also fixes the window and the partition count.
"""

import time
from concurrent.futures import ThreadPoolExecutor

from confluent_kafka import Consumer, TopicPartition

from streams.errors import StateLostError, UserError
from streams.kafka import names
from streams.kafka.admin import TopicInfo, committed, watermarks
from streams.kafka.names import changelog
from streams.kafka.read import AT_ENDS, reader, up_to
from streams.kafka.transaction import PartitionProducer, ProducerRecord
from streams.settings import Settings
from streams.state import position
from streams.state.partition_state import BEGIN, POSITION, Table
from streams.state.position import Position

CHANGELOG = changelog(Table.COVERAGE)
# A chunk's position is its last change, so reading these last records finds it; if not, more are read.
FIRST_LOOK = 100
POLL_SECONDS = 1.0


def ensure_first_position(settings: Settings, source: TopicInfo) -> list[int]:
    """Write the first position of every partition that never had one; return these partitions. Idempotent.

    Raises UserError if a worker ran before but no position is left, or if the settings differ from those that the
    state was made with.
    """
    # Each partition takes several requests to the broker, in parallel with the others'.
    with ThreadPoolExecutor(max_workers=8) as threads:
        began = threads.map(lambda p: _ensure(settings, source, p), range(source.partitions))
        return [partition for partition, new in enumerate(began) if new]


def _ensure(settings: Settings, source: TopicInfo, partition: int) -> bool:
    """Write the partition's first position if it never had one; return whether it did so."""
    begun = [watermarks(settings, changelog(table), partition)[1] > 0 for table in Table]
    if all(begun) and _holds_position(settings, partition, source.partitions):
        return False
    if any(begun) or _was_worked_on(settings, partition):
        raise StateLostError(
            f"The changelogs of partition {partition} don't hold its state, but there was work before: the state was "
            "lost. Run `impressions rebuild` to rebuild it from ClickHouse."
        )
    producer = PartitionProducer(settings, partition)
    # It has the partition's own transactional id: of two provisions, or a provision and a worker, only one can write.
    producer.fence()
    if watermarks(settings, CHANGELOG, partition)[1] == 0:
        first = Position(source.topic_id, 0, settings.window_ms, source.partitions)
        begin(producer, partition, position.encode(first))
    producer.close()
    return True


def begin(producer: PartitionProducer, partition: int, first: bytes | None) -> None:
    """Begin both changelogs, with a first position, or without one while the state is being rebuilt."""
    nonce = b"%d" % time.time_ns()
    records = [ProducerRecord(changelog(table), partition, BEGIN, nonce) for table in Table]
    producer.commit([*records, ProducerRecord(CHANGELOG, partition, POSITION, first)])


def _holds_position(settings: Settings, partition: int, partitions: int) -> bool:
    """Return whether there is a position. Raises UserError if it was made with other settings."""
    found = last_position(settings, partition)
    if found is None:
        return False
    if found.window_ms != settings.window_ms:
        raise UserError(
            f"The dedupe window is {found.window_ms // 1000} s since the first provisioning, not "
            f"{settings.dedupe_window_seconds} s: set IMPRESSIONS_DEDUPE_WINDOW_SECONDS back; another window needs a "
            "new installation (other topics and another database), since the history was judged with the old one."
        )
    if found.partitions != partitions:
        raise UserError(
            f"{names.IMPRESSIONS} has {partitions} partitions, but its state was made with {found.partitions}: the "
            "count is fixed, since users would change partition; another count needs a new installation."
        )
    return True


def last_position(settings: Settings, partition: int) -> Position | None:
    """Return the partition's newest position, read from the end of the changelog; None if it holds none."""
    low, high = watermarks(settings, CHANGELOG, partition)
    consumer = reader(settings, **AT_ENDS)
    try:
        back = FIRST_LOOK
        while True:
            start = max(low, high - back)
            found = _newest(consumer, TopicPartition(CHANGELOG, partition, start), high)
            if found is not None or start == low:
                return found
            back *= 10
    finally:
        consumer.close()


def _newest(consumer: Consumer, tp: TopicPartition, high: int) -> Position | None:
    """Return the newest position before `high`. Stops there, because a running worker keeps moving the end."""
    newest = None
    for records, after in up_to(consumer, tp, high, 1, POLL_SECONDS):
        for record in records:
            if after <= high and record.key() == POSITION:
                value = record.value()
                newest = position.decode(value) if value else None
    return newest


def _was_worked_on(settings: Settings, partition: int) -> bool:
    """Return whether a worker has ever committed an offset or written a ledger row for the partition."""
    found = committed(settings, names.WORKER_GROUP, names.IMPRESSIONS, partition)
    return found.offset > 0 or watermarks(settings, names.LEDGER, partition)[1] > 0
