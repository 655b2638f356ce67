"""How a worker with much state recovers: `python -m bench.recovery`.

users: its start with the state of a million users, and its memory while they arrive. kill: killed while impressions
arrive. day: the state of 100,000 impressions a minute for a day, its size, and the start with it.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from bench.lib import worker
from bench.lib.broker import only_bench, running_broker
from bench.lib.figures import axes, save, say, table
from bench.lib.figures import write as write_figures
from bench.lib.measure import MIB
from bench.lib.traffic import now_ms
from bench.lib.users import IMPRESSIONS_A_USER
from bench.lib.worker import Sample
from bench.recovery import kill as recovery_kill
from bench.recovery.kill import How, Kill
from bench.recovery.restart import Start
from bench.recovery.starts import Sizes, Starts, mib
from bench.recovery.state import Builder, Load
from streams.settings import Settings

PARTS = ("users", "kill", "day")
DEFAULT_USERS = 1_000_000
# Restoring fewer takes less than the difference between two starts.
LEAST_USERS = 1_000
PER_MINUTE = 100_000
HOURS = (1, 6, 24)
KILLS = 3
MEMORY_LIMIT_MIB = 1_024
EMPTY, ROCKSDB, CHANGELOGS = "nothing (an empty worker)", "its own RocksDB, after SIGKILL", "the changelogs"
START_COLUMNS = ("start from", "ready s", "beside empty", "first decided s", "restored", "restored/s", "peak MiB")
KILL_COLUMNS = ("started again", "kills", "output moves after s", "longest s", "latency as before after s")
DAY_COLUMNS = (
    "hours",
    "impressions",
    "window entries",
    "changelogs MiB",
    "computed MiB",
    "RocksDB MiB",
    "from the changelogs s",
    "restored/s",
    "peak MiB",
    "from RocksDB s",
)


@dataclass(frozen=True, slots=True)
class Stage:
    """The state of some hours, and the starts with it."""

    hours: int
    impressions: int
    buckets: int
    sizes: Sizes
    computed: float
    """The changelogs' expected size, by the first stage's bytes per impression and per user."""
    from_changelogs: Start
    from_rocksdb: Start


def main(argv: Sequence[str] | None = None) -> int:
    """Run the bench; return the exit code 0."""
    options = _parser().parse_args(argv)
    settings = Settings.load()
    figures: dict[str, Any] = {"users": options.users}
    lines: list[str] = []
    with only_bench(settings):
        if {"users", "kill"} & set(options.parts):
            with running_broker(settings, say) as ours:
                starts = Starts(ours, options.repeats)
                if "users" in options.parts:
                    found = of_users(starts, options.users)
                    figures |= found.as_json()
                    lines += [*found.lines(), f"picture: {memory_picture(found.samples)}", ""]
                if "kill" in options.parts:
                    kills = of_kills(ours, options.kills)
                    figures["kills"] = [asdict(kill) for kill in kills]
                    lines += [*table(KILL_COLUMNS, recovery_kill.summary(kills)), ""]
        if "day" in options.parts:
            with running_broker(settings, say) as ours:
                stages = of_a_day(Starts(ours, 1), Load(options.users, options.per_minute), options.hours)
                figures["day"] = [asdict(stage) for stage in stages]
                lines += [*table(DAY_COLUMNS, map(cells, stages)), f"picture: {day_picture(stages)}"]
    say("")
    for line in lines:
        say(line)
    say(f"figures: {write_figures('recovery', figures)}")
    return 0


@dataclass(frozen=True, slots=True)
class OfUsers:
    """Starts with the state of many users, and how it was made."""

    users: int
    samples: list[Sample]
    sizes: Sizes
    starts: dict[str, Start]

    def lines(self) -> Iterator[str]:
        """Yield a table of the starts, and the state's size."""
        yield from table(START_COLUMNS, start_rows(self.starts))
        window, user = self.sizes.windows_changelog / self.users, self.sizes.coverage_changelog / self.users
        yield (
            f"{self.users:,} users of {IMPRESSIONS_A_USER} impressions: {mib(self.sizes.changelogs)} MiB of changelogs "
            f"({window / IMPRESSIONS_A_USER:.1f} bytes an impression in its window and {user:.1f} a user), "
            f"{mib(self.sizes.rocksdb)} MiB of RocksDB"
        )
        peak = max(each.usage.resident_bytes for each in self.samples)
        yield f"memory while they came: {mib(peak)} MiB at the most"

    def as_json(self) -> dict[str, Any]:
        """Return the figures."""
        curve = [(each.impressions // IMPRESSIONS_A_USER, each.usage.resident_bytes) for each in self.samples]
        starts = {name: asdict(start) for name, start in self.starts.items()}
        return {"sizes": asdict(self.sizes), "starts": starts, "resident_bytes_by_users": curve}


def of_users(starts: Starts, count: int) -> OfUsers:
    """Start a worker without any state, make the state of that many users, and start it from each place."""
    found = {EMPTY: starts.measure(EMPTY, fresh=True)}
    samples = starts.build(count)
    found[ROCKSDB] = starts.measure(ROCKSDB, fresh=False)
    sizes = starts.sizes()
    found[CHANGELOGS] = starts.measure(CHANGELOGS, fresh=True)
    return OfUsers(count, samples, sizes, found)


def of_kills(settings: Settings, count: int) -> list[Kill]:
    """Kill the worker several times in each way, with the existing state."""
    worker.program(settings).start()
    worker.wait_ready(settings, out=say)
    return [
        recovery_kill.measure(settings, how, 1 + number, say)
        for number, how in enumerate(how for how in How for _ in range(count))
    ]


def of_a_day(starts: Starts, load: Load, hours: Sequence[int]) -> list[Stage]:
    """Put the state of more and more hours into the changelogs, and start with each."""
    builder = Builder(starts.settings, load, starts.partitions, now_ms(), say)
    builder.users()
    stages: list[Stage] = []
    window_minutes = starts.settings.dedupe_window_seconds / 60
    for each in hours:
        builder.until(windows(each, window_minutes))
        say(f"state of {each} h: {builder.entries:,} impressions in {builder.buckets:,} window entries")
        fresh = starts.measure(f"{CHANGELOGS}, {each} h", fresh=True)
        again = starts.measure(f"{ROCKSDB}, {each} h", fresh=False)
        sizes = starts.sizes()
        stage = Stage(each, builder.entries, builder.buckets, sizes, 0.0, fresh, again)
        stages.append(replace(stage, computed=computed((stages or [stage])[0], builder.entries)))
    return stages


def windows(hours: float, window_minutes: float) -> int:
    """Return how many windows that many hours of state hold: two more than the hours have, as the worker sweeps."""
    return round(hours * 60 / window_minutes) + 2


def computed(first: Stage, impressions: int) -> float:
    """Return the size (bytes) of the changelogs of that many impressions, extrapolated from a first stage."""
    return first.sizes.coverage_changelog + first.sizes.windows_changelog / first.impressions * impressions


def cells(stage: Stage) -> tuple[str, ...]:
    """Return a row of the day's table."""
    return (
        str(stage.hours),
        f"{stage.impressions:,}",
        f"{stage.buckets:,}",
        mib(stage.sizes.changelogs),
        mib(stage.computed),
        mib(stage.sizes.rocksdb),
        f"{stage.from_changelogs.ready:.1f}",
        f"{stage.from_changelogs.restored.rate:,.0f}",
        f"{stage.from_changelogs.peak_mib:,.0f}",
        f"{stage.from_rocksdb.ready:.1f}",
    )


def start_rows(starts: Mapping[str, Start]) -> Iterator[tuple[str, ...]]:
    """Return the rows of the starts' table. The others are compared with the first start."""
    empty = next(iter(starts.values()))
    for name, start in starts.items():
        yield (
            name,
            f"{start.ready:.1f}",
            f"{start.ready / empty.ready:.1f} x",
            f"{start.decided:.1f}",
            f"{start.restored.changes:,}",
            # A handful of changes takes no longer than asking for them.
            f"{start.restored.rate:,.0f}" if start.restored.changes >= LEAST_USERS else "-",
            f"{start.peak_mib:,.0f}",
        )


def memory_picture(samples: Sequence[Sample]) -> str:
    """Draw a worker's memory over the users that it has seen; return the file's name."""
    drawn = axes("One worker's memory while its users come", "thousands of users with state", "resident memory (MiB)")
    drawn.plot(
        [each.impressions / IMPRESSIONS_A_USER / 1_000 for each in samples],
        [each.usage.resident_bytes / MIB for each in samples],
    )
    drawn.axhline(MEMORY_LIMIT_MIB, color="grey", linewidth=1, label="target: under 1 GiB")
    drawn.set_ylim(bottom=0)
    drawn.legend()
    return str(save(drawn, "recovery-memory"))


def day_picture(stages: Sequence[Stage]) -> str:
    """Draw the recovery time over the state's size; return the file's name."""
    drawn = axes("Recovery over the size of the state", "millions of window entries", "seconds until ready")
    size = [stage.buckets / 1e6 for stage in stages]
    drawn.plot(size, [stage.from_changelogs.ready for stage in stages], "o-", label="from the changelogs")
    drawn.plot(size, [stage.from_rocksdb.ready for stage in stages], "o-", label="from its own RocksDB")
    for stage, at in zip(stages, size, strict=True):
        drawn.annotate(f"{stage.hours} h", (at, stage.from_changelogs.ready), ha="right", va="bottom")
    drawn.set_xlim(left=0)
    drawn.set_ylim(bottom=0)
    drawn.legend()
    return str(save(drawn, "recovery-day"))


def _parser() -> argparse.ArgumentParser:
    first, *more = (__doc__ or "").split("\n\n")
    parser = argparse.ArgumentParser(prog="bench.recovery", description=first, epilog="\n\n".join(more))
    parser.add_argument("--parts", type=_parts, default=PARTS, help="users,kill,day: all of them by default")
    parser.add_argument("--users", type=_users, default=DEFAULT_USERS, help=f"default {DEFAULT_USERS:,}")
    parser.add_argument("--repeats", type=_number, default=1, help="starts of each kind: the median (1)")
    parser.add_argument("--kills", type=_number, default=KILLS, help=f"kills of each kind ({KILLS})")
    parser.add_argument("--hours", type=_hours, default=HOURS, help="states of so many hours, growing: 1,6,24")
    parser.add_argument(
        "--per-minute", type=_number, default=PER_MINUTE, help=f"impressions of the day ({PER_MINUTE:,})"
    )
    return parser


def _parts(text: str) -> list[str]:
    parts = text.split(",")
    if unknown := set(parts) - set(PARTS):
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: there are {', '.join(PARTS)}")
    return parts


def _users(text: str) -> int:
    if not text.isdecimal() or int(text) < LEAST_USERS:
        raise argparse.ArgumentTypeError(f"a whole number from {LEAST_USERS:,} on")
    return int(text)


def _hours(text: str) -> list[int]:
    hours = [_number(each) for each in text.split(",")]
    if hours != sorted(set(hours)):
        raise argparse.ArgumentTypeError("growing numbers, with commas between")
    return hours


def _number(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError("a whole number from 1 on")
    return int(text)
