"""A program under measurement: started, sampled through its own Prometheus metrics, stopped."""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from streams.embedded import process
from streams.embedded.components import GRACE_SECONDS, http_get
from streams.embedded.ports import Address
from streams.errors import UserError
from streams.settings import Settings

# An exposition costs the program about a millisecond: half a percent of its time at this pace.
SAMPLE_SECONDS = 0.2
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Program:
    """A system under measurement. `counter` is the metric that counts the impressions it is done with."""

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str]
    metrics: Address
    counter: str


@dataclass(frozen=True, slots=True)
class Sample:
    """What a program's metrics said at a moment of time.monotonic()."""

    at: float
    impressions: int
    cpu_seconds: float
    resident_bytes: int


@dataclass(frozen=True, slots=True)
class Steady:
    """A program's steady state: between two samples, neither its start nor its end in it."""

    impressions: int
    seconds: float
    cpu_seconds: float
    peak_mib: float

    @property
    def rate(self) -> float:
        """Impressions a second."""
        return self.impressions / self.seconds

    @property
    def cpu_per_million(self) -> float:
        """CPU seconds of the program, of all its threads, for a million impressions."""
        return self.cpu_seconds / self.impressions * 1e6


@dataclass
class Run:
    """The samples of one program, and what to tell who waits."""

    program: Program
    settings: Settings
    out: Callable[[str], None]
    samples: list[Sample] = field(default_factory=list)

    def until(self, done: Callable[[Sequence[Sample]], bool], seconds: float, what: str) -> None:
        """Take samples until `done` says so. Raises UserError after `seconds`, or when the program has ended."""
        deadline = time.monotonic() + seconds
        told = time.monotonic()
        while not done(self.samples):
            log = process.log_file(self.program.name, self.settings)
            if time.monotonic() > deadline:
                raise UserError(f"{self.program.name}: not within {seconds:.0f} s: {what}; its log is {log}.")
            if process.wait_exit(self.program.name, self.settings, SAMPLE_SECONDS):
                raise UserError(f"{self.program.name} ended by itself; its log is {log}.")
            exposition = http_get(self.program.metrics, "/metrics")
            if exposition is not None:
                self.samples.append(sample(exposition, self.program.counter))
            if self.samples and time.monotonic() - told > 5:
                told = time.monotonic()
                self.out(f"  {self.program.name}: {self.samples[-1].impressions:,} impressions")


@contextmanager
def running(program: Program, settings: Settings, out: Callable[[str], None]) -> Iterator[Run]:
    """Start a program; whatever happens, it has ended at the end."""
    process.start(program.name, program.argv, settings, program.environment)
    try:
        yield Run(program, settings, out)
    finally:
        process.stop(program.name, settings, GRACE_SECONDS)


def sample(exposition: str, counter: str) -> Sample:
    """Read a Prometheus exposition. A counter that isn't there yet stands at 0."""
    return Sample(
        at=time.monotonic(),
        impressions=round(total(exposition, counter)),
        cpu_seconds=total(exposition, "process_cpu_seconds_total"),
        resident_bytes=round(total(exposition, "process_resident_memory_bytes")),
    )


def total(exposition: str, name: str) -> float:
    """Return the sum of a metric over its labels."""
    pattern = rf"^{re.escape(name)}(?:\{{[^}}]*\}})? (\S+)$"
    return sum(float(value) for value in re.findall(pattern, exposition, re.MULTILINE))


def steady(samples: Sequence[Sample], first: int, last: int) -> Steady:
    """Measure from the first sample that is past `first` impressions to the first that has reached `last`.

    The peak of memory is that of the whole run. Raises ValueError when there are no two such samples.
    """
    begin = next((each for each in samples if each.impressions >= first), None)
    end = next((each for each in samples if each.impressions >= last), None)
    if begin is None or end is None or end.impressions <= begin.impressions:
        raise ValueError(f"no two samples between {first} and {last} impressions")
    return Steady(
        impressions=end.impressions - begin.impressions,
        seconds=end.at - begin.at,
        cpu_seconds=end.cpu_seconds - begin.cpu_seconds,
        peak_mib=max(each.resident_bytes for each in samples) / MIB,
    )
