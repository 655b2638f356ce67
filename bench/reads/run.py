"""How fast the read API answers, at a rate, over many impressions: `python -m bench.reads`.

A real engine with the rows, a real broker with the catalogue, a worker, and the reads in a process of their own.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import orjson
from clickhouse_connect.driver.client import Client
from confluent_kafka import Producer

from bench.kpis.run import client_of, wait_for_merges
from bench.lib import worker
from bench.lib.broker import only_bench, running_broker
from bench.lib.figures import quantiles, say, table, write
from bench.lib.measure import used_by
from bench.reads import asking, delay, rows
from bench.reads.asking import Asked
from bench.reads.serve import HOST
from streams.clickhouse.migrate import apply
from streams.embedded import stack
from streams.embedded.components import component, environment, http_get
from streams.embedded.ports import Address, free_pair
from streams.embedded.program import Program
from streams.embedded.run_folder import RunFolder
from streams.errors import UserError
from streams.kafka.names import ARTWORKS
from streams.paths import migrations_folder
from streams.settings import Settings

IMPRESSIONS, LARGE = 1_000_000, 20_000_000
# So that a user has seen some hundreds of artworks, as after a month.
EACH = 400
RATE, SECONDS, ACTIVE, DELAYS = 200.0, 60.0, 1_000, 200
WARM_UP_SECONDS = 5.0
TARGET_MS, DELAY_MS = 20.0, 250.0
ROLLUPS = ("ledger_minutes_refresh", "users_refresh")
READY_SECONDS = 120.0
COLUMNS = ("call", "requests", "P50 ms", "P95 ms", "P99 ms", "max ms")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the bench; return 0, or 1 if a P95 misses its target."""
    options = _parser().parse_args(argv)
    settings = Settings.load()
    with only_bench(settings), running_broker(settings, say) as brokers:
        ours = brokers.model_copy(update={"clickhouse_url": f"http://{HOST}:{free_pair()}"})
        stack.up(ours, ("clickhouse",), out=say)
        users = max(1, options.impressions // EACH)
        fill(ours, options.impressions, users)
        worker.program(ours).start()
        worker.wait_ready(ours, out=say)
        component("sink-0", ours).program.start()
        figures, missed = measure(ours, options, users)
    write("reads", {"impressions": options.impressions, "users": users, **figures})
    return 1 if missed else 0


def fill(settings: Settings, impressions: int, users: int) -> None:
    """Make the rows in the engine, and the catalogue in the topic."""
    client = client_of(settings, "writer")
    database = settings.clickhouse_database
    apply(client, migrations_folder(), database, settings.window_ms)
    for view in ROLLUPS:
        client.command(f"SYSTEM STOP VIEW {database}.{view}")
    rows.make(client, database, impressions, users, int(time.time() * 1000), say)
    wait_for_merges(client)
    say(f"  {parts(client, database)}")
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap, "linger.ms": 20})
    for ordinal in range(rows.ARTWORKS):
        value = orjson.dumps({"pool_id": rows.POOL, "ordinal": ordinal})
        producer.produce(ARTWORKS, value, key=f"a{ordinal}", partition=0)
    if producer.flush(READY_SECONDS):
        raise UserError("The broker did not accept the catalogue.")


def parts(client: Client, database: str) -> str:
    """Say what the engine holds."""
    found = client.query(
        "SELECT table, count(), sum(rows) FROM system.parts WHERE active AND database = {db:String} AND rows > 1000"
        " GROUP BY table ORDER BY table",
        parameters={"db": database},
    ).result_rows
    return ", ".join(f"{name}: {count:,} rows in {number} parts" for name, number, count in found)


def measure(settings: Settings, options: argparse.Namespace, users: int) -> tuple[dict[str, Any], bool]:
    """Ask as the options say; return the figures, and whether a target was missed."""
    port = free_pair()
    program = Program(
        "reads",
        RunFolder(settings.data_dir),
        [sys.executable, "-m", "bench.reads.serve", str(port)],
        environment(settings) | {"IMPRESSIONS_LOG_LEVEL": "WARNING"},
    ).start()
    try:
        program.wait_until(lambda: http_get(Address(HOST, port), "/readyz") is not None, READY_SECONDS)
        address = f"http://{HOST}:{port}"
        active = [f"r{number * users // options.active}" for number in range(options.active)]
        # Who was never asked for: the server's own first requests.
        warm_up = [f"r{number * users // options.active + 1}" for number in range(options.active)]
        asyncio.run(asking.ask(address, warm_up, options.rate / 2, WARM_UP_SECONDS, 0))
        rounds = {}
        for name, seed in (("first", 1), ("known", 2)):
            before = used_by("reads", settings).cpu_seconds
            asked = asyncio.run(asking.ask(address, active, options.rate, options.seconds, seed))
            cpu = (used_by("reads", settings).cpu_seconds - before) / options.seconds
            rounds[name] = shown(name, asked, cpu)
        delays = asyncio.run(delay.measure(settings, address, active[: options.delays]))
        say("\nfrom append to answer")
        for line in table(COLUMNS, _rows(delays)):
            say(line)
    finally:
        program.stop()
    figures = {"rounds": rounds, "delays": {call: asdict(quantiles(each)) for call, each in delays.items()}}
    slow = [each["p95"] for each in rounds["known"]["calls"].values() if not each["p95"] < TARGET_MS]
    late = [each["p95"] for each in figures["delays"].values() if not each["p95"] < DELAY_MS]
    return figures, bool(slow or late)


def shown(name: str, asked: Asked, cpu: float) -> dict[str, Any]:
    """Print a round's table; return its figures."""
    statuses = ", ".join(f"{status}: {count:,}" for status, count in sorted(asked.statuses.items()))
    say(f"\n{name} (statuses {statuses}; CPU of the reads {cpu:.0%} of a core; the asker {asked.behind:.3f} s late)")
    for line in table(COLUMNS, _rows(asked.latencies)):
        say(line)
    calls = {call: asdict(quantiles(each)) for call, each in asked.latencies.items()}
    return {"calls": calls, "statuses": dict(asked.statuses), "cpu": cpu, "behind": asked.behind}


def _rows(latencies: dict[str, list[float]]) -> Iterator[tuple[str, ...]]:
    for call, each in sorted(latencies.items()):
        found = quantiles(each)
        figures = (found.p50, found.p95, found.p99, found.max)
        yield (call, f"{found.count:,}", *(f"{figure:.1f}" for figure in figures))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.reads", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--impressions", type=int, default=IMPRESSIONS, help=f"({IMPRESSIONS:,}; large: {LARGE:,})")
    parser.add_argument("--rate", type=float, default=RATE, help=f"requests a second ({RATE:.0f})")
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"of each round ({SECONDS:.0f})")
    parser.add_argument("--active", type=int, default=ACTIVE, help=f"users who ask ({ACTIVE:,})")
    parser.add_argument("--delays", type=int, default=DELAYS, help=f"impressions from append to answer ({DELAYS})")
    return parser
