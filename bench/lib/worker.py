"""Workers as processes: started, watched through their metrics and through /proc, killed or stopped."""

import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.lib.measure import total
from bench.lib.tree import Usage, usage
from streams.embedded import process
from streams.embedded.components import GRACE_SECONDS, environment, gauge_is_one, http_get
from streams.embedded.kafka import broker
from streams.embedded.ports import Address
from streams.errors import UserError
from streams.settings import Settings

COUNTER = "impressions_worker_impressions_total"
ACCEPTED = f'{COUNTER}{{outcome="accepted"}}'
PARTITIONS = "impressions_worker_partitions"
# How exact a time of start is; an answer costs the worker about a millisecond.
LOOK_SECONDS = 0.05
# How often a worker's progress is looked at.
SAMPLE_SECONDS = 0.2
# Far above what a million users' state takes, for a slow disk.
START_SECONDS = 900.0
PROGRESS_SECONDS = 5.0

Out = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Sample:
    """Where workers stand at a moment of time.monotonic(), all of them together."""

    at: float
    impressions: int
    accepted: int
    """How many of the impressions."""
    usage: Usage
    broker_cpu_seconds: float
    holding: int
    """How many of them hold partitions."""


def name(index: int) -> str:
    """The name of worker `index` as a process."""
    return f"worker-{index}"


def address(settings: Settings, index: int = 0) -> Address:
    """Where its metrics are."""
    return Address(settings.metrics_host, settings.metrics_port + 10 * index)


def start(settings: Settings, index: int = 0) -> process.Started:
    """Start a worker; don't wait."""
    argv = [sys.executable, "-m", "streams", "worker", "--index", str(index)]
    return process.start(name(index), argv, settings, environment(settings))


def kill(settings: Settings, index: int = 0) -> None:
    """End a worker as `kill -9` does, if it runs; return once it is gone."""
    started = process.running(name(index), settings)
    if started is not None:
        os.kill(started.pid, signal.SIGKILL)
        process.wait_exit(name(index), settings, process.KILL_SECONDS)


def stop(settings: Settings, index: int = 0) -> None:
    """Ask a worker to end, and wait for that."""
    process.stop(name(index), settings, GRACE_SECONDS)


def exposition(settings: Settings, index: int = 0) -> str:
    """A worker's metrics; empty while it serves none."""
    return http_get(address(settings, index), "/metrics") or ""


def is_ready(text: str) -> bool:
    """Says a worker's exposition that it is recovered and reads?"""
    return gauge_is_one(text, "impressions_worker_ready")


def wait_ready(settings: Settings, indexes: Sequence[int] = (0,), out: Out = lambda _: None) -> None:
    """Return once workers are ready and each holds a partition. Raises UserError when one ends, or takes too long."""

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
    """Return once `done`, asked often, says so. Raises UserError after `seconds`, or when a worker has ended."""
    begun = told = time.monotonic()
    while not done():
        now = time.monotonic()
        for index in indexes:
            if process.wait_exit(name(index), settings, LOOK_SECONDS):
                raise UserError(f"{name(index)} ended by itself; its log is {_log(settings, index)}.")
        if now - begun > seconds:
            raise UserError(f"Not within {seconds:.0f} s: {what}; a log is {_log(settings, indexes[0])}.")
        if now - told > PROGRESS_SECONDS:
            told = now
            out(f"  waiting since {now - begun:.0f} s until {what}")


def sample(settings: Settings, indexes: Sequence[int] = (0,)) -> Sample:
    """Look at workers. What one has decided is counted since its start."""
    texts = [exposition(settings, index) for index in indexes]
    used = [usage(pid_of(settings, name(index))) for index in indexes]
    return Sample(
        time.monotonic(),
        round(sum(total(text, COUNTER) for text in texts)),
        round(sum(total(text, ACCEPTED) for text in texts)),
        Usage(sum(each.cpu_seconds for each in used), sum(each.resident_bytes for each in used)),
        usage(pid_of(settings, broker.NAME)).cpu_seconds,
        sum(total(text, PARTITIONS) > 0 for text in texts),
    )


def follow(settings: Settings, impressions: int, indexes: Sequence[int], seconds: float, out: Out) -> list[Sample]:
    """Sample workers until they have decided so many impressions. Raises UserError as `until` does."""
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


def pid_of(settings: Settings, program: str) -> int | None:
    """The pid of a program that was started here; None when it does not run."""
    started = process.running(program, settings)
    return started.pid if started else None


def _log(settings: Settings, index: int) -> Path:
    return process.log_file(name(index), settings)
