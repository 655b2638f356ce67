"""What connections cost the collector in memory: `python -m bench.connections`.

A collector with a real broker, in a process of its own; the other ends of the connections are in this one. Resident
memory is read before any connection, while all are open and idle, and once they are gone: closed in order, or reset.
The same collector on uvicorn's own protocol is the peer.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from bench.connections import clients
from bench.lib.broker import HOST, only_bench, running_broker
from bench.lib.figures import say, table, write
from bench.lib.measure import MIB, total, used_by
from load.limits import require_files
from streams.embedded.components import environment, http_get
from streams.embedded.ports import Address, free_pair
from streams.embedded.program import Program
from streams.embedded.run_folder import RunFolder
from streams.errors import UserError
from streams.settings import Settings

IDLE, GONE, ROUNDS = 10_000, 15_000, 3
START_SECONDS, END_SECONDS = 60.0, 60.0
# Memory has settled once it has stayed the same for so many looks, a second apart; at most so many.
SAME_LOOKS, MOST_LOOKS = 3, 20
SETTLED_BYTES = 256 * 1024
NAME = "connections"
PROTOCOLS = ("ours", "uvicorn")
ENDS: dict[str, Callable[[Address, int], Awaitable[None]]] = {
    "closed after the answer": clients.in_order,
    "reset after the answer": clients.reset_between,
    "reset within a request": clients.reset_within,
}
COLUMNS = ("protocol", "connections", "MiB at each look")


class Looks(NamedTuple):
    """Resident memory (MiB) at moments that are named, in their order."""

    protocol: str
    what: str
    mib: dict[str, float]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the bench; return the exit code 0."""
    options = _parser().parse_args(argv)
    require_files(max(options.idle, options.gone // ROUNDS))
    with only_bench(settings := Settings.load()), running_broker(settings, say) as brokers:
        looks = list(_looks(brokers, options))
    say("")
    for line in table(COLUMNS, map(cells, looks)):
        say(line)
    figures = {"idle": options.idle, "gone": options.gone, "looks": [each._asdict() for each in looks]}
    say(f"\nfigures: {write('connections', figures)}")
    return 0


def _looks(brokers: Settings, options: argparse.Namespace) -> Iterator[Looks]:
    for protocol in PROTOCOLS:
        with _serving(brokers, protocol) as ours:
            yield _told(Looks(protocol, "idle", asyncio.run(_idle(ours, options.idle))))
        for what, end in ENDS.items():
            with _serving(brokers, protocol) as ours:
                yield _told(Looks(protocol, what, asyncio.run(_gone(ours, options.gone, end))))


async def _idle(settings: Settings, count: int) -> dict[str, float]:
    looks = {"at start": await settled(settings)}
    connections = await clients.idle(address(settings), count)
    looks["idle"] = await settled(settings)
    if (found := open_connections(settings)) < count:
        raise UserError(f"Of {count:,} connections {found:,.0f} were kept: they took too long to open.")
    await clients.closed(connections)
    looks["closed"] = await settled(settings)
    return looks


async def _gone(settings: Settings, count: int, end: Callable[[Address, int], Awaitable[None]]) -> dict[str, float]:
    looks = {"at start": await settled(settings)}
    for number in range(1, ROUNDS + 1):
        await end(address(settings), count // ROUNDS)
        looks[f"after {number * (count // ROUNDS):,}"] = await settled(settings)
    return looks


@contextmanager
def _serving(brokers: Settings, protocol: str) -> Iterator[Settings]:
    """Run a collector of its own; yield its settings. Every connection's address is the same, so it has no bucket."""
    changes = {"collector_address_rate": 0.0, "collector_host": HOST, "collector_port": free_pair()}
    ours = brokers.model_copy(update=changes)
    command = [sys.executable, "-m", "bench.connections.serve", protocol]
    program = Program(NAME, RunFolder(ours.data_dir), command, environment(ours)).start()
    try:
        program.wait_until(lambda: http_get(address(ours), "/readyz") is not None, START_SECONDS)
        yield ours
    finally:
        program.stop()


async def settled(settings: Settings) -> float:
    """Return the collector's resident memory (MiB), once it has forgotten what it does and stays the same."""
    deadline = time.monotonic() + END_SECONDS
    looks: list[int] = []
    while len(looks) < MOST_LOOKS and time.monotonic() < deadline:
        looks.append(used_by(NAME, settings).resident_bytes)
        last = looks[-SAME_LOOKS:]
        if len(last) == SAME_LOOKS and max(last) - min(last) < SETTLED_BYTES:
            break
        await asyncio.sleep(1)
    return round(looks[-1] / MIB, 1)


def open_connections(settings: Settings) -> float:
    """Return how many connections the collector knows, without the one that asks."""
    exposition = http_get(address(settings), "/metrics") or ""
    return total(exposition, "impressions_collector_connections") - 1


def address(settings: Settings) -> Address:
    """Return where the collector listens."""
    return Address(settings.collector_host, settings.collector_port)


def cells(looks: Looks) -> tuple[str, ...]:
    """Return a row of the table."""
    return looks.protocol, looks.what, ", ".join(f"{when} {mib:.0f}" for when, mib in looks.mib.items())


def _told(looks: Looks) -> Looks:
    say("  " + ": ".join(cells(looks)))
    return looks


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench.connections", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--idle", type=int, default=IDLE, help=f"connections that are open together ({IDLE:,})")
    parser.add_argument("--gone", type=int, default=GONE, help=f"connections that end one after another ({GONE:,})")
    return parser
