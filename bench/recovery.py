"""How long a worker with much state takes to start again: `python -m bench.recovery --users 100000`."""

import argparse
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench import restart, users
from bench.backlog import SPAN_MS
from bench.broker import only_bench, running_broker, write
from bench.command import run
from bench.measure import MIB, running
from bench.restart import Start, folder_bytes, middle
from streams.embedded import kafka
from streams.kafka.admin import describe
from streams.kafka.topics import IMPRESSIONS, changelog
from streams.settings import Settings
from streams.tables.state import Table

DEFAULT_USERS = 100_000
# Fewer are restored in less than a start differs from the next.
LEAST_USERS = 1_000
DEFAULT_REPEATS = 3
# The slowest worth waiting for, far below what is measured on a laptop.
SLOWEST_RATE = 2_000
READY_SECONDS = 120.0
COLUMNS = ("start from", "ready s", "beside empty", "first decided s", "restored", "restored/s", "peak MiB")


@dataclass(frozen=True, slots=True)
class State:
    """What is restored; bytes on disk."""

    users: int
    changelogs: int
    rocksdb: int


def main(argv: Sequence[str] | None = None) -> int:
    """Run the bench; return the exit code 0."""
    options = _parser().parse_args(argv)
    settings = Settings.load()
    with only_bench(settings), running_broker(settings, say) as ours:
        state, starts = measure(ours, options.users, options.repeats)
    say("")
    for line in table(state, starts):
        say(line)
    return 0


def measure(settings: Settings, count: int, repeats: int) -> tuple[State, dict[str, Start]]:
    """Start a worker without any state, make it the state of so many users, and start it from both places."""
    bench = Bench(settings, repeats)
    starts = {"nothing (an empty worker)": bench.starts("empty", fresh=True)}
    bench.build(count)
    starts["its own RocksDB, after SIGKILL"] = bench.starts("from RocksDB", fresh=False)
    # Now, because compaction may change them, and a fresh store is a smaller one.
    state = State(count, bench.changelog_bytes(), folder_bytes(bench.folder, "**/*"))
    starts["the changelogs, local state deleted"] = bench.starts("from changelogs", fresh=True)
    return state, starts


class Bench:
    """A worker's starts on one broker."""

    def __init__(self, settings: Settings, repeats: int) -> None:
        self.settings, self._repeats = settings, repeats
        self.folder = settings.data_dir / "state"
        self._partitions = describe(settings, IMPRESSIONS).partitions
        self._round = 0
        write(settings, [])  # the catalogue, and no records

    def starts(self, what: str, fresh: bool) -> Start:
        """Start and kill the worker some times, without its local state if `fresh`; return the median."""
        done = []
        for number in range(1, self._repeats + 1):
            if fresh:
                shutil.rmtree(self.folder, ignore_errors=True)
            self._round += 1
            probes = users.probes(self._round, self._partitions, _now_ms())
            users.produce(self.settings, probes)
            start = restart.measure(self.settings, len(probes) * users.IMPRESSIONS_A_USER, what, say)
            say(f"{what} ({number} of {self._repeats}): ready {start.ready:.1f} s, decided {start.decided:.1f} s")
            done.append(start)
        return middle(done)

    def build(self, count: int) -> None:
        """Make the state as it comes to be in life, by deciding; then kill the worker."""
        begun, total = time.monotonic(), count * users.IMPRESSIONS_A_USER
        users.produce(self.settings, users.packed(count, self._partitions, _now_ms() - 2 * SPAN_MS, SPAN_MS))
        say(f"backlog: {count:,} users, {total:,} impressions, {time.monotonic() - begun:.0f} s")
        with running(restart.program(self.settings), self.settings, say) as run:
            run.until(
                lambda samples: bool(samples) and samples[-1].impressions >= total,
                READY_SECONDS + total / SLOWEST_RATE,
                "all impressions decided",
            )
            restart.kill(self.settings)
        say(f"state: {count:,} users, {time.monotonic() - begun:.0f} s")

    def changelog_bytes(self) -> int:
        """How large the changelogs are on the broker's disk, compressed as they are."""
        data = kafka.data_dir(self.settings)
        return sum(folder_bytes(data, f"{changelog(table)}-*/*.log") for table in Table)


def table(state: State, starts: dict[str, Start]) -> Iterator[str]:
    """Yield the lines of a Markdown table, then what was restored. The first start is what the others are beside."""
    empty = next(iter(starts.values()))
    rows = [COLUMNS, *(_cells(name, start, empty) for name, start in starts.items())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    for number, row in enumerate(rows):
        yield f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |"
        if number == 0:
            yield f"|{'|'.join('-' * (width + 2) for width in widths)}|"
    yield (
        f"{state.users:,} users of {users.IMPRESSIONS_A_USER} impressions: "
        f"{state.changelogs / MIB:,.1f} MiB of changelogs, {state.rocksdb / MIB:,.1f} MiB of RocksDB"
    )


def _cells(name: str, start: Start, empty: Start) -> tuple[str, ...]:
    return (
        name,
        f"{start.ready:.1f}",
        f"{start.ready / empty.ready:.1f} x",
        f"{start.decided:.1f}",
        f"{start.restored.changes:,}",
        # A handful of changes take as long as asking for them.
        f"{start.restored.rate:,.0f}" if start.restored.changes >= LEAST_USERS else "-",
        f"{start.peak_mib:,.0f}",
    )


def say(line: str) -> None:
    """Print a line at once, also into a pipe."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _now_ms() -> int:
    return int(time.time() * 1000)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench.recovery", description=__doc__)
    parser.add_argument("--users", type=_users, default=DEFAULT_USERS, help=f"default {DEFAULT_USERS:,}")
    parser.add_argument("--repeats", type=_repeats, default=DEFAULT_REPEATS, help="starts of each kind: the median")
    return parser


def _users(text: str) -> int:
    if not text.isdecimal() or int(text) < LEAST_USERS:
        raise argparse.ArgumentTypeError(f"a whole number from {LEAST_USERS:,} on")
    return int(text)


def _repeats(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError("a whole number from 1 on")
    return int(text)


if __name__ == "__main__":
    run(main)
