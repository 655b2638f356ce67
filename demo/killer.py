"""Kill the worker with SIGKILL at random moments while the demo plays, and start it again each time."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from random import Random

from streams.embedded import stack
from streams.embedded.program import Program
from streams.embedded.run_folder import RunFolder
from streams.settings import Settings

WORKER = "worker-0"
# A kill comes at most this long after the worker was ready: just after its recovery, or well into its work.
LATEST_SECONDS = 3.0
# Roughly the time of a kill, the restart and the wait before the next kill: the play is stretched to fit them all.
CYCLE_SECONDS = 12.0


class Killer:
    """Kills in its own thread; `finish` returns once the last restart has succeeded."""

    def __init__(self, settings: Settings, kills: int, rng: Random, out: Callable[[str], None]) -> None:
        self._settings = settings
        self._out = out
        self._delays = [rng.uniform(0, LATEST_SECONDS) for _ in range(kills)]
        self._cancelled = threading.Event()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="killer")
        self._future: Future[int] | None = None

    def start(self) -> None:
        """Start the thread."""
        self._future = self._pool.submit(self._run)

    def finish(self) -> int:
        """Wait for the last kill and restart; return the number of kills. Raises the error of a kill or a restart."""
        return self._future.result() if self._future else 0

    def cancel(self) -> None:
        """Stop killing; return once a restart that is under way has ended."""
        self._cancelled.set()
        self._pool.shutdown(wait=True)

    def _run(self) -> int:
        for number, delay in enumerate(self._delays, 1):
            if self._cancelled.wait(delay):
                return number - 1
            worker, begun = Program(WORKER, RunFolder(self._settings.data_dir)), time.monotonic()
            if not worker.is_running:
                raise RuntimeError("the worker ended by itself")
            worker.kill()
            stack.up(self._settings, [WORKER], out=lambda _line: None)
            self._out(f"worker killed ({number} of {len(self._delays)}), back after {time.monotonic() - begun:.1f} s")
        return len(self._delays)
