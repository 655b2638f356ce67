"""`impressions rebuild`: rebuild the changelogs from ClickHouse's `impressions`, one source partition after another.

1. check that no worker runs: the worker group has no members, and the fence shuts out any that join meanwhile;
2. check that ClickHouse has everything: the sink has read the partition's accepted and ledger records to their end;
3. write BEGIN and delete the position: from here until 5, a worker refuses to start;
4. write coverage, the ordinals it uses, and windows, in transactions of a bounded size;
5. write the position: after the last decided record.

A crash in between leaves a state that workers refuse; running the command again completes it.
"""

from collections.abc import Callable, Iterator
from itertools import islice

from confluent_kafka import ConsumerGroupState
from pyroaring import BitMap

from streams.clickhouse.client import connect
from streams.core import window
from streams.errors import UserError
from streams.kafka import names
from streams.kafka.admin import REQUEST_SECONDS, TopicInfo, admin, describe
from streams.kafka.names import changelog
from streams.kafka.transaction import PartitionProducer, ProducerRecord
from streams.provision import topics_file
from streams.provision.first_position import begin
from streams.provision.topics import provision_kafka
from streams.rebuild.history import History
from streams.rebuild.sink_check import require_caught_up
from streams.settings import Settings
from streams.state import position, segments, values
from streams.state.ordinals import Ordinals
from streams.state.partition_state import POSITION, Change, Table, window_key
from streams.state.position import Position

# Changes in one transaction: some MB.
BATCH = 5_000

Out = Callable[[str], None]


def rebuild(settings: Settings, out: Out) -> None:
    """Rebuild every partition's state. Raises UserError if a worker still runs, or ClickHouse lags behind."""
    _require_idle(settings)
    provision_kafka(settings, topics_file.load(settings), False, lambda _: None)
    source = describe(settings, names.IMPRESSIONS)
    client = connect(settings)
    for partition in range(source.partitions):
        producer = PartitionProducer(settings, partition)
        producer.fence()
        require_caught_up(settings, partition)
        history = History(client, settings.clickhouse_database, partition)
        next_offset, changes = _rebuild(settings, source, partition, producer, history)
        producer.close()
        out(f"partition {partition}: {changes} values, decided up to offset {next_offset}")


def _rebuild(
    settings: Settings, source: TopicInfo, partition: int, producer: PartitionProducer, history: History
) -> tuple[int, int]:
    next_offset = history.next_offset(source.topic_id)
    begin(producer, partition, None)
    total = 0
    horizon = history.newest_append() - settings.lateness_ms - 2 * settings.window_ms
    swept = window.start_of(max(horizon, 0), settings.window_ms)
    changes = _changes(settings, history, swept)
    while batch := [ProducerRecord(changelog(c.table), partition, c.key, c.value) for c in islice(changes, BATCH)]:
        producer.commit(batch)
        total += len(batch)
    made = Position(source.topic_id, next_offset, settings.window_ms, source.partitions, swept=swept)
    last = position.encode(made)
    producer.commit([ProducerRecord(changelog(Table.COVERAGE), partition, POSITION, last)])
    return next_offset, total


def _changes(settings: Settings, history: History, swept: int) -> Iterator[Change]:
    ordinals, used = history.ordinals(), BitMap()
    for user_id, seen in history.seen(ordinals):
        used |= seen.ordinals
        for key, value in values.pack_seen(user_id.encode(), seen):
            yield Change(Table.COVERAGE, key, value)
    blocks = Ordinals()
    for artwork_id, ordinal in ordinals.items():
        if ordinal in used:
            blocks.use(ordinal, artwork_id)
    for key, value in blocks.changes():
        yield Change(Table.COVERAGE, key, value)
    for start, user_id, bucket in history.buckets(swept, settings.window_ms):
        for key, value in segments.changes(window_key(start, user_id), bucket):
            yield Change(Table.WINDOWS, key, value)


def _require_idle(settings: Settings) -> None:
    groups = admin(settings).describe_consumer_groups([names.WORKER_GROUP], request_timeout=REQUEST_SECONDS)
    group = groups[names.WORKER_GROUP].result()
    if group.state not in (ConsumerGroupState.EMPTY, ConsumerGroupState.DEAD):
        raise UserError(
            f"Workers still belong to the group {names.WORKER_GROUP}: stop them, wait "
            f"{settings.session_timeout_seconds:g} s for their session to end, and run this again."
        )
