"""What each program of the stack uses, sampled while it runs."""

import os
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.lib.measure import MIB, used_by
from bench.lib.tree import Usage, usage
from streams.embedded.components import PIPELINE
from streams.settings import Settings

SAMPLE_SECONDS = 1.0
BENCH = "the bench itself"


@dataclass(frozen=True, slots=True)
class Reading:
    """What each program had used at a time (ms since the epoch)."""

    at: float
    used: dict[str, Usage]


class Machine:
    """Reads the programs' usage once a second, in a thread, until `close`."""

    def __init__(self, settings: Settings, programs: Sequence[str] = PIPELINE) -> None:
        self.readings: list[Reading] = []
        self._settings, self._programs = settings, programs
        self._stopped = threading.Event()
        self.read()
        self._thread = threading.Thread(target=self._run, name="machine", daemon=True)
        self._thread.start()

    def read(self) -> Reading:
        """Read now."""
        used = {name: used_by(name, self._settings) for name in self._programs}
        reading = Reading(time.time() * 1000, {**used, BENCH: rest(usage(os.getpid()), used.values())})
        self.readings.append(reading)
        return reading

    def close(self) -> None:
        """Stop reading."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(SAMPLE_SECONDS):
            self.read()


def rest(tree: Usage, programs: Iterable[Usage]) -> Usage:
    """Return what the bench itself uses: its process tree without the programs, all of which it has started."""
    for each in programs:
        tree = Usage(tree.cpu_seconds - each.cpu_seconds, tree.resident_bytes - each.resident_bytes)
    return tree


def cores(readings: Sequence[Reading], since: float, until: float) -> dict[str, float]:
    """Return the cores that each program used on average between two times (ms). Empty with less than two readings."""
    inside = [each for each in readings if since <= each.at <= until]
    if len(inside) < 2:
        return {}
    first, last = inside[0], inside[-1]
    seconds = (last.at - first.at) / 1000
    return {name: (last.used[name].cpu_seconds - used.cpu_seconds) / seconds for name, used in first.used.items()}


def peak_mib(readings: Sequence[Reading]) -> dict[str, float]:
    """Return each program's peak memory."""
    names = readings[0].used if readings else {}
    return {name: max(each.used[name].resident_bytes for each in readings) / MIB for name in names}
