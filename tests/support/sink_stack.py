"""What the sink connects: a real broker with the project's topics, and a real engine with one database per test."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from confluent_kafka import Consumer, TopicPartition

from streams.kafka.admin import committed
from streams.kafka.names import ACCEPTED, LEDGER, SINK_GROUP
from streams.provision import topics_file
from streams.provision.topics import provision_kafka
from streams.settings import Settings
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

    def rewind(self, partition: int) -> None:
        """Set the partition's committed offsets to 0, as an operator could."""
        consumer = Consumer({"bootstrap.servers": self.settings.kafka_bootstrap, "group.id": SINK_GROUP})
        offsets = [TopicPartition(topic, partition, 0) for topic in (ACCEPTED, LEDGER)]
        consumer.commit(offsets=offsets, asynchronous=False)
        consumer.close()


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
        """A new database, dropped afterwards; what earlier tests left in the topics is before the group's offsets."""
        name = f"sink_{next(self.numbers)}"
        settings = self.engine.settings(
            kafka_bootstrap=self.broker.kafka_bootstrap,
            clickhouse_database=name,
            metrics_port=metrics_port(),
            session_timeout_seconds=SESSION_SECONDS,
            sink_flush_seconds=0.1,
        )
        db = migrated(self.engine, name)
        yield SinkStack(settings, self.engine, db, folder, self.feeder)
        # Otherwise its rollups would keep refreshing during the tests that follow.
        db.put.client.command(f"DROP DATABASE {name}")


@contextmanager
def running_servers(folder: Path) -> Iterator[SinkServers]:
    """Run both with their data in `folder`."""
    with running_broker(folder / "broker") as broker, running_engine(folder / "engine") as engine:
        provision_kafka(broker, topics_file.load(broker), False, lambda _: None)
        yield SinkServers(broker, engine, TransactionalFeeder(broker, "test-feeder"))
