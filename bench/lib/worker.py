"""Workers as processes: started, watched through their metrics and through /proc, killed or stopped."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.lib.measure import total, used_by
from bench.lib.tree import Usage
from streams.embedded.components import component, gauge_is_one, http_get
from streams.embedded.kafka import broker
from streams.embedded.program import Program
from streams.errors import UserError
from streams.settings import Settings

COUNTER = "impressions_worker_impressions_total"
ACCEPTED = f'{COUNTER}{{outcome="accepted"}}'
PARTITIONS = "impressions_worker_partitions"
# The resolution of start times; each answer costs the worker about a millisecond.
LOOK_SECONDS = 0.05
# How often a worker's progress is sampled.
SAMPLE_SECONDS = 0.2
# Far longer than a million users' state takes, for a slow disk.
START_SECONDS = 900.0
PROGRESS_SECONDS = 5.0

Out = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Sample:
    """The workers' progress at a moment of time.monotonic(), all of them together."""

    at: float
    impressions: int
    accepted: int
    """How many of the impressions were accepted."""
    usage: Usage
    broker_cpu_seconds: float
    holding: int
    """How many workers hold partitions."""


def name(index: int) -> str:
    """Return the process name of worker `index`."""
    return f"worker-{index}"


def program(settings: Settings, index: int = 0) -> Program:
    """Return worker `index` as a program."""
    return component(name(index), settings).program


def exposition(settings: Settings, index: int = 0) -> str:
    """Return a worker's metrics; empty while it serves none."""
    return http_get(component(name(index), settings).address, "/metrics") or ""


def is_ready(text: str) -> bool:
    """Whether a worker's metrics show that it has recovered and reads."""
    return gauge_is_one(text, "impressions_worker_ready")


def wait_ready(settings: Settings, indexes: Sequence[int] = (0,), out: Out = lambda _: None) -> None:
    """Return once workers are ready and each holds a partition. Raises UserError if one ends or takes too long."""

    def ready() -> bool:
        texts = [exposition(settings, index) for index in indexes]
        return all(is_ready(text) and total(text, PARTITIONS) > 0 for text in texts)

    until(ready, settings, indexes, START_SECONDS, "workers are ready", out=out)


def until(
    done: Callable[[], bool],
    settings: Settings,
    indexes: Sequence[int],
    seconds: float,
    what: str,
    out: Out = lambda _: None,
) -> None:
    """Poll `done` until it returns true. Raises UserError after `seconds`, or if a worker has ended."""
    begun = told = time.monotonic()
    while not done():
        now = time.monotonic()
        for index in indexes:
            program(settings, index).stays(LOOK_SECONDS)
        if now - begun > seconds:
            raise UserError(f"Not within {seconds:.0f} s: {what}; a log is {program(settings, indexes[0]).log}.")
        if now - told > PROGRESS_SECONDS:
            told = now
            out(f"  waiting since {now - begun:.0f} s until {what}")


def sample(settings: Settings, indexes: Sequence[int] = (0,)) -> Sample:
    """Sample workers. Each counts what it has decided since its start."""
    texts = [exposition(settings, index) for index in indexes]
    used = [used_by(name(index), settings) for index in indexes]
    return Sample(
        time.monotonic(),
        round(sum(total(text, COUNTER) for text in texts)),
        round(sum(total(text, ACCEPTED) for text in texts)),
        Usage(sum(each.cpu_seconds for each in used), sum(each.resident_bytes for each in used)),
        used_by(broker.NAME, settings).cpu_seconds,
        sum(total(text, PARTITIONS) > 0 for text in texts),
    )


def follow(settings: Settings, impressions: int, indexes: Sequence[int], seconds: float, out: Out) -> list[Sample]:
    """Sample workers until they have decided that many impressions. Raises UserError as `until` does."""
    samples: list[Sample] = []
    told = next_at = time.monotonic()

    def done() -> bool:
        nonlocal told, next_at
        if time.monotonic() < next_at:
            return False
        next_at = time.monotonic() + SAMPLE_SECONDS
        samples.append(sample(settings, indexes))
        if time.monotonic() - told > PROGRESS_SECONDS:
            told = time.monotonic()
            out(f"  {samples[-1].impressions:,} of {impressions:,} impressions")
        return samples[-1].impressions >= impressions

    until(done, settings, indexes, seconds, f"{impressions:,} impressions are decided")
    return samples
