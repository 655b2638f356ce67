"""What both sink benchmarks measure: an engine and a sink beside the bench's broker, as processes, sampled."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from clickhouse_connect.driver.client import Client

from bench.lib import worker
from bench.lib.broker import HOST
from bench.lib.measure import total, used_by
from bench.lib.tree import Usage
from streams.clickhouse.client import connect
from streams.embedded import stack
from streams.embedded.components import component, http_get
from streams.embedded.kafka import broker
from streams.embedded.ports import free_pair
from streams.provision.run import provision
from streams.settings import Settings
from streams.sink.feeds import all_tables

SINK, ENGINE = "sink-0", "clickhouse"
TABLES = tuple(table.name for table in all_tables())
WAIT_SECONDS = 0.05

Out = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Sample:
    """The sink's progress at a moment of time.monotonic(), and what each process has used since its start."""

    at: float
    rows: dict[str, int]
    """Rows inserted, by table."""
    blocks: dict[str, int]
    lag: int
    slow: int
    """Partitions that were set aside at a record that can't be read."""
    used: dict[str, Usage]

    @property
    def all_rows(self) -> int:
        """Rows inserted into all tables."""
        return sum(self.rows.values())


@contextmanager
def running_engine(settings: Settings, out: Out) -> Iterator[Settings]:
    """Run an empty, migrated engine beside the broker of these settings; yield settings that point to both.

    It stops when the broker does.
    """
    ours = settings.model_copy(
        update={
            "clickhouse_url": f"http://{HOST}:{free_pair()}",
            "clickhouse_database": "impressions",
            "clickhouse_user": "writer",
            "clickhouse_password_value": "",
        }
    )
    stack.up(ours, (ENGINE,), out=out)
    provision(ours, False, lambda _: None)
    yield ours


@contextmanager
def running_sink(settings: Settings) -> Iterator[None]:
    """Start a sink without waiting for it; whatever happens, stop it at the end."""
    program = component(SINK, settings).program.start()
    try:
        yield
    finally:
        program.stop()


def sample(settings: Settings) -> Sample | None:
    """Sample the sink, once it serves its metrics. Raises UserError if it has ended."""
    sink = component(SINK, settings)
    sink.program.stays(WAIT_SECONDS)
    text = http_get(sink.address, "/metrics")
    if text is None:
        return None
    return Sample(
        time.monotonic(),
        _by_table(text, "impressions_sink_rows_total"),
        _by_table(text, "impressions_sink_blocks_total"),
        round(total(text, "impressions_sink_lag")) if is_ready(text) else -1,
        round(total(text, "impressions_sink_partition_refused")),
        {name: used_by(name, settings) for name in (SINK, ENGINE, broker.NAME, worker.name(0))},
    )


def is_ready(text: str) -> bool:
    """Whether a sink's metrics show that it reads all of its partitions."""
    return total(text, "impressions_sink_ready") == 1


def reader(settings: Settings) -> Client:
    """Return a client like an analyst's."""
    return connect(settings, "reader")


def parts(client: Client) -> dict[str, int]:
    """Return the active parts of each table that has any."""
    found = client.query("SELECT table, count() FROM system.parts WHERE active GROUP BY table").result_rows
    return {table: int(count) for table, count in found if table in TABLES}


def _by_table(text: str, counter: str) -> dict[str, int]:
    return {name: count for name in TABLES if (count := _of_table(text, counter, name))}


def _of_table(text: str, counter: str, name: str) -> int:
    label = f'{counter}{{table="{name}"}}'
    return next((round(float(line.split()[-1])) for line in text.splitlines() if line.startswith(label)), 0)
