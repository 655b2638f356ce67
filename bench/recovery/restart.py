"""One start of a worker: the time from the start of its process until it is ready, and until it decides something."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import orjson

from bench.lib import worker
from bench.lib.measure import MIB, total
from bench.lib.worker import COUNTER, START_SECONDS, Out
from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class Restored:
    """What the worker reports that it read from the changelogs: changes in all, and the slowest partition's time."""

    changes: int
    seconds: float

    @property
    def rate(self) -> float:
        """Changes a second; the partitions are read in parallel."""
        return self.changes / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, slots=True)
class Start:
    """One start; times in seconds since the process began."""

    ready: float
    decided: float
    restored: Restored
    peak_mib: float


def measure(settings: Settings, impressions: int, what: str, out: Out) -> Start:
    """Start the worker, wait until it has decided that many impressions of the topic, and kill it.

    Raises UserError if it ends by itself or takes too long.
    """
    times: dict[str, float] = {}
    peak = 0.0
    begun = time.monotonic()
    # At this level it reports what it restores.
    program = worker.program(settings.model_copy(update={"log_level": "INFO"})).start()

    def done() -> bool:
        nonlocal peak
        text = worker.exposition(settings)
        now = time.monotonic() - begun
        peak = max(peak, total(text, "process_resident_memory_bytes"))
        if worker.is_ready(text):
            times.setdefault("ready", now)
        if total(text, COUNTER):
            times.setdefault("decided", now)
        return len(times) == 2 and total(text, COUNTER) >= impressions

    try:
        worker.until(done, settings, (0,), START_SECONDS, f"it has decided ({what})", out)
    finally:
        program.kill()
    restored = restored_in(program.output().encode().splitlines())
    return Start(times["ready"], times["decided"], restored, peak / MIB)


def restored_in(lines: Iterable[bytes]) -> Restored:
    """Sum up what a worker's log reports about the partitions that it restored."""
    changes, seconds = 0, 0.0
    for line in lines:
        if b'"state_restored"' in line:
            event = orjson.loads(line)
            changes += event["changes"]
            seconds = max(seconds, event["seconds"])
    return Restored(changes, seconds)


def middle(starts: list[Start]) -> Start:
    """Return the median of each figure, and the highest peak."""
    return Start(
        median(each.ready for each in starts),
        median(each.decided for each in starts),
        Restored(
            round(median(each.restored.changes for each in starts)), median(each.restored.seconds for each in starts)
        ),
        max(each.peak_mib for each in starts),
    )


def folder_bytes(folder: Path, pattern: str) -> int:
    """Return the total size of the files below a folder that match a pattern."""
    return sum(path.stat().st_size for path in folder.glob(pattern) if path.is_file())
