"""Whether slow connections make others wait: `python -m bench.loris`.

A real broker, and a collector as it is run. Clients record at a steady rate, in turn alone and beside connections that
send a byte a second, for several rounds of one run.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.lib.broker import HOST, only_bench, running_broker
from bench.lib.figures import quantiles, say, table, write
from bench.lib.measure import MIB, used_by
from bench.loris.posting import Posted, post
from streams.embedded.components import component
from streams.embedded.ports import free_block
from streams.errors import UserError
from streams.settings import Settings

RATE, SECONDS, ROUNDS, CONNECTIONS = 200.0, 30.0, 3, 1_000
# What is slow, by the share of the connections that are slow in a body; None: nobody is.
KINDS: dict[str, float | None] = {"nobody": None, "in the head": 0.0, "in the body": 1.0, "half in each": 0.5}
WARM_UP_SECONDS = 5.0
END_SECONDS = 30.0
COLUMNS = ("slow", "requests", "P50 ms", "P95 ms", "P99 ms", "max ms", "CPU", "MiB", "ended by 408")


@dataclass
class Beside:
    """What the others got beside one kind of slow connections, over all rounds; CPU is the collector's."""

    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    cpu_seconds: float = 0.0
    seconds: float = 0.0
    resident_mib: float = 0.0
    behind: float = 0.0
    ended: Counter[str] = field(default_factory=Counter)

    def add(self, posted: Posted) -> None:
        """Add a round's requests."""
        self.latencies += posted.latencies
        self.statuses += posted.statuses
        self.behind = max(self.behind, posted.behind)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the bench; return 0, or 1 if a request of the others got anything but 202."""
    options = _parser().parse_args(argv)
    settings = Settings.load()
    with only_bench(settings), running_broker(settings, say) as brokers:
        # Everybody comes from one address, whose limit is not what is measured.
        ours = brokers.model_copy(update={"collector_port": free_block(1), "collector_address_rate": 0.0})
        found = measure(ours, options)
    say("")
    for line in table(COLUMNS, map(cells, found, found.values())):
        say(line)
    figures = {
        "rate": options.rate,
        "seconds": options.seconds,
        "rounds": options.rounds,
        "connections": options.connections,
        "beside": {kind: as_json(each) for kind, each in found.items()},
    }
    say(f"\nfigures: {write('loris', figures)}")
    return 0 if all(set(each.statuses) == {202} for each in found.values()) else 1


def measure(settings: Settings, options: argparse.Namespace) -> dict[str, Beside]:
    """Play all rounds."""
    collector = component("collector-0", settings)
    collector.program.start().wait_until(collector.ready, collector.patience)
    found = {kind: Beside() for kind in KINDS}
    try:
        address = f"http://{HOST}:{settings.collector_port}"
        asyncio.run(post(address, options.rate, WARM_UP_SECONDS, 0))
        for number in range(options.rounds):
            # Every second round in reverse order, so that no kind is always the one that comes after another.
            for kind, share in list(KINDS.items())[:: -1 if number % 2 else 1]:
                with slow(settings.collector_port, options.connections, share, found[kind]):
                    play(
                        settings, found[kind], address, options, seed=number * len(KINDS) + list(KINDS).index(kind) + 1
                    )
    finally:
        collector.program.stop()
    return found


def play(settings: Settings, beside: Beside, address: str, options: argparse.Namespace, seed: int) -> None:
    """Let the others record for a while."""
    before, begun = used_by("collector-0", settings), time.monotonic()
    posted = asyncio.run(post(address, options.rate, options.seconds, seed))
    after = used_by("collector-0", settings)
    beside.add(posted)
    beside.cpu_seconds += after.cpu_seconds - before.cpu_seconds
    beside.seconds += time.monotonic() - begun
    beside.resident_mib = max(beside.resident_mib, after.resident_bytes / MIB)


@contextmanager
def slow(port: int, connections: int, share: float | None, beside: Beside) -> Iterator[None]:
    """Keep slow connections open; add what became of them to `beside`. Raises UserError if they don't come."""
    if share is None:
        yield
        return
    argv = [sys.executable, "-m", "bench.loris.slow", str(port), str(connections), str(share)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            if process.stdout.readline() != "open\n":
                raise UserError("The slow connections could not be opened.")
            yield
        finally:
            process.terminate()
        told, _ = process.communicate(timeout=END_SECONDS)
        beside.ended.update(json.loads(told)["ended"])


def cells(kind: str, of: Beside) -> tuple[str, ...]:
    """Return a line of the table."""
    found = quantiles(of.latencies)
    times = [f"{value:,.1f}" for value in (found.p50, found.p95, found.p99, found.max)]
    ended = f"{of.ended['408']:,} of {of.ended.total():,}" if of.ended else "-"
    cpu = of.cpu_seconds / of.seconds
    return (kind, f"{found.count:,}", *times, f"{cpu:.0%}", f"{of.resident_mib:,.0f}", ended)


def as_json(of: Beside) -> dict[str, Any]:
    """Return the figures; times in ms, CPU as a share of a core."""
    return {
        "latency": asdict(quantiles(of.latencies)),
        "statuses": of.statuses,
        "ended": of.ended,
        "cpu": of.cpu_seconds / of.seconds,
        "resident_mib": of.resident_mib,
        "behind": of.behind,
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.loris", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--rate", type=float, default=RATE, help=f"requests a second of the others ({RATE:.0f})")
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"of each part of a round ({SECONDS:.0f})")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"({ROUNDS})")
    parser.add_argument("--connections", type=int, default=CONNECTIONS, help=f"that are slow ({CONNECTIONS:,})")
    return parser
