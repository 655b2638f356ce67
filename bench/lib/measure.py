"""A program under measurement: started, sampled, stopped. Its metrics report its progress, Linux what it has used."""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from bench.lib.tree import Usage, usage
from streams.embedded.components import http_get
from streams.embedded.kafka import broker
from streams.embedded.ports import Address
from streams.embedded.program import Program
from streams.embedded.run_folder import RunFolder
from streams.errors import UserError
from streams.settings import Settings

# Serving its metrics costs the program about a millisecond: one percent of its time at this interval.
SAMPLE_SECONDS = 0.1
TELL_SECONDS = 5.0
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Measured:
    """A program under measurement. `counter` is the metric that counts the impressions it has finished."""

    program: Program
    metrics: Address
    counter: str


@dataclass(frozen=True, slots=True)
class Sample:
    """A program's progress, and what it and the broker had used, at a moment of time.monotonic()."""

    at: float
    impressions: int
    used: Usage
    broker_cpu_seconds: float


@dataclass(frozen=True, slots=True)
class Steady:
    """A program's steady state between two samples, without its start and its end."""

    impressions: int
    seconds: float
    cpu_seconds: float
    broker_cpu_seconds: float
    peak_mib: float

    @property
    def rate(self) -> float:
        """Impressions a second."""
        return self.impressions / self.seconds

    @property
    def cpu_per_million(self) -> float:
        """CPU seconds of all of the program's processes and threads per million impressions."""
        return self.cpu_seconds / self.impressions * 1e6

    @property
    def broker_per_million(self) -> float:
        """CPU seconds of the broker meanwhile, per million impressions."""
        return self.broker_cpu_seconds / self.impressions * 1e6


@dataclass
class Run:
    """The samples of one program, and the progress shown to whoever waits."""

    measured: Measured
    out: Callable[[str], None]
    samples: list[Sample] = field(default_factory=list)

    def until(self, done: Callable[[Sequence[Sample]], bool], seconds: float, what: str) -> None:
        """Take samples until `done` returns true. Raises UserError after `seconds`, or if the program has ended."""
        begun = told = time.monotonic()
        program = self.measured.program
        while not done(self.samples):
            if time.monotonic() - begun > seconds:
                raise UserError(f"{program.name}: not within {seconds:.0f} s: {what}; its log is {program.log}.")
            program.stays(SAMPLE_SECONDS)
            exposition = http_get(self.measured.metrics, "/metrics")
            if exposition is not None:
                self.samples.append(self._sample(round(total(exposition, self.measured.counter))))
            if self.samples and time.monotonic() - told > TELL_SECONDS:
                told = time.monotonic()
                self.out(f"  {program.name}: {self.samples[-1].impressions:,} impressions")

    def _sample(self, impressions: int) -> Sample:
        at = time.monotonic()
        program = self.measured.program
        broker_used = usage(Program(broker.NAME, program.folder).pid)
        return Sample(at, impressions, usage(program.pid), broker_used.cpu_seconds)


@contextmanager
def running(measured: Measured, out: Callable[[str], None]) -> Iterator[Run]:
    """Start a program; whatever happens, stop it at the end."""
    measured.program.start()
    try:
        yield Run(measured, out)
    finally:
        measured.program.stop()


def used_by(name: str, settings: Settings) -> Usage:
    """Return what a running process of that name and everything it started have used; nothing if none runs."""
    return usage(Program(name, RunFolder(settings.data_dir)).pid)


def total(exposition: str, name: str) -> float:
    """Return the sum of a metric over its labels; 0 if it doesn't exist yet."""
    pattern = rf"^{re.escape(name)}(?:\{{[^}}]*\}})? (\S+)$"
    return sum(float(value) for value in re.findall(pattern, exposition, re.MULTILINE))


def steady(samples: Sequence[Sample], first: int, last: int) -> Steady:
    """Measure from the first sample past `first` impressions to the first that has reached `last`.

    The peak memory is that of the whole run. Raises ValueError if there are no two such samples.
    """
    begin = next((each for each in samples if each.impressions >= first), None)
    end = next((each for each in samples if each.impressions >= last), None)
    if begin is None or end is None or end.impressions <= begin.impressions:
        raise ValueError(f"no two samples between {first} and {last} impressions")
    return Steady(
        impressions=end.impressions - begin.impressions,
        seconds=end.at - begin.at,
        cpu_seconds=end.used.cpu_seconds - begin.used.cpu_seconds,
        broker_cpu_seconds=end.broker_cpu_seconds - begin.broker_cpu_seconds,
        peak_mib=max(each.used.peak_bytes for each in samples) / MIB,
    )
