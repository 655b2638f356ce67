"""What each process of a run uses, sampled while it lasts; one that is killed and started again stays one row."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

from bench.lib.tree import Usage, usages

# A look at all processes takes some ten milliseconds. What a killed one used after the last look is not counted.
SAMPLE_SECONDS = 2.0
MIB = 2**20

Pids = Mapping[str, Callable[[], int | None]]


@dataclass(frozen=True, slots=True)
class Used:
    """Cores on average, and the peak of resident memory."""

    cores: float
    peak_mib: float


class Total:
    """Adds up what the processes of one name have used, one after the other."""

    def __init__(self) -> None:
        self.seconds = self._base = self._last = 0.0
        self.peak_bytes = 0
        self._pid: int | None = None

    def add(self, pid: int | None, now: Usage) -> None:
        """Take a reading. The first one only says where counting begins, unless the process came later."""
        if pid is None or now.resident_bytes == 0:
            return
        if pid != self._pid:
            # Of a new process everything counts; of the first one, what comes after.
            self._base = self._last = now.cpu_seconds if self._pid is None else 0.0
            self._pid = pid
        self.seconds += now.cpu_seconds - self._last
        self._last = now.cpu_seconds
        self.peak_bytes = max(self.peak_bytes, now.resident_bytes)


class Machine:
    """Reads every two seconds, in a thread, while the context lasts."""

    def __init__(self, pids: Pids) -> None:
        self._pids, self._totals = pids, {name: Total() for name in pids}
        self._stopped = threading.Event()
        self._begun = self._ended = 0.0
        self._thread = threading.Thread(target=self._run, name="machine", daemon=True)

    def __enter__(self) -> Self:
        """Begin."""
        self._begun = time.monotonic()
        self._read()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._stopped.set()
        self._thread.join()
        self._read()
        self._ended = time.monotonic()

    def used(self) -> dict[str, Used]:
        """Return what each name has used; call it after the context."""
        seconds = max(self._ended - self._begun, 1e-9)
        return {name: Used(each.seconds / seconds, each.peak_bytes / MIB) for name, each in self._totals.items()}

    def _run(self) -> None:
        while not self._stopped.wait(SAMPLE_SECONDS):
            self._read()

    def _read(self) -> None:
        pids = {name: pid() for name, pid in self._pids.items()}
        for name, used in usages(pids).items():
            self._totals[name].add(pids[name], used)
