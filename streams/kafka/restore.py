"""Bring a partition's state up to date, once the partition is ours.

1. fence: the transactional producer's `init_transactions` shuts out the one before us and aborts what it left open;
2. barrier: a record in each changelog partition, in a transaction of ours; everything committed before it is the
   whole truth, and nothing can be committed behind it by anyone else;
3. read each changelog, `read_committed`, from where the local store stands up to the barrier.

Faust's own recovery is not used: on a changelog written in transactions it waits for ever, for the offsets of commit
markers, which no consumer is shown (docs/decisions/0002).
"""

import time
from collections.abc import Callable, Iterator

from confluent_kafka import Consumer, KafkaException, TopicPartition

from streams import log
from streams.errors import UserError
from streams.kafka.topics import changelog
from streams.kafka.transaction import Outgoing, PartitionProducer
from streams.settings import Settings
from streams.tables.marks import Marks
from streams.tables.state import BARRIER, STORE_PREFIX, Table
from streams.tables.store import Change as StoreChange
from streams.tables.store import Store

logger = log.get(__name__)

# Records a write batch holds: large enough to be cheap, about 1 MB at usual sizes.
BATCH = 10_000
# consume() waits for a full batch that long, so this is what the last, short one costs.
POLL_SECONDS = 0.05
WATERMARK_SECONDS = 10.0
PROGRESS_SECONDS = 5.0
REBUILD = "run `impressions rebuild` to make the state again from ClickHouse"


class StateLostError(UserError):
    """The state can't be recovered from what is left of the changelog; going on would be guessing."""


def restore(settings: Settings, partition: int, producer: PartitionProducer, store: Store) -> None:
    """Make `store` hold what the changelogs hold. Raises StateLostError when they don't hold it any more."""
    started = time.monotonic()
    producer.fence()
    topics = {table: changelog(table) for table in Table}
    nonce = b"%d" % time.time_ns()
    barrier = [Outgoing(topic, partition, BARRIER, nonce) for topic in topics.values()]
    ends = producer.commit(barrier, watch=topics.values())
    consumer = Consumer(
        {
            "bootstrap.servers": settings.kafka_bootstrap,
            "group.id": "unused: positions are assigned, and nothing is committed",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "auto.offset.reset": "error",  # a position that is gone must not be skipped over
            "fetch.message.max.bytes": 4 * 1024 * 1024,
            "queued.min.messages": 50_000,
        }
    )
    try:
        marks = _trusted_marks(consumer, store, topics, partition, ends)
        total = 0
        for table, topic in topics.items():
            start = marks.offset(topic)
            for batch, reached in _read(consumer, table, TopicPartition(topic, partition, start), ends[topic]):
                store.write([*batch, marks.advance(topic, reached, time.time())])
                total += len(batch)
    finally:
        consumer.close()
    elapsed = round(time.monotonic() - started, 3)
    logger.info("state_restored", partition=partition, changes=total, seconds=elapsed)


def _trusted_marks(
    consumer: Consumer, store: Store, topics: dict[Table, str], partition: int, ends: dict[str, int]
) -> Marks:
    """Decide whether the local store is a beginning to build on; clear it if it is not.

    Raises StateLostError when neither it nor the changelogs hold the whole state.
    """
    marks = Marks.read(store)
    low = {t: _low(consumer, TopicPartition(t, partition)) for t in topics.values()}
    for topic in topics.values():
        if marks.offset(topic) > ends[topic]:
            raise StateLostError(
                f"the local state of partition {partition} is ahead of {topic}, which was deleted or cut: {REBUILD}."
            )
    if marks.is_older_than_tombstones(time.time()) or any(marks.offset(t) < low[t] for t in low):
        logger.warning("local_state_discarded", partition=partition)
        store.clear()
        marks = Marks()
    for topic in topics.values():
        if marks.offset(topic) < low[topic]:
            raise StateLostError(f"{topic} of partition {partition} begins at offset {low[topic]}, not 0: {REBUILD}.")
    return marks


def _low(consumer: Consumer, tp: TopicPartition) -> int:
    try:
        low, _ = consumer.get_watermark_offsets(tp, timeout=WATERMARK_SECONDS)
    except KafkaException as error:
        raise StateLostError(f"{tp.topic} of partition {tp.partition} can't be read ({error}): {REBUILD}.") from None
    return int(low)


def _read(consumer: Consumer, table: Table, tp: TopicPartition, end: int) -> Iterator[tuple[list[StoreChange], int]]:
    """Yield batches of changes with the offset behind each, up to and with the barrier at offset `end`."""
    consumer.assign([tp])
    at, prefix = tp.offset, STORE_PREFIX[table]
    report = _progress(tp, end)
    while at <= end:
        batch: list[StoreChange] = []
        for message in consumer.consume(BATCH, POLL_SECONDS):
            error = message.error()
            if error is not None:
                if error.retriable():
                    continue
                raise KafkaException(error)
            offset, key = message.offset(), message.key()
            assert offset is not None  # what was consumed has one
            at = offset + 1
            if key is not None and key != BARRIER and offset <= end:
                batch.append((prefix + key, message.value()))
        yield batch, min(at, end + 1)
        report(at)


def _progress(tp: TopicPartition, end: int) -> Callable[[int], None]:
    last = time.monotonic()

    def report(at: int) -> None:
        nonlocal last
        if time.monotonic() - last > PROGRESS_SECONDS:
            last = time.monotonic()
            logger.info("state_restoring", topic=tp.topic, partition=tp.partition, offset=at, end=end)

    return report
