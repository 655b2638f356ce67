"""How fast the read API answers, at a rate, over many impressions: `python -m bench.reads`.

An engine with the rows, a broker with the catalogue, a worker, a sink and a collector, each a process of its own.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import orjson
from confluent_kafka import Producer

from bench.lib import worker
from bench.lib.broker import only_bench, running_broker
from bench.lib.figures import quantiles, say, table, write_section
from bench.lib.measure import used_by
from bench.reads import asking, delay, rows
from bench.reads.asking import Asked
from bench.reads.engine import HOST, Filled, running
from bench.reads.traffic import arriving
from streams.embedded.components import component, environment, http_get
from streams.embedded.ports import Address, free_pair
from streams.embedded.program import Program
from streams.embedded.run_folder import RunFolder
from streams.errors import UserError
from streams.kafka.names import ARTWORKS
from streams.settings import Settings

IMPRESSIONS, LARGE = 1_000_000, 20_000_000
RATE, SECONDS, ACTIVE, DELAYS, PER_MINUTE = 200.0, 60.0, 1_000, 200, 20_000.0
WARM_UP_SECONDS = 5.0
TARGET_MS, DELAY_MS = 20.0, 250.0
READY_SECONDS = 120.0
COLUMNS = ("call", "requests", "P50 ms", "P95 ms", "P99 ms", "max ms")
NAME = "reads"
ROUNDS = {
    "unknown": "nobody was asked for before: each request waits for the engine",
    "mixed": "some users again and again, nobody was asked for before",
    "known": "the same users, who are in memory by now",
    "tags": "the same with the tags of their answers",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the bench; return 0, or 1 if a P95 misses its target."""
    options = _parser().parse_args(argv)
    settings = Settings.load()
    with only_bench(settings), running_broker(settings, say) as brokers:
        engines = brokers.model_copy(update={"data_dir": settings.data_dir})
        with running(engines, options.impressions, options.keep) as filled:
            ours = brokers.model_copy(
                update={
                    "clickhouse_url": filled.settings.clickhouse_url,
                    "clickhouse_password_value": filled.settings.ensure_writer_password(),
                    # One address asks for all.
                    "collector_address_rate": 0,
                    "collector_port": free_pair(),
                }
            )
            _catalogue(ours)
            worker.program(ours).start()
            worker.wait_ready(ours, out=say)
            component("sink-0", ours).program.start()
            figures, missed = measure(ours, options, filled)
    write_section("reads", str(options.impressions), {"users": filled.users, "rate": options.rate, **figures})
    return 1 if missed else 0


def _catalogue(settings: Settings) -> None:
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap, "linger.ms": 20})
    for ordinal in range(rows.ARTWORKS):
        value = orjson.dumps({"pool_id": rows.POOL, "ordinal": ordinal})
        producer.produce(ARTWORKS, value, key=f"a{ordinal}", partition=0)
    if producer.flush(READY_SECONDS):
        raise UserError("The broker did not accept the catalogue.")


def measure(settings: Settings, options: argparse.Namespace, filled: Filled) -> tuple[dict[str, Any], bool]:
    """Ask as the options say; return the figures, and whether a target was missed."""
    port = settings.collector_port
    late_ms = int(time.time() * 1000) - filled.end_ms
    program = Program(
        NAME,
        RunFolder(settings.data_dir),
        [sys.executable, "-m", "bench.reads.serve", str(port), str(late_ms)],
        environment(settings) | {"IMPRESSIONS_LOG_LEVEL": "WARNING"},
    ).start()
    try:
        program.wait_until(lambda: _is_current(port), READY_SECONDS)
        address = f"http://{HOST}:{port}"
        active = [f"r{number * filled.users // options.active}" for number in range(options.active)]
        rounds = dict(_rounds(settings, filled, address, options, active))
        delays = asyncio.run(delay.measure(settings, address, active[: options.delays], options.per_minute))
    finally:
        program.stop()
    say(f"\nfrom append to answer, {options.per_minute:,.0f} other impressions a minute")
    for line in table(COLUMNS, _rows(delays)):
        say(line)
    figures = {"rounds": rounds, "delays": {call: asdict(quantiles(each)) for call, each in delays.items()}}
    slow = [each["p95"] for each in rounds["known"]["calls"].values() if not each["p95"] < TARGET_MS]
    late = [figures["delays"][call]["p95"] for call in ("coverage", "unseen")]
    return figures, bool(slow) or not max(late) < DELAY_MS


def _is_current(port: int) -> bool:
    """Whether the collector gives answers that are current."""
    return http_get(Address(HOST, port), "/v1/users/nobody/coverage") is not None


def _rounds(
    settings: Settings, filled: Filled, address: str, options: argparse.Namespace, active: Sequence[str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Ask round after round; yield each one's name and figures."""
    count = round(options.rate * options.seconds)
    others = sorted({f"r{number}" for number in range(filled.users)} - set(active))
    warm_up, new = others[::3], [each for number, each in enumerate(others) if number % 3]
    with arriving(settings, PER_MINUTE):
        asyncio.run(asking.ask(address, asking.once(warm_up, round(options.rate * WARM_UP_SECONDS)), options.rate))
    requests = {
        "unknown": asking.once(new, count),
        "mixed": asking.at_random(active, count, 1),
        "known": asking.at_random(active, count, 2),
        "tags": asking.at_random(active, count, 3),
    }
    for name, each in requests.items():
        before = _cpu(settings, filled)
        asked = asyncio.run(asking.ask(address, each, options.rate, with_tags=name == "tags"))
        after = _cpu(settings, filled)
        requests_sent = sum(asked.statuses.values())
        yield name, shown(name, asked, {part: (after[part] - before[part]) / requests_sent * 1000 for part in after})


def _cpu(settings: Settings, filled: Filled) -> dict[str, float]:
    """Return the CPU seconds that the two parts have used that answer."""
    used = {"collector": used_by(NAME, settings), "engine": used_by("clickhouse", filled.settings)}
    return {name: each.cpu_seconds for name, each in used.items()}


def shown(name: str, asked: Asked, cpu: dict[str, float]) -> dict[str, Any]:
    """Print a round's table; return its figures. `cpu` is of a request (ms)."""
    statuses = ", ".join(f"{status}: {count:,}" for status, count in sorted(asked.statuses.items()))
    statuses += "".join(f", {why}: {count:,}" for why, count in asked.failures.items())
    used = ", ".join(f"{part} {each:.2f} ms" for part, each in cpu.items())
    say(f"\n{name}: {ROUNDS[name]}")
    say(f"(statuses {statuses}; CPU of a request: {used}; the asker was {asked.behind:.3f} s late at most)")
    for line in table(COLUMNS, _rows(asked.latencies)):
        say(line)
    calls = {call: asdict(quantiles(each)) for call, each in asked.latencies.items()}
    return {"calls": calls, "statuses": dict(asked.statuses), "cpu_ms": cpu, "behind": asked.behind}


def _rows(latencies: dict[str, list[float]]) -> Iterator[tuple[str, ...]]:
    for call, each in latencies.items():
        found = quantiles(each)
        figures = (found.p50, found.p95, found.p99, found.max)
        yield (call, f"{found.count:,}", *(f"{figure:.1f}" for figure in figures))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.reads", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--impressions", type=int, default=IMPRESSIONS, help=f"({IMPRESSIONS:,}; large: {LARGE:,})")
    parser.add_argument("--keep", action="store_true", help="keep the rows, or use those that were kept")
    parser.add_argument("--rate", type=float, default=RATE, help=f"requests a second ({RATE:.0f})")
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"of each round ({SECONDS:.0f})")
    parser.add_argument("--active", type=int, default=ACTIVE, help=f"users who ask ({ACTIVE:,})")
    parser.add_argument("--delays", type=int, default=DELAYS, help=f"impressions from append to answer ({DELAYS})")
    parser.add_argument(
        "--per-minute", type=float, default=PER_MINUTE, help=f"impressions that arrive meanwhile ({PER_MINUTE:,.0f})"
    )
    return parser
