"""The sink as a process, between a real broker and a real engine: nothing lost, nothing twice, whatever dies when."""

import itertools
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from streams.kafka.admin import committed, describe, watermarks
from streams.kafka.names import ACCEPTED, ARTWORKS, LEDGER, REJECTED, SINK_GROUP
from streams.provision import topics_file
from streams.provision.topics import provision_kafka
from streams.runtime.exit import EXIT_RESTART
from streams.settings import Settings
from tests.support.clickhouse import Engine, running_engine
from tests.support.database import Database, migrated
from tests.support.kafka import running_broker, start_broker, stop_broker
from tests.support.rows import T0, accepted, ledger, rejected
from tests.support.sink import SinkProcess, TransactionalFeeder, joined, produce_artworks
from tests.support.stack import metrics_port
from tests.support.wait import until

pytestmark = pytest.mark.integration

SECONDS = 120.0
PARTITIONS = 4


@dataclass
class Stack:
    """A broker with the project's topics, an engine, and a database of the test's own."""

    settings: Settings
    engine: Engine
    db: Database
    folder: Path
    feeder: TransactionalFeeder
    offset: Iterator[int] = field(default_factory=itertools.count)

    @contextmanager
    def sink(self, index: int = 0) -> Iterator[SinkProcess]:
        with SinkProcess(self.settings, self.folder, index) as sink:
            yield sink

    def chunk(self, flushes: int, partition: int, each: int = 3) -> list[tuple[str, int, bytes]]:
        """A chunk's records: `flushes` flushes of `each` new impressions, and their ledger rows."""
        offsets = [next(self.offset) for _ in range(flushes)]
        seen = [
            accepted(f"u{n % 50}", f"a{n}-{idx}", T0 + n, n, partition, event_id=f"e{n}-{idx}", idx=idx)
            for n in offsets
            for idx in range(each)
        ]
        rows = [ledger(n, partition, received=each, accepted=each, fresh=each, appended_at=T0 + n) for n in offsets]
        return [(ACCEPTED, partition, joined(seen)), (LEDGER, partition, joined(rows))]

    def count(self, table: str) -> int:
        return int(self.db.rows(f"SELECT count() FROM {table}")[0][0])

    def wait_rows(self, table: str, rows: int) -> None:
        until(lambda: self.count(table) >= rows, SECONDS, f"{rows} rows in {table}")

    def check(self, flushes: int, each: int = 3) -> None:
        """All of it is there, once, and the tables agree."""
        self.wait_rows("ledger", flushes)
        self.wait_rows("impressions", flushes * each)
        for table in ("impressions", "user_artworks", "artwork_users"):
            assert self.count(table) == flushes * each
        assert self.db.rows("SELECT count(), uniqExact(source_offset), sum(accepted) FROM ledger") == [
            (flushes, flushes, flushes * each)
        ]
        assert self.db.rows("SELECT uniqExact(event_id), uniqExact(source_offset) FROM impressions") == [
            (flushes * each, flushes)
        ]

    def committed(self, topic: str, partition: int) -> tuple[int, str | None]:
        found = committed(self.settings, SINK_GROUP, topic, partition)
        return found.offset, found.metadata

    def rewind(self, partition: int) -> None:
        """Set the partition's committed offsets to 0, as an operator would."""
        consumer = Consumer({"bootstrap.servers": self.settings.kafka_bootstrap, "group.id": SINK_GROUP})
        offsets = [TopicPartition(topic, partition, 0) for topic in (ACCEPTED, LEDGER)]
        consumer.commit(offsets=offsets, asynchronous=False)
        consumer.close()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with running_broker(tmp_path_factory.mktemp("broker")) as settings:
        provision_kafka(settings, topics_file.load(settings), False, lambda _: None)
        yield settings


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with running_engine(tmp_path_factory.mktemp("engine")) as engine:
        yield engine


@pytest.fixture(scope="module")
def feeder(broker: Settings) -> TransactionalFeeder:
    return TransactionalFeeder(broker, "test-feeder")


@pytest.fixture(scope="module")
def numbers() -> Iterator[int]:
    return itertools.count()


@pytest.fixture
def stack(
    broker: Settings, engine: Engine, feeder: TransactionalFeeder, numbers: Iterator[int], tmp_path: Path
) -> Stack:
    """A new database on shared servers; what earlier tests left in the topics lies behind the group's offsets."""
    name = f"sink_{next(numbers)}"
    settings = engine.settings(
        kafka_bootstrap=broker.kafka_bootstrap,
        clickhouse_database=name,
        metrics_port=metrics_port(),
        session_timeout_seconds=6,
        sink_flush_seconds=0.1,
    )
    return Stack(settings, engine, migrated(engine, name), tmp_path, feeder)


def test_what_is_committed_arrives_and_what_is_aborted_does_not(stack: Stack) -> None:
    with stack.sink() as sink:
        for partition in range(PARTITIONS):
            stack.feeder.abort(*stack.chunk(20, partition))
        stack.offset = itertools.count()
        for partition in range(PARTITIONS):
            stack.feeder.commit(*stack.chunk(20, partition), (REJECTED, partition, _rejected(partition)))
        stack.check(80)
        stack.wait_rows("rejected", PARTITIONS)
        assert stack.db.rows("SELECT DISTINCT payload FROM rejected") == [("☃",)]
        large = rejected(100, payload="x" * (7 * 2**20), payload_encoding="utf-8")
        stack.feeder.commit((REJECTED, 0, joined([large])))
        stack.wait_rows("rejected", PARTITIONS + 1)
        assert stack.db.rows("SELECT max(length(payload)) FROM rejected") == [(7 * 2**20,)]
        until(lambda: sink.metric("impressions_sink_lag") == 0, SECONDS, "the lag is 0 behind commit markers")
        assert sink.metric('impressions_sink_rows_total{table="impressions_raw"}') == 240
        assert sink.metric("impressions_sink_latency_seconds_count") == 13
        assert sink.stop() == 0
    topic_id = describe(stack.settings, ACCEPTED).topic_id
    offset, metadata = stack.committed(ACCEPTED, 0)
    assert (offset + 1, metadata) == (watermarks(stack.settings, ACCEPTED, 0)[1], topic_id)


def _rejected(partition: int) -> bytes:
    row = rejected(partition, partition, payload="☃", payload_encoding="utf-8")
    return joined([row])


def test_killed_at_any_moment_nothing_is_lost_and_nothing_is_twice(stack: Stack) -> None:
    # What is random is where in the sink's work a kill falls; the rows before it are the same in each run.
    chance = random.Random(3)
    chunks, flushes = 120, 25
    done = threading.Event()

    def feed() -> None:
        for number in range(chunks):
            stack.feeder.commit(*stack.chunk(flushes, number % PARTITIONS))
        done.set()

    thread = threading.Thread(target=feed)
    with stack.sink() as sink:
        thread.start()
        kills = 0
        while kills < 6:
            goal = stack.count("impressions_raw") + chance.randrange(1, 600)
            until(lambda: stack.count("impressions_raw") >= goal or done.is_set(), SECONDS, "rows before a kill")  # noqa: B023
            sink.kill()
            kills += 1
            sink.start()
        thread.join()
        stack.check(chunks * flushes)


def test_a_rewind_changes_nothing(stack: Stack) -> None:
    with stack.sink() as sink:
        stack.feeder.commit(*stack.chunk(30, 1))
        stack.check(30)
        assert sink.stop() == 0
    until(lambda: _group_is_empty(stack.settings), SECONDS, "the group has no member")
    before = stack.committed(LEDGER, 1)
    stack.rewind(1)
    with stack.sink() as sink:
        until(lambda: stack.committed(LEDGER, 1) == before, SECONDS, "the commit follows what ClickHouse has")
        stack.feeder.commit(*stack.chunk(30, 1))
        stack.wait_rows("ledger", 60)
        assert sink.metric('impressions_sink_rows_total{table="ledger_raw"}') == 30
        stack.check(60)


def _group_is_empty(settings: Settings) -> bool:
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap})
    return not admin.describe_consumer_groups([SINK_GROUP])[SINK_GROUP].result(SECONDS).members


def test_while_clickhouse_is_away_the_sink_waits_and_then_goes_on(stack: Stack) -> None:
    with stack.sink() as sink:
        stack.feeder.commit(*stack.chunk(10, 0))
        stack.check(10)
        stack.engine.stop()
        try:
            for number in range(40):
                stack.feeder.commit(*stack.chunk(10, number % PARTITIONS))
            until(lambda: sink.metric("impressions_sink_waiting") == 1, SECONDS, "the sink waits")
            assert sink.metric("impressions_sink_ready") == 0
            sink.kill()
            sink.start()
            until(lambda: sink.metric("impressions_sink_waiting") == 1, SECONDS, "it waits at its start too")
        finally:
            stack.engine.start()
        stack.check(410)
        sink.wait_ready()
        assert sink.metric('impressions_sink_errors_total{code="unreachable"}')
        assert sink.stop() == 0


def test_a_table_that_is_gone_stops_its_own_topic_only_and_skips_nothing(stack: Stack) -> None:
    writer = stack.db.put.client
    writer.command(f"RENAME TABLE {stack.db.name}.ledger_raw TO {stack.db.name}.away")
    with stack.sink() as sink:
        stack.feeder.commit(*stack.chunk(10, 0))
        stack.wait_rows("impressions", 30)
        until(lambda: sink.metric('impressions_sink_errors_total{code="60"}'), SECONDS, "the error is counted")
        writer.command(f"RENAME TABLE {stack.db.name}.away TO {stack.db.name}.ledger_raw")
        stack.check(10)
        assert sink.stop() == 0


def test_the_catalogue_refuses_and_remembers_over_a_restart(stack: Stack) -> None:
    def value(ordinal: int, **more: Any) -> dict[str, Any]:
        return {"pool_id": "main", "ordinal": ordinal} | more

    def known() -> list[tuple[Any, ...]]:
        return stack.db.rows("SELECT artwork_id, pool_id, ordinal, retired, dna FROM artworks ORDER BY ALL")

    with stack.sink() as sink:
        produce_artworks(
            stack.settings,
            ARTWORKS,
            [
                ("a1", value(1, dna=[0.5, 1])),
                ("a2", b"no JSON"),
                ("a2", value(1)),  # ordinal of a1
                ("a1", value(3)),  # another ordinal
                ("a3", None),  # was never there
                ("bad id", value(9)),
                ("a4", value(4, pool_id="other")),
                ("a4", None),
            ],
        )
        expected = [("a1", "main", 1, False, [0.5, 1.0]), ("a4", "other", 4, True, [])]
        until(lambda: known() == expected, SECONDS, "the catalogue is there")
        sink.kill()
        sink.start()
        produce_artworks(stack.settings, ARTWORKS, [("a5", value(4)), ("a1", value(1, retired=True)), ("a6", value(6))])
        until(
            lambda: known() == [("a1", "main", 1, True, []), expected[1], ("a6", "main", 6, False, [])],
            SECONDS,
            "the records behind the restart, without the one that uses a4's ordinal",
        )
        assert sink.metric("impressions_sink_refused_artworks_total") == 1
        assert sink.stop() == 0
    assert stack.count("artworks_raw") == 5


@pytest.mark.parametrize("killed", [True, False])
def test_a_topic_made_again_starts_anew(stack: Stack, killed: bool) -> None:
    admin = AdminClient({"bootstrap.servers": stack.settings.kafka_bootstrap})
    with stack.sink() as sink:
        for _ in range(20):
            stack.feeder.commit((REJECTED, 0, _rejected(next(stack.offset))))
        stack.wait_rows("rejected", 20)
        if killed:
            sink.kill()
        admin.delete_topics([REJECTED])[REJECTED].result(SECONDS)
        until(lambda: REJECTED not in admin.list_topics(timeout=SECONDS).topics, SECONDS, "the topic is gone")
        provision_kafka(stack.settings, topics_file.load(stack.settings), False, lambda _: None)
        if not killed:
            # It can't tell the two logs' records apart, so it ends; a supervisor starts it again.
            assert sink.wait_exit() == EXIT_RESTART
        sink.start()
        for _ in range(5):
            stack.feeder.commit((REJECTED, 0, _rejected(next(stack.offset))))
        stack.wait_rows("rejected", 25)
        assert stack.db.rows("SELECT uniqExact(kafka_topic_id), count() FROM rejected_raw") == [(2, 25)]


def test_what_retention_deleted_unread_is_counted_and_what_is_held_is_not_lost(stack: Stack) -> None:
    admin = AdminClient({"bootstrap.servers": stack.settings.kafka_bootstrap})

    def delete_up_to_the_end() -> None:
        end = watermarks(stack.settings, LEDGER, 3)[1]
        admin.delete_records([TopicPartition(LEDGER, 3, end)])[TopicPartition(LEDGER, 3)].result(SECONDS)

    def row() -> tuple[str, int, bytes]:
        return LEDGER, 3, joined([ledger(next(stack.offset), 3)])

    with stack.sink() as sink:
        sink.wait_ready()
        stack.engine.stop()
        try:
            stack.feeder.commit(row())  # is read, and held
            until(lambda: sink.metric("impressions_sink_waiting") == 1, SECONDS, "the sink waits")
            stack.feeder.commit(row())  # is deleted before it is read
            delete_up_to_the_end()
            stack.feeder.commit(row())
        finally:
            stack.engine.start()
        until(lambda: _ledger_offsets(stack) == [0, 2], SECONDS, "what was held and what is left")
        # The record, and the markers around it.
        until(lambda: sink.metric('impressions_sink_lost_offsets_total{partition="3",topic="impressions.ledger.v1"}'),
              SECONDS, "the loss is counted")  # fmt: skip
        assert '"offsets_lost"' in sink.log.read_text()
        assert sink.stop() == 0


def _ledger_offsets(stack: Stack) -> list[int]:
    return [offset for (offset,) in stack.db.rows("SELECT source_offset FROM ledger ORDER BY source_offset")]


def test_a_broker_that_restarts_costs_nothing(stack: Stack, broker: Settings) -> None:
    with stack.sink() as sink:
        stack.feeder.commit(*stack.chunk(20, 0))
        stack.check(20)
        stop_broker(broker)
        start_broker(broker)
        for partition in range(PARTITIONS):
            stack.feeder.commit(*stack.chunk(20, partition))
        stack.check(100)
        sink.wait_ready()
        assert sink.stop() == 0


def test_a_second_process_of_the_same_name_replaces_the_first(stack: Stack) -> None:
    with stack.sink() as first:
        first.wait_ready()
        other = stack.settings.model_copy(update={"metrics_port": metrics_port()})
        (stack.folder / "second").mkdir()
        with SinkProcess(other, stack.folder / "second") as second:
            assert first.wait_exit() == EXIT_RESTART
            assert "sink 0 was replaced" in first.log.read_text()
            stack.feeder.commit(*stack.chunk(10, 2))
            stack.check(10)
            assert second.stop() == 0


def test_two_sinks_share_the_partitions_and_one_takes_over(stack: Stack) -> None:
    with stack.sink(0) as first, stack.sink(1) as second:
        until(lambda: len(_committed_gauges(first)) > 0, SECONDS, "the first one reads")

        def shared() -> bool:
            counts = [sink.metrics().count("impressions_sink_lag{") for sink in (first, second)]
            return sum(counts) == 3 * PARTITIONS + 1 and min(counts) > 0

        until(shared, SECONDS, "both have partitions")
        for partition in range(PARTITIONS):
            stack.feeder.commit(*stack.chunk(20, partition))
        stack.check(80)
        second.kill()
        for partition in range(PARTITIONS):
            stack.feeder.commit(*stack.chunk(20, partition))
        stack.check(160)


def _committed_gauges(sink: SinkProcess) -> list[str]:
    return [line for line in sink.metrics().splitlines() if line.startswith("impressions_sink_lag{")]
