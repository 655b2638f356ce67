"""How fast the sink inserts a backlog into ClickHouse, and how soon arrivals are readable: `python -m bench.sink`."""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench.lib import worker
from bench.lib.backlog import records
from bench.lib.broker import only_bench, running_broker, write
from bench.lib.figures import say, table, write_section
from bench.lib.measure import MIB
from bench.sink.latency import latency
from bench.sink.system import ENGINE, SINK, Sample, parts, reader, running_engine, running_sink, sample
from bench.throughput.run import start_of
from streams.embedded.kafka import broker as kafka
from streams.errors import UserError
from streams.settings import Settings

IMPRESSIONS = 1_000_000
# The first twentieth is the start-up: connections, first blocks, an engine that has not inserted yet.
STEADY_FROM = 0.05
# Far longer than either takes.
DECIDE_SECONDS, SINK_SECONDS = 600.0, 600.0
COLUMNS = (
    "rows",
    "rows/s",
    "records' lines/s",
    "CPU s per million: sink",
    "engine",
    "broker",
    "peak MiB: sink",
    "engine",
)


@dataclass(frozen=True, slots=True)
class Backlog:
    """The outcome of a backlog. Rows are of all tables, lines are of the topics; times are in seconds."""

    impressions: int
    size: int
    rows: int
    lines: int
    seconds: float
    steady_rows: int
    cpu_seconds: dict[str, float]
    peak_mib: dict[str, float]
    blocks: dict[str, int]
    parts: dict[str, int]

    @property
    def rate(self) -> float:
        """Rows a second, over all tables."""
        return self.steady_rows / self.seconds

    @property
    def line_rate(self) -> float:
        """Lines of the topics a second: accepted impressions and ledger rows."""
        return self.rate * self.lines / self.rows

    def per_million(self, name: str) -> float:
        """Return a process's CPU seconds per million rows."""
        return self.cpu_seconds[name] / self.steady_rows * 1e6


def main(argv: Sequence[str] | None = None) -> int:
    """Run the bench; return the exit code: 0, or 1 if rows are missing, doubled or late."""
    options = _parser().parse_args(argv)
    settings = Settings.load()
    with only_bench(settings), running_broker(settings, say) as broker:
        if options.flush is not None:
            broker = broker.model_copy(update={"sink_flush_seconds": options.flush})  # noqa: PLW2901
        if options.latency:
            return latency(broker, options.rate, options.seconds, options.size)
        return backlog(broker, options.impressions, options.size)


def backlog(broker: Settings, impressions: int, size: int) -> int:
    """Measure a backlog of a worker's real output, from 5 % of its rows to the last."""
    decide(broker, impressions, size)
    with running_engine(broker, say) as ours, running_sink(ours):
        samples = _drain(ours)
        client = reader(ours)
        found = steady(samples, impressions, size, parts(client))
        right = check(client, ours, samples[-1])
    say("")
    for line in table(COLUMNS, [cells(found)]):
        say(line)
    say(f"blocks: {found.blocks}; active parts: {found.parts}")
    say(f"figures: {write_section('sink', f'backlog, {size} a record', as_json(found) | {'right': right})}")
    return 0 if right else 1


def decide(settings: Settings, impressions: int, size: int) -> None:
    """Let a worker decide a backlog of impressions, so its output is on the topics; then end it."""
    write(settings, records(impressions, size, start_of(int(time.time() * 1000))))
    worker.program(settings).start()
    worker.follow(settings, impressions, (0,), DECIDE_SECONDS, say)
    worker.program(settings).stop()
    say(f"backlog: what became of {impressions:,} impressions, {size} a record")


def _drain(settings: Settings) -> list[Sample]:
    """Sample until nothing is left to insert."""
    samples: list[Sample] = []
    told = begun = time.monotonic()
    while not samples or samples[-1].lag:
        if (each := sample(settings)) is not None:
            samples.append(each)
        now = time.monotonic()
        if now - begun > SINK_SECONDS:
            raise UserError(f"The sink did not come to the end within {SINK_SECONDS:.0f} s.")
        if samples and now - told > 5:
            told = now
            say(f"  {samples[-1].all_rows:,} rows")
    return samples


def steady(samples: Sequence[Sample], impressions: int, size: int, active: dict[str, int]) -> Backlog:
    """Sum up samples; the last one has all rows."""
    last = next(each for each in samples if each.all_rows == samples[-1].all_rows)
    first = next(each for each in samples if each.all_rows >= STEADY_FROM * last.all_rows)
    names = (SINK, ENGINE, kafka.NAME)
    return Backlog(
        impressions,
        size,
        last.all_rows,
        sum(last.rows.get(name, 0) for name in ("impressions_raw", "ledger_raw", "rejected_raw")),
        last.at - first.at,
        last.all_rows - first.all_rows,
        {name: last.used[name].cpu_seconds - first.used[name].cpu_seconds for name in names},
        {name: samples[-1].used[name].peak_bytes / MIB for name in names},
        last.blocks,
        active,
    )


def check(client: Any, settings: Settings, last: Sample) -> bool:
    """Whether readers see each inserted row once; print it if they don't."""
    wrong = []
    for name in last.rows:
        view = f"{settings.clickhouse_database}.{name.removesuffix('_raw')}"
        seen = int(client.query(f"SELECT count() FROM {view}").result_rows[0][0])
        if name != "artworks_raw" and seen != last.rows[name]:
            wrong.append(f"{view} has {seen:,} rows of {last.rows[name]:,}")
    for line in wrong:
        say(line)
    return not wrong and not last.slow


def cells(found: Backlog) -> tuple[str, ...]:
    """Return the table's row."""
    return (
        f"{found.rows:,}",
        f"{found.rate:,.0f}",
        f"{found.line_rate:,.0f}",
        *(f"{found.per_million(name):.1f}" for name in (SINK, ENGINE, kafka.NAME)),
        *(f"{found.peak_mib[name]:,.0f}" for name in (SINK, ENGINE)),
    )


def as_json(found: Backlog) -> dict[str, Any]:
    """Return the figures, including derived ones."""
    names = (SINK, ENGINE, kafka.NAME)
    return {
        **{name: getattr(found, name) for name in Backlog.__slots__},
        "rows_per_second": found.rate,
        "lines_per_second": found.line_rate,
        "cpu_seconds_per_million_rows": {name: found.per_million(name) for name in names},
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench.sink", description=__doc__)
    parser.add_argument("--impressions", type=int, default=IMPRESSIONS, help=f"of the backlog ({IMPRESSIONS:,})")
    parser.add_argument("--size", type=int, default=1, help="impressions a record, on average (1)")
    parser.add_argument("--latency", action="store_true", help="how soon arriving impressions are readable, instead")
    parser.add_argument("--rate", type=float, default=1_700.0, help="of arrival, in impressions/s (1,700)")
    parser.add_argument(
        "--flush", type=float, help="seconds for which a row waits for its block (the setting's default)"
    )
    parser.add_argument("--seconds", type=float, default=120.0, help="of arrival (120)")
    return parser
