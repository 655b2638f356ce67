"""What a large catalogue costs a worker that starts: `python -m bench.catalogue`.

The topic's records are written before any clock starts; then a new process reads all of them, as a worker does before
its first chunk.
"""

import argparse
import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from typing import NamedTuple
from uuid import UUID

from confluent_kafka import Producer

from bench.lib.broker import only_bench, running_broker
from bench.lib.figures import say, table
from bench.lib.figures import write as write_figures
from bench.lib.hurtful import peak_mib
from streams.errors import UserError
from streams.kafka.client import cluster
from streams.kafka.names import ARTWORKS
from streams.runtime import log
from streams.settings import Settings
from streams.worker.catalogue import CatalogueFollower

COUNTS = (10_000, 1_000_000)
POOLS = 20
SECONDS = 600.0
COLUMNS = ("artworks", "read in s", "CPU s", "MiB more than before", "peak MiB of the process")


class Cost(NamedTuple):
    """What reading a catalogue took; memory in MiB."""

    artworks: int
    seconds: float
    cpu_seconds: float
    more_mib: int
    peak_mib: int


def main(argv: Sequence[str] | None = None) -> int:
    """Run the bench; return the exit code 0."""
    options = _parser().parse_args(argv)
    settings = Settings.load()
    costs = []
    for count in options.artworks:
        with only_bench(settings), running_broker(settings, say) as ours:
            write(ours, count)
            costs.append(measured(ours, count))
            say(f"{count:,} artworks: {costs[-1].seconds:.1f} s")
    say("")
    for line in table(COLUMNS, map(cells, costs)):
        say(line)
    say("")
    say(f"figures: {write_figures('catalogue', {'costs': [cost._asdict() for cost in costs]})}")
    return 0


def write(settings: Settings, count: int) -> None:
    """Write a catalogue with ids of 36 characters, in the order of their ordinals. Raises UserError if that fails."""
    producer = Producer({**cluster(settings), "linger.ms": 50, "compression.type": "lz4"})
    failed = 0

    def delivered(error: object, _: object) -> None:
        nonlocal failed
        failed += error is not None

    for key, value in records(count):
        while True:
            try:
                producer.produce(ARTWORKS, value, key, on_delivery=delivered)
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
    if producer.flush(SECONDS) or failed:
        raise UserError("The broker did not accept the catalogue.")


def records(count: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield the records of artworks.v1."""
    for ordinal in range(count):
        # Any number will do, as long as neighbours differ in more than their end.
        artwork_id = str(UUID(int=(ordinal + 1) * 0x9E3779B97F4A7C15F39CC0605CEDC835 % (1 << 128)))
        yield artwork_id.encode(), b'{"pool_id":"pool-%d","ordinal":%d}' % (ordinal % POOLS, ordinal)


def measured(settings: Settings, count: int) -> Cost:
    """Read the catalogue in a process of its own. Raises UserError if it ends without an answer."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_read, args=(settings, count, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        if not ours.poll(SECONDS):
            raise UserError("The catalogue was not read in time.")
        cost = ours.recv()
    except EOFError:
        raise UserError("The process that reads the catalogue ended by itself.") from None
    finally:
        process.terminate()
        process.join()
    assert isinstance(cost, Cost)
    return cost


def _read(settings: Settings, count: int, pipe: Connection) -> None:
    log.configure("WARNING")
    follower = CatalogueFollower(settings)
    pid = os.getpid()
    before, started, used = peak_mib(pid), time.monotonic(), time.process_time()
    follower.load()
    seconds, cpu = time.monotonic() - started, time.process_time() - used
    assert len(follower.catalogue) == count, "the whole topic was read"
    pipe.send(Cost(count, seconds, cpu, peak_mib(pid) - before, peak_mib(pid)))


def cells(cost: Cost) -> tuple[str, ...]:
    """Return a row of the table."""
    return (
        f"{cost.artworks:,}",
        f"{cost.seconds:.1f}",
        f"{cost.cpu_seconds:.1f}",
        str(cost.more_mib),
        str(cost.peak_mib),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench.catalogue", description=__doc__)
    parser.add_argument(
        "--artworks", type=int, nargs="+", default=COUNTS, metavar="N", help="how many, one after another"
    )
    return parser
