"""One system measured on one backlog."""

import resource
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bench.lib import topics
from bench.lib.backlog import Record, Seen, user_id
from bench.lib.expected import (
    Comparison,
    Output,
    Place,
    Rule,
    compare,
    first_places,
    near,
    slice_of,
    tumbling,
    window_of,
)
from bench.lib.measure import MIB, Sample, Steady, running, steady
from bench.lib.systems import OURS, Out, System
from streams.core.partitioner import partition_of
from streams.settings import Settings

# The first twentieth is the start-up: connections, first fetches, empty caches.
STEADY_FROM = 0.05
READY_SECONDS = 120.0
# The slowest rate worth waiting for, far below what a laptop reaches.
SLOWEST_RATE = 2_000
# A slice begins after the election and the rebalance of the first seconds.
SLICE_FROM = 2_000


@dataclass(frozen=True)
class Backlog:
    """The topic's records: `size` impressions each, on average."""

    records: Sequence[Record]
    size: int
    impressions: int
    partitions: int

    @cached_property
    def accepted(self) -> list[tuple[Place, Seen]]:
        """What rule 2 accepts."""
        return list(near(self.records))

    @cached_property
    def first_places(self) -> dict[Seen, Place]:
        """The first place of each impression."""
        return first_places(self.records)

    def by(self, rule: Rule) -> Iterable[tuple[Place, Seen]]:
        """Return what a rule accepts."""
        return self.accepted if rule is near else rule(self.records)

    def compare(self, rule: Rule, output: Output, whole: bool) -> Comparison:
        """Compare an output with a rule's: with all of it, or up to the last row of each partition."""
        if whole:
            return compare((seen for _, seen in self.by(rule)), output)
        return compare(slice_of(self.by(rule), self.first_places, self._partition, output), output)

    def compare_windows(self, output: Output) -> Comparison:
        """Compare an output with one row, whichever it is, for each user, artwork and tumbling window."""
        return compare((window_of(seen) for _, seen in tumbling(self.records)), output.windows())

    def _partition(self, user: int) -> int:
        return partition_of(user_id(user), self.partitions)


@dataclass(frozen=True)
class Result:
    """A system's figures on one backlog."""

    system: System
    size: int
    steady: Steady
    whole_cpu_per_million: float | None
    """CPU seconds of the program per million impressions from its start to its end, including everything that it
    postpones until then; None for a slice."""
    state_mib: float | None
    """Size of its local state when it has ended; None if it has none."""
    changelog_mib: float | None
    """Size of its changelogs on the broker; None if it has none."""
    output: Comparison | None
    """Compared with rule 2; None if it writes nothing."""
    own_rule: Comparison | None = None
    """Compared with the system's own rule, if that differs."""

    def as_json(self) -> dict[str, Any]:
        """Return the figures, including derived ones."""
        return {
            "system": self.system.name,
            "impressions_a_record": self.size,
            "impressions_a_second": self.steady.rate,
            "cpu_seconds_per_million": self.steady.cpu_per_million,
            "whole_run_cpu_seconds_per_million": self.whole_cpu_per_million,
            "broker_cpu_seconds_per_million": self.steady.broker_per_million,
            "peak_mib": self.steady.peak_mib,
            "state_mib": self.state_mib,
            "changelog_mib": self.changelog_mib,
            "measured": asdict(self.steady),
            "output": asdict(self.output) if self.output else None,
            "output_equal": self.output.equal if self.output else None,
            "output_by_own_rule": asdict(self.own_rule) if self.own_rule else None,
        }


def measure(
    system: System, argv: Sequence[str], settings: Settings, backlog: Backlog, slice_seconds: float, out: Out
) -> Result:
    """Measure a system and remove what it leaves behind.

    Measure from 5 % of the backlog to its end or, if the system is measured over a slice, for that many seconds. Raises
    UserError if it ends by itself or takes too long.
    """
    topics.wait_quiet(settings)
    before = topics.topic_names(settings)
    if system.output and system.output not in before:
        topics.create_topic(settings, system.output, backlog.partitions)
    total = backlog.impressions * system.rounds
    first = int(total * STEADY_FROM) if system.whole else min(SLICE_FROM, int(total * STEADY_FROM))
    cpu_before = _children_cpu()
    with running(system.program(settings, argv, backlog.partitions, backlog.size), out) as run:
        run.until(_reached(first), READY_SECONDS, f"the first {first} impressions decided")
        if system.whole:
            run.until(_reached(total), READY_SECONDS + total / SLOWEST_RATE, "all impressions decided")
            if system.output:
                topics.wait_written(settings, system.output)
        else:
            run.until(_measured(first, total, slice_seconds), slice_seconds + READY_SECONDS, "the slice decided")
    whole_cpu = (_children_cpu() - cpu_before) / total * 1e6
    figures = steady(run.samples, first, total if system.whole else run.samples[-1].impressions)
    internal = system.internal_topics(settings, before)
    folder = system.state(settings)
    output = read_output(system, settings) if system.output else None
    result = Result(
        system=system,
        size=backlog.size,
        steady=figures,
        whole_cpu_per_million=whole_cpu if system.whole else None,
        state_mib=_folder_bytes(folder) / MIB if folder.exists() else None,
        changelog_mib=topics.topic_bytes(settings, internal) / MIB if internal else None,
        output=backlog.compare(near, output, system.whole) if output else None,
        own_rule=_by_own_rule(system, backlog, output) if output else None,
    )
    shutil.rmtree(folder, ignore_errors=True)
    topics.delete_topics(settings, topics.topic_names(settings) - before)
    return result


def _by_own_rule(system: System, backlog: Backlog, output: Output) -> Comparison | None:
    if system.any_of_a_window:
        return backlog.compare_windows(output)
    return None if system.rule is near else backlog.compare(system.rule, output, system.whole)


def read_output(system: System, settings: Settings) -> Output:
    """Read what a system wrote, including coverage."""
    output = topics.read(settings, system.output)
    if system.name == OURS:
        output.coverage = topics.read_coverage(settings)
    return output


def _children_cpu() -> float:
    """Return the CPU seconds of everything that this process started and that has ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _folder_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _reached(impressions: int) -> Callable[[Sequence[Sample]], bool]:
    return lambda samples: bool(samples) and samples[-1].impressions >= impressions


def _measured(first: int, total: int, seconds: float) -> Callable[[Sequence[Sample]], bool]:
    def done(samples: Sequence[Sample]) -> bool:
        begin = next(each for each in samples if each.impressions >= first)
        return samples[-1].at - begin.at >= seconds or samples[-1].impressions >= total

    return done
