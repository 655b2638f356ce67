"""A whole installation for tests: the project's own broker and ClickHouse, provisioned, with workers on demand."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
from confluent_kafka import KafkaException, Producer

from streams.embedded import stack
from streams.embedded.ports import free_block, free_pair
from streams.kafka import names
from streams.kafka.admin import describe
from streams.provision import topics_file as declared
from streams.provision.first_position import ensure_first_position
from streams.provision.run import provision
from streams.provision.topics import provision_kafka
from streams.settings import Settings
from tests.support import load
from tests.support.audit import Audit
from tests.support.kafka import broker_settings, format_broker
from tests.support.load import FLUSH_SECONDS, Raw
from tests.support.wait import until
from tests.support.worker import WorkerProcess

# A pool that the load's users see, and a pool whose catalogue tests change.
POOL, CHANGING_POOL = "main", "changing"
# Ordinals of the changing pool begin after those of the load's artworks.
CHANGING_ORDINAL, CHANGING_ARTWORKS = 10_000, 10

# A broker that hung is first fenced by its own controller, and then registers again.
BROKER_SECONDS = 90.0


class Installation:
    """Settings, workers and the audit of one broker. `worker` returns a ready one; nothing else starts workers."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.audit = self._new_audit()
        self._workers: dict[int, WorkerProcess] = {}

    def worker(self, index: int = 0, **changes: Any) -> WorkerProcess:
        """Return worker `index`, ready, with these settings changed; a worker running with other settings is
        replaced."""
        settings = self.settings.model_copy(update=changes)
        found = self._workers.get(index)
        if found is None or found.settings != settings:
            if found is not None and found.is_running:
                assert found.stop() == 0
            found = self._workers[index] = WorkerProcess(settings, index)
        if not found.is_running:
            found.start()
        return found.wait_ready()

    def only_worker(self, **changes: Any) -> WorkerProcess:
        """Return worker 0 as the only worker, with all partitions."""
        for index, worker in self._workers.items():
            if index and worker.is_running:
                worker.stop()
        return self.worker(0, **changes)

    def no_worker(self) -> None:
        """Stop all workers gracefully."""
        for worker in self._workers.values():
            if worker.is_running:
                worker.stop()

    def produce(self, records: Iterable[Raw]) -> None:
        """Produce records to the source."""
        load.produce(self.settings, records)

    def catalogue(self, records: Iterable[tuple[str, dict[str, Any] | None]]) -> None:
        """Produce catalogue records."""
        produce_catalogue(self.settings, records)

    def ledger_records(self) -> int:
        """The number of offsets in the ledger, which grows with every committed chunk."""
        ledger = self.audit.logs[names.LEDGER]
        return sum(ledger.end(partition) for partition in range(ledger.partitions))

    def reset_audit(self) -> None:
        """Read everything again with new clients, once the broker answers again."""
        fresh = until(self._audit_if_answered, BROKER_SECONDS, "the broker answers")
        self.audit.close()
        if fresh is not None:
            self.audit = fresh

    def close(self) -> None:
        """Kill what still runs."""
        for worker in self._workers.values():
            worker.kill()
        self.audit.close()

    def _audit_if_answered(self) -> Audit | None:
        try:
            return self._new_audit()
        except KafkaException:
            return None

    def _new_audit(self) -> Audit:
        return Audit(self.settings, frozenset({CHANGING_POOL}))


def produce_catalogue(settings: Settings, records: Iterable[tuple[str, dict[str, Any] | None]]) -> None:
    """Produce (artwork_id, record) pairs to the catalogue; None is a tombstone."""
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap})
    for artwork_id, value in records:
        text = None if value is None else orjson.dumps(value)
        producer.produce(names.ARTWORKS, text, artwork_id, partition=0)
    assert producer.flush(FLUSH_SECONDS) == 0


def stack_settings(folder: Path, **more: Any) -> Settings:
    """Settings of a stack in `folder`, on free ports, quick to notice dead processes."""
    clickhouse = f"http://127.0.0.1:{free_pair()}"
    ports = {"metrics_port": metrics_port(), "collector_port": free_block(2)}
    # Nobody is in front of a test's collector who must be told that it ends.
    free = {"clickhouse_url": clickhouse, **ports, "session_timeout_seconds": 6, "collector_notice_seconds": 0}
    settings = broker_settings(folder, **{**free, **more})
    format_broker(settings)
    return settings


def provision_log(settings: Settings) -> None:
    """Provision what a worker needs, without ClickHouse. Raises UserError as `impressions provision` does."""
    provision_kafka(settings, declared.load(settings), False, lambda _: None)
    ensure_first_position(settings, describe(settings, names.IMPRESSIONS))


@contextmanager
def running_installation(folder: Path, clickhouse: bool = True) -> Iterator[Installation]:
    """Run a broker, and optionally a ClickHouse, in `folder`: provisioned, with a catalogue, but no worker and no sink
    yet."""
    settings = stack_settings(folder)
    try:
        stack.up(settings, ["kafka", "clickhouse"] if clickhouse else ["kafka"], out=lambda _: None)
        if clickhouse:
            provision(settings, False, lambda _: None)
        else:
            provision_log(settings)
        installation = Installation(settings)
        try:
            installation.catalogue((f"a{n:04d}", {"pool_id": POOL, "ordinal": n}) for n in range(load.ARTWORKS))
            installation.catalogue(
                (f"c{n}", {"pool_id": CHANGING_POOL, "ordinal": CHANGING_ORDINAL + n}) for n in range(CHANGING_ARTWORKS)
            )
            yield installation
        finally:
            installation.close()
    finally:
        stack.down(settings, out=lambda _: None)


def metrics_port() -> int:
    """A free port followed by free ports for a second and third worker, and for a sink beside each."""
    return free_block(22)
