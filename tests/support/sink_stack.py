"""What the sink connects: a real broker with the project's topics, and a real engine with one database per test."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from streams.kafka.admin import committed, describe, watermarks
from streams.kafka.names import ACCEPTED, LEDGER, SINK_GROUP
from streams.provision import topics_file
from streams.provision.topics import provision_kafka
from streams.settings import Settings
from streams.sink.feeds import FEEDS
from tests.support.clickhouse import Engine, running_engine
from tests.support.database import Database, migrated
from tests.support.kafka import running_broker
from tests.support.rows import T0, accepted, ledger, rejected
from tests.support.sink import SinkProcess, TransactionalFeeder, joined
from tests.support.stack import metrics_port
from tests.support.wait import until

SECONDS = 120.0
# No supervisor restarts a sink here. On a busy machine a broker may stay silent for many seconds, and librdkafka fences
# a static member that rejoins after its own session: so the session must outlast such a pause.
SESSION_SECONDS = 20
PARTITIONS = 4


@dataclass
class SinkStack:
    """A broker with the project's topics, an engine, and the test's own database."""

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
        """Assert that every row arrived exactly once and that the tables agree."""
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

    def set_offsets(self, partition: int, offset: int, topics: Sequence[str] = (ACCEPTED, LEDGER)) -> None:
        """Set a partition's committed offsets, as an operator could while no sink runs."""
        consumer = Consumer({"bootstrap.servers": self.settings.kafka_bootstrap, "group.id": SINK_GROUP})
        consumer.commit(offsets=[TopicPartition(topic, partition, offset) for topic in topics], asynchronous=False)
        consumer.close()

    def wait_no_member(self) -> None:
        """Return once the group has no members: a sink that ended is one until its session is over."""
        admin = AdminClient({"bootstrap.servers": self.settings.kafka_bootstrap})
        until(
            lambda: not admin.describe_consumer_groups([SINK_GROUP])[SINK_GROUP].result(SECONDS).members,
            SECONDS,
            "the group has no member",
        )

    def drop_newest_part(self, table: str) -> None:
        """Drop the part of a table that was inserted last, as a power cut or a restored backup may."""
        client, database = self.db.put.client, self.db.name
        query = (
            f"SELECT name FROM system.parts WHERE active AND database = '{database}' AND table = '{table}' "
            "ORDER BY max_block_number DESC LIMIT 1"
        )
        ((name,),) = client.query(query).result_rows
        client.command(f"ALTER TABLE {database}.{table} DROP PART '{name}'")


def rejected_piece(number: int) -> bytes:
    """A record's value with one rejected piece; `number` is both offset and partition of its source record."""
    return joined([rejected(number, number, payload="☃", payload_encoding="utf-8")])


@dataclass(frozen=True)
class SinkServers:
    """A broker and an engine that tests of the sink share, one test at a time."""

    broker: Settings
    engine: Engine
    feeder: TransactionalFeeder
    numbers: Iterator[int] = field(default_factory=itertools.count)

    @contextmanager
    def stack(self, folder: Path) -> Iterator[SinkStack]:
        """A new database, dropped afterwards; what earlier tests left in the topics is given up, by hand."""
        name = f"sink_{next(self.numbers)}"
        settings = self.engine.settings(
            kafka_bootstrap=self.broker.kafka_bootstrap,
            clickhouse_database=name,
            metrics_port=metrics_port(),
            session_timeout_seconds=SESSION_SECONDS,
            sink_flush_seconds=0.1,
        )
        db = migrated(self.engine, name)
        give_up_what_is_there(self.broker)
        yield SinkStack(settings, self.engine, db, folder, self.feeder)
        # Otherwise its rollups would keep refreshing during the tests that follow.
        db.put.client.command(f"DROP DATABASE {name}")


def give_up_what_is_there(broker: Settings) -> None:
    """Set the group's offsets to the logs' ends, as an operator could. Sinks of earlier tests are gone.

    They were static members, whose sessions may last, and then the broker takes commits of a member only. So this takes
    over as sink 0, whose place the test's own sink takes over in turn.
    """
    with closing(
        Consumer(
            {
                "bootstrap.servers": broker.kafka_bootstrap,
                "group.id": SINK_GROUP,
                "group.instance.id": "sink-0",
                "session.timeout.ms": SESSION_SECONDS * 1000,
                "partition.assignment.strategy": "cooperative-sticky",
                "enable.auto.commit": False,
            }
        )
    ) as consumer:
        consumer.subscribe(list(FEEDS))
        until(lambda: consumer.poll(0.1) is not None or consumer.assignment(), SECONDS, "the group takes sink 0 back")
        consumer.pause(consumer.assignment())
        offsets = [
            TopicPartition(topic, partition, watermarks(broker, topic, partition)[1])
            for topic in FEEDS
            for partition in range(describe(broker, topic).partitions)
        ]
        until(lambda: _commits(consumer, offsets), SECONDS, "the offsets are committed")


def _commits(consumer: Consumer, offsets: list[TopicPartition]) -> bool:
    """Return whether the broker takes a commit, which it doesn't during a rebalance."""
    try:
        consumer.commit(offsets=offsets, asynchronous=False)
    except KafkaException:
        consumer.poll(0.1)
        return False
    return True


@contextmanager
def running_servers(folder: Path) -> Iterator[SinkServers]:
    """Run both with their data in `folder`."""
    with running_broker(folder / "broker") as broker, running_engine(folder / "engine") as engine:
        provision_kafka(broker, topics_file.load(broker), False, lambda _: None)
        yield SinkServers(broker, engine, TransactionalFeeder(broker, "test-feeder"))
