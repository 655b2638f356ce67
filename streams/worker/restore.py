"""Restore a partition's state after the partition was assigned to this worker.

1. fence: the transactional producer's `init_transactions` shuts out the previous owner and aborts what it left open;
2. barrier: write a record to each changelog partition, in a transaction of our own. Everything committed before it
   is the whole truth, and nobody else can commit anything after it;
3. read each changelog, `read_committed`, from the local store's checkpoint up to the barrier.

A changelog that is read from its start must hold its BEGIN record, which is written before anything else. A changelog
that was emptied or truncated at the front has lost it, and with it an unknown part of the state.

None of this waits for a broker: what can't be done now raises BrokerAwayError, and whoever asked tries again. So a
partition whose changelogs are offline holds up no other one.

Faust's own recovery is not used: on a transactional changelog it waits forever for the offsets of commit markers,
which no consumer sees (docs/decisions/0002).
"""

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from confluent_kafka import Consumer, TopicPartition

from streams.errors import StateLostError, TopicMissingError
from streams.kafka.admin import REQUEST_SECONDS, TopicInfo, describe_all, require_leader, watermarks
from streams.kafka.errors import explaining
from streams.kafka.names import changelog
from streams.kafka.read import reader, up_to
from streams.kafka.transaction import PartitionProducer, ProducerRecord
from streams.metrics import catalogue as metrics
from streams.runtime import failpoints, log
from streams.runtime.failpoints import Failpoint
from streams.settings import Settings
from streams.state.checkpoint import Checkpoint
from streams.state.partition_state import BARRIER, BEGIN, STORE_PREFIX, Table
from streams.state.store import Change as StoreChange
from streams.state.store import Store

logger = log.get(__name__)

# Records in a write batch: large enough to be cheap, about 1 MB at usual sizes.
BATCH = 10_000
# How long consume() waits for a full batch, and so the cost of the last, short one.
POLL_SECONDS = 0.05
# How long the broker may hold a fetch at a changelog's end. One is in progress when the next changelog is started, and
# the first fetch of that waits for it. The default is 500.
FETCH_WAIT_MS = 10
PROGRESS_SECONDS = 5.0
REBUILD = "run `impressions rebuild` to rebuild the state from ClickHouse"


class Changelog(NamedTuple):
    """A table's changelog as it is now: its topic id, its first offset, and the offset of our barrier."""

    table: Table
    topic_id: str
    low: int
    end: int

    @property
    def topic(self) -> str:
        """The topic's name."""
        return changelog(self.table)


def restore(
    settings: Settings, partition: int, producer: PartitionProducer, store: Store, progressed: Callable[[], None]
) -> dict[str, str]:
    """Bring `store` up to date with the changelogs; return the changelogs' topic ids by topic.

    `progressed` is called after each step that made progress. Raises StateLostError if the changelogs no longer hold
    the whole state; the store is then left unchanged. Raises BrokerAwayError if it can be tried again.
    """
    started = time.monotonic()
    # Before the fence: where this fails, it would fence the present owner for nothing, again and again.
    _described(settings, partition)
    failpoints.hit(Failpoint.WORKER_TAKING)
    producer.fence(patient=False)
    progressed()
    failpoints.hit(Failpoint.WORKER_FENCED)
    # Fail rather than skip an offset that no longer exists.
    consumer = reader(settings, **{"auto.offset.reset": "error"}, **{"fetch.wait.max.ms": FETCH_WAIT_MS})
    total = 0
    try:
        changelogs = _set_barriers(settings, partition, producer)
        for each in changelogs:
            # By itself, a running librdkafka client looks up the leader of a newly assigned topic once a second only.
            with explaining(f"describe {each.topic}", f"Describe on the topic {each.topic}"):
                consumer.list_topics(each.topic, REQUEST_SECONDS)
        progressed()
        failpoints.hit(Failpoint.WORKER_BARRIER)
        checkpoint = _checkpoint_to_go_on_from(consumer, store, partition, changelogs)
        for each in changelogs:
            start = max(checkpoint.offset(each.topic_id), each.low)
            for batch, reached in _read(consumer, each, partition, start):
                store.write([*batch, checkpoint.advance({each.topic_id: reached}, time.time())])
                total += len(batch)
                metrics.worker_restored_records.inc(len(batch))
                if batch:
                    progressed()
                failpoints.hit(Failpoint.WORKER_RESTORING)
    finally:
        consumer.close()
    elapsed = round(time.monotonic() - started, 3)
    logger.info("state_restored", partition=partition, changes=total, seconds=elapsed)
    return {each.topic: each.topic_id for each in changelogs}


def _set_barriers(settings: Settings, partition: int, producer: PartitionProducer) -> list[Changelog]:
    nonce = b"%d" % time.time_ns()
    infos = _described(settings, partition)
    ends = producer.commit([ProducerRecord(t, partition, BARRIER, nonce) for t in infos], watch=infos, patient=False)
    lows = {topic: watermarks(settings, topic, partition)[0] for topic in ends}
    topics = {table: changelog(table) for table in Table}
    return [Changelog(table, infos[topic].topic_id, lows[topic], ends[topic]) for table, topic in topics.items()]


def _described(settings: Settings, partition: int) -> dict[str, TopicInfo]:
    """Describe the changelogs, by topic.

    Raises StateLostError if one is missing or has no such partition, BrokerAwayError if the partition is offline.
    """
    try:
        infos = describe_all(settings, [changelog(table) for table in Table])
    except TopicMissingError as error:
        raise StateLostError(f"{error} If there was one: {REBUILD}.") from None
    for topic, info in infos.items():
        if partition >= info.partitions:
            raise StateLostError(
                f"partition {partition} has no state: {topic} has {info.partitions} partitions, as many as the source "
                "had when it was provisioned, and users keep their places in these. What producers sent to partition "
                f"{partition} waits there, undecided: `impressions provision` says how to go on."
            )
        require_leader(info, topic, partition)
    return infos


def _checkpoint_to_go_on_from(
    consumer: Consumer, store: Store, partition: int, changelogs: list[Changelog]
) -> Checkpoint:
    """Decide whether the restore can build on the local store; clear it if the changelogs alone are better."""
    checkpoint = Checkpoint.read(store)
    for each in changelogs:
        if checkpoint.offset(each.topic_id) > each.end:
            raise StateLostError(
                f"the local state of partition {partition} is ahead of {each.topic}, which has lost records: {REBUILD}."
            )
    usable = checkpoint.offsets and all(checkpoint.offset(each.topic_id) > each.low for each in changelogs)
    if usable and not checkpoint.is_older_than_tombstones(time.time()):
        return checkpoint
    for each in changelogs:
        if not _holds_begin(consumer, each, partition):
            raise StateLostError(
                f"{each.topic} of partition {partition} has lost its beginning, or never had one: run `impressions "
                f"provision` on a new installation; where there was state before, {REBUILD}."
            )
    if checkpoint.offsets:
        logger.warning("local_state_discarded", partition=partition)
        store.clear()
    return Checkpoint()


def _holds_begin(consumer: Consumer, each: Changelog, partition: int) -> bool:
    """Return whether there is a BEGIN record. It is a changelog's first record, so this reads little."""
    begins = TopicPartition(each.topic, partition, each.low)
    batches = up_to(consumer, begins, each.end + 1, BATCH, POLL_SECONDS, REQUEST_SECONDS)
    return any(record.key() == BEGIN for records, _ in batches for record in records)


def _read(consumer: Consumer, each: Changelog, partition: int, start: int) -> Iterator[tuple[list[StoreChange], int]]:
    """Yield batches of changes with the offset after each, up to and including the barrier.

    A record without a key is not one of our changes, and a compacted topic would not accept it.
    """
    after_barrier, prefix = each.end + 1, STORE_PREFIX[each.table]
    report = _progress(each, partition)
    begins = TopicPartition(each.topic, partition, start)
    for records, at in up_to(consumer, begins, after_barrier, BATCH, POLL_SECONDS, REQUEST_SECONDS):
        batch: list[StoreChange] = []
        for record in records:
            key, offset = record.key(), record.offset()
            if key is not None and key not in (BARRIER, BEGIN) and offset is not None and offset < after_barrier:
                batch.append((prefix + key, record.value()))
        yield batch, min(at, after_barrier)
        report(at)


def _progress(each: Changelog, partition: int) -> Callable[[int], None]:
    last = time.monotonic()

    def report(at: int) -> None:
        nonlocal last
        if time.monotonic() - last > PROGRESS_SECONDS:
            last = time.monotonic()
            logger.info("state_restoring", topic=each.topic, partition=partition, offset=at, end=each.end)

    return report
