"""How soon an arriving impression is readable in ClickHouse, and how many parts that makes: `bench.sink --latency`."""

import math
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from typing import Any

from clickhouse_connect.driver.client import Client

from bench.lib import worker
from bench.lib.broker import write
from bench.lib.figures import Quantiles, axes, quantiles, save, say, table, write_section
from bench.lib.follow import Follower
from bench.lib.traffic import Sent, Traffic, now_ms, sending
from bench.sink.system import Sample, parts, reader, running_engine, running_sink, sample
from streams.errors import UserError
from streams.settings import Settings

# A latency is too long by up to this, never too short. Each look costs the engine some ten milliseconds.
POLL_SECONDS = 0.2
# The first seconds are not counted: caches fill, the broker's compiler is at work.
WARM_UP_SECONDS = 10.0
START_SECONDS, DRAIN_SECONDS = 120.0, 60.0
PARTS_SECONDS = 5.0
TOLD_SECONDS = 30.0
# The target.
P95_SECONDS = 2.0
# The field that holds a source's time of append.
TIMES = {"impressions_raw": "received_at", "ledger_raw": "appended_at"}
TOPIC = "accepted, on the topic"
COLUMNS = ("readable in", "rows", "P50 s", "P95 s", "P99 s", "max s")


class Reader:
    """Sees rows as soon as an analyst can, by asking for those after the newest record that it knows."""

    def __init__(self, client: Client, database: str, name: str) -> None:
        self._client, self._table, self._time = client, f"{database}.{name}", TIMES[name]
        self._newest: dict[int, int] = {}
        self.rows = 0
        self.latencies: list[float] = []

    def look(self, since: float) -> None:
        """Note what has become readable. Latencies (s) are of rows whose source was appended from `since` (ms) on."""
        known = " OR ".join(f"(kafka_partition = {p} AND kafka_offset > {o})" for p, o in self._newest.items())
        others = f"kafka_partition NOT IN ({', '.join(map(str, self._newest))})" if self._newest else "1"
        # A row that is inserted and merged during the query is seen once: a query reads a snapshot of parts.
        found = self._client.query(
            f"SELECT kafka_partition, kafka_offset, toUnixTimestamp64Milli({self._time}) FROM {self._table} "
            f"WHERE {known or 0} OR {others}"
        ).result_columns
        now = time.time() * 1000
        if not found:
            return
        for partition, offset in zip(found[0], found[1], strict=True):
            self._newest[partition] = max(offset, self._newest.get(partition, -1))
        self.rows += len(found[2])
        self.latencies += [(now - appended) / 1000 for appended in found[2] if appended >= since]


@dataclass(slots=True)
class Run:
    """What was seen while impressions arrived. Times are in seconds; `cpu` is each process's share of a core."""

    rate: float
    seconds: float
    size: int
    flush_seconds: float
    latencies: dict[str, Quantiles] = field(default_factory=dict)
    inserts: dict[str, int] = field(default_factory=dict)
    parts: list[tuple[float, dict[str, int]]] = field(default_factory=list)
    cpu: dict[str, float] = field(default_factory=dict)
    events: dict[str, int] = field(default_factory=dict)
    sent: Sent | None = None


def latency(broker: Settings, rate: float, seconds: float, size: int) -> int:
    """Measure it; return the exit code: 1 if P95 misses its target."""
    write(broker, [])  # the catalogue, and no records
    worker.program(broker).start()
    with running_engine(broker, say) as ours, running_sink(ours):
        worker.wait_ready(broker, out=say)
        _wait_ready(ours)
        run = _measure(ours, rate, seconds, size)
    say("")
    for line in table(COLUMNS, cells(run.latencies)):
        say(line)
    most = {name: max(each.get(name, 0) for _, each in run.parts) for name in run.inserts}
    say(f"inserts: {run.inserts}; most active parts of a table: {most}; share of a core: {run.cpu}")
    title = f"{rate:,.0f} impressions/s, {size} a record, for {seconds:.0f} s, blocks of {run.flush_seconds:g} s"
    say(f"figures: {write_section('sink', title, asdict(run) | {'most_parts': most})}")
    say(f"picture: {picture(run)}")
    return 0 if all(each.p95 < P95_SECONDS for each in run.latencies.values()) else 1


def _wait_ready(settings: Settings) -> None:
    begun = time.monotonic()
    while (each := sample(settings)) is None or each.lag < 0:
        if time.monotonic() - begun > START_SECONDS:
            raise UserError(f"The sink was not ready within {START_SECONDS:.0f} s.")


def _measure(settings: Settings, rate: float, seconds: float, size: int) -> Run:
    run = Run(rate, seconds, size, settings.sink_flush_seconds)
    client = reader(settings)
    readers = {name: Reader(client, settings.clickhouse_database, name) for name in TIMES}
    traffic = Traffic(rate, seconds + WARM_UP_SECONDS, size, now_ms())
    # The worker's part of the latency.
    follower = Follower(settings, coverage=False)
    with closing(follower), sending(settings, traffic) as sender:
        begun = told = time.monotonic()
        since = now_ms() + WARM_UP_SECONDS * 1000
        first = _follow(settings, readers, run, begun + WARM_UP_SECONDS, since)
        while (now := time.monotonic()) < begun + traffic.seconds:
            last = _follow(settings, readers, run, min(now + TOLD_SECONDS, begun + traffic.seconds), since)
            if now - told >= TOLD_SECONDS:
                told = now
                say(f"  {readers['ledger_raw'].rows:,} ledger rows readable, parts: {run.parts[-1][1]}")
        run.sent = sender.result()
    deadline = time.monotonic() + DRAIN_SECONDS
    while readers["ledger_raw"].rows < run.sent.records:
        if time.monotonic() > deadline:
            raise UserError(f"{readers['ledger_raw'].rows} ledger rows of {run.sent.records} became readable.")
        _follow(settings, readers, run, time.monotonic() + POLL_SECONDS, since)
    run.latencies = {name: quantiles(each.latencies) for name, each in readers.items()}
    run.latencies[TOPIC] = quantiles(latency / 1000 for latency in follower.accepted.latencies(since, math.inf))
    run.inserts = {name: count - first.blocks.get(name, 0) for name, count in last.blocks.items()}
    run.cpu = {
        name: round((used.cpu_seconds - first.used[name].cpu_seconds) / (last.at - first.at), 3)
        for name, used in last.used.items()
    }
    wanted = "('Merge', 'MergedRows', 'MergesTimeMilliseconds', 'InsertedRows', 'SelectQuery', 'DelayedInserts')"
    found = client.query(f"SELECT event, value FROM system.events WHERE event IN {wanted}").result_rows
    run.events = {event: int(value) for event, value in found}
    return run


def _follow(settings: Settings, readers: Mapping[str, Reader], run: Run, until: float, since: float) -> Sample:
    """Look at what is readable until that moment of time.monotonic(); return the sink's last sample."""
    client = reader(settings)
    while (now := time.monotonic()) < until:
        if not run.parts or now - run.parts[-1][0] >= PARTS_SECONDS:
            run.parts.append((now, parts(client)))
        for each in readers.values():
            each.look(since)
        time.sleep(max(0.0, POLL_SECONDS - (time.monotonic() - now)))
    while (found := sample(settings)) is None:
        pass
    return found


def cells(latencies: Mapping[str, Quantiles]) -> Sequence[tuple[str, ...]]:
    """Return the table's rows."""
    return [
        (name, f"{each.count:,}", *(f"{value:.2f}" for value in (each.p50, each.p95, each.p99, each.max)))
        for name, each in latencies.items()
    ]


def picture(run: Run) -> str:
    """Draw active parts over time; return the file's name."""
    drawn: Any = axes(f"Active parts at {run.rate:,.0f} impressions/s arriving", "minutes", "active parts of the table")
    begun = run.parts[0][0]
    for name in run.inserts:
        minutes = [(at - begun) / 60 for at, _ in run.parts]
        drawn.plot(minutes, [each.get(name, 0) for _, each in run.parts], label=name, linewidth=1)
    drawn.set_ylim(bottom=0)
    drawn.legend(fontsize=8)
    return str(save(drawn, "sink-parts"))
