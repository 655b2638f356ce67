"""Records built to hurt, in a load of other users: all of it is exact, and the worker stays within its memory."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

from bench.lib.hurtful import peak_mib
from streams.embedded.program import Program
from tests.faults.case import Fault, declare_case
from tests.faults.system import System
from tests.support import hurtful
from tests.support.hurtful import MIB
from tests.support.load import PARTITIONS, Raw, at_home, flush, impression, now_ms, user_at
from tests.support.load import produce as produce_good

WORKER = "worker-0"
# What any record that a broker accepts must be worked off within: resident memory of the whole worker (MiB).
MEMORY_MIB = 400
# More of these than the state holds in one value; one flush has 500.
UNCATALOGUED_FLUSHES = 40

Make = Callable[[str], bytes]


def hurt(make: Make, system: System, rng: Random) -> None:
    """In one partition, with flushes of users before and after it there, and a load in all of them."""
    worker, now = system.keeper[WORKER], now_ms()
    pid, partition = worker.pid, rng.randrange(PARTITIONS)
    user, neighbour = user_at(partition, f"hurtful{now}"), user_at(partition, f"neighbour{now}")
    with system.traffic(rng):
        reset_peak(worker)
        produce_good(system.settings, [at_home(neighbour, flush(neighbour, [impression("a0001", now)]))])
        hurtful.produce(system.settings, [Raw(partition, make(user))])
        behind = [impression("a0001", now + 1), impression("a0002", now)]
        produce_good(system.settings, [at_home(neighbour, flush(neighbour, behind))])
        system.flows()
    system.catch_up()
    assert worker.pid == pid, "the worker died"
    assert worker.pid is not None
    assert (peak := peak_mib(worker.pid)) < MEMORY_MIB, f"the worker needed {peak} MiB"


def reset_peak(program: Program) -> None:
    """Measure a process's peak memory from now on."""
    (Path("/proc") / str(program.pid) / "clear_refs").write_text("5")


def _nests(_: str) -> bytes:
    """Lines on both sides of the deepest nesting that is read, and one far beyond."""
    return b"\n".join(hurtful.nested(levels) for levels in (1_000, 1_024, 1_025, 100_000))


RECORDS: dict[str, tuple[Make, str]] = {
    "300,000 line feeds": (lambda _: hurtful.line_feeds(300_000), "A record of 22 bytes, compressed."),
    "4 MiB of empty objects": (lambda _: hurtful.empty_objects(4 * MIB), "1.4 million lines, each invalid."),
    "4 MiB of line feeds": (lambda _: hurtful.line_feeds(4 * MIB), "4.2 million lines, each malformed."),
    "a line of 64 MiB": (lambda _: hurtful.many_numbers(64 * MIB), "One object with an array of 33 million numbers."),
    "a line of 80 MiB": (lambda _: hurtful.long_string(80 * MIB), "One object with one string, too long to be kept."),
    "deep nesting": (_nests, "Lines with 1,000 to 100,000 arrays in arrays."),
    "200 full flushes": (
        lambda user: hurtful.full_flushes(user, 200, "a", artworks=5_000),
        "100,000 impressions of a user in one record, each artwork twenty times.",
    ),
    "20,000 uncatalogued artworks": (
        lambda user: hurtful.full_flushes(user, UNCATALOGUED_FLUSHES, f"no-{user}"),
        "A user sees 20,000 artworks that no catalogue knows.",
    ),
}

for _name, (_make, _what) in RECORDS.items():
    declare_case(
        f"a record with {_name}", Fault.HURTFUL_RECORD, partial(hurt, _make), f"{_what} {hurt.__doc__}", calm=True
    )
