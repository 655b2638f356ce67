"""One start of a worker, measured from the start of its process: until it is ready, until it has decided something."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import orjson

from bench.measure import MIB, Program, total
from streams.embedded import process
from streams.embedded.components import environment, gauge_is_one, http_get
from streams.embedded.ports import Address
from streams.errors import UserError
from streams.settings import Settings

WORKER = "worker-0"
COUNTER = "impressions_worker_impressions_total"
# How exact a time is; an answer costs the worker about a millisecond.
LOOK_SECONDS = 0.05
# Far above what a million users take, for a slow disk.
START_SECONDS = 900.0
PROGRESS_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Restored:
    """What the worker says that it read from the changelogs: changes in all, and the slowest partition's time."""

    changes: int
    seconds: float

    @property
    def rate(self) -> float:
        """Changes a second: the partitions are read at the same time."""
        return self.changes / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, slots=True)
class Start:
    """One start; times in seconds since the process began."""

    ready: float
    decided: float
    restored: Restored
    peak_mib: float


def program(settings: Settings) -> Program:
    """The worker, telling what it restores."""
    return Program(
        name=WORKER,
        argv=[sys.executable, "-m", "streams", "worker", "--index", "0"],
        environment=environment(settings.model_copy(update={"log_level": "INFO"})),
        metrics=Address(settings.metrics_host, settings.metrics_port),
        counter=COUNTER,
    )


def measure(settings: Settings, impressions: int, what: str, out: Callable[[str], None]) -> Start:
    """Start the worker, wait until it has decided so many impressions that lie on the topic, and kill it.

    Raises UserError when it ends by itself, or takes too long.
    """
    worker, log = program(settings), process.log_file(WORKER, settings)
    log_start = log.stat().st_size if log.exists() else 0
    begun = told = time.monotonic()
    process.start(WORKER, worker.argv, settings, worker.environment)
    ready: float | None = None
    decided: float | None = None
    peak, exposition = 0.0, ""
    try:
        while ready is None or decided is None or total(exposition, COUNTER) < impressions:
            if process.wait_exit(WORKER, settings, LOOK_SECONDS):
                raise UserError(f"The worker ended by itself; its log is {log}.")
            exposition = http_get(worker.metrics, "/metrics") or ""
            now = time.monotonic()
            peak = max(peak, total(exposition, "process_resident_memory_bytes"))
            if ready is None and gauge_is_one(exposition, "impressions_worker_ready"):
                ready = now - begun
            if decided is None and total(exposition, COUNTER):
                decided = now - begun
            if now - begun > START_SECONDS:
                raise UserError(f"The worker did not get ready within {START_SECONDS:.0f} s; its log is {log}.")
            if now - told > PROGRESS_SECONDS:
                told = now
                out(f"  {what}: {now - begun:.0f} s, {'deciding' if ready else 'recovering'}")
    finally:
        kill(settings)
    with log.open("rb") as lines:
        lines.seek(log_start)
        restored = restored_in(lines)
    return Start(ready, decided, restored, peak / MIB)


def kill(settings: Settings) -> None:
    """End the worker as `kill -9` does, if it runs."""
    started = process.running(WORKER, settings)
    if started is not None:
        os.kill(started.pid, signal.SIGKILL)
        process.wait_exit(WORKER, settings, process.KILL_SECONDS)


def restored_in(lines: Iterable[bytes]) -> Restored:
    """Sum up what a worker's log says about the partitions that it restored."""
    changes, seconds = 0, 0.0
    for line in lines:
        if b'"state_restored"' in line:
            event = orjson.loads(line)
            changes += event["changes"]
            seconds = max(seconds, event["seconds"])
    return Restored(changes, seconds)


def middle(starts: list[Start]) -> Start:
    """The median of each figure, and the highest peak."""
    return Start(
        median(each.ready for each in starts),
        median(each.decided for each in starts),
        Restored(
            round(median(each.restored.changes for each in starts)), median(each.restored.seconds for each in starts)
        ),
        max(each.peak_mib for each in starts),
    )


def folder_bytes(folder: Path, pattern: str) -> int:
    """How large the files below a folder are that match a pattern."""
    return sum(path.stat().st_size for path in folder.glob(pattern) if path.is_file())
