"""The supervisor of the background stack: restarts what is recorded but gone, until `down` removes the record.

It does not interfere with `up` and `down`: each restart happens under their lock, after the record was read again under
it; while another process holds the lock, the supervisor waits.
"""

import queue
import signal
import time
from types import FrameType

from streams.embedded.components import component
from streams.embedded.priority import give_way
from streams.embedded.program import Program
from streams.embedded.run_folder import RunFolder, Started
from streams.embedded.stack import SUPERVISOR
from streams.errors import UserError
from streams.runtime import log
from streams.runtime.exit import EXIT_CONFIG
from streams.settings import Settings

logger = log.get(__name__)

# How late a death may be noticed; a check reads a small file and a line of /proc for each component.
LOOK_SECONDS = 0.5
# A program that keeps ending at once is restarted less and less often; most are back after the first wait.
FIRST_SECONDS = 1.0
LONGEST_SECONDS = 30.0
# What has run for this long did not end for the same reason as the last time.
STEADY_SECONDS = 60.0


class Restarts:
    """When one process may be restarted. Times are from a monotonic clock (s) and passed in."""

    def __init__(self) -> None:
        self._wait = FIRST_SECONDS
        self._due: float | None = None
        self._pid = 0

    def due(self, now: float, pid: int, lived: float) -> bool:
        """Return whether to restart it now; `pid` is that of the gone process, `lived` how long ago it was started.

        The first call after it is gone begins the wait.
        """
        if self._due is None:
            # The pid is the same if its successor could not even be started.
            if lived >= STEADY_SECONDS and pid != self._pid:
                self._wait = FIRST_SECONDS
            self._pid = pid
            self._due = now + self._wait
            self._wait = min(LONGEST_SECONDS, 2 * self._wait)
        return now >= self._due

    def tried(self) -> None:
        """Note an attempt to start it: the next time it is gone, a new wait begins."""
        self._due = None


class Supervisor:
    """Watches the records of one data folder."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._folder = settings, RunFolder(settings.data_dir)
        self._restarts: dict[str, Restarts] = {}
        # A signal handler may safely put to this; an Event's set is not safe there.
        self._stop: queue.SimpleQueue[int] = queue.SimpleQueue()

    def stop(self, number: int, _frame: FrameType | None) -> None:
        """Handle SIGTERM: end, and leave the others running."""
        self._stop.put(number)

    def run(self) -> None:
        """Watch until `stop`."""
        while True:
            try:
                self._stop.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                self.look(time.monotonic())
            else:
                return

    def look(self, now: float) -> None:
        """Restart what is gone and due."""
        names = [name for name in self._folder.recorded() if name != SUPERVISOR]
        self._restarts = {name: self._restarts.get(name) or Restarts() for name in names}
        for name, restarts in self._restarts.items():
            gone = self._gone(name)
            if gone and restarts.due(now, gone.pid, time.time() - gone.since):
                with self._folder.lock(wait=False) as held:
                    if held:
                        self._start(name, restarts)

    def _gone(self, name: str) -> Started | None:
        """Return the record of a process that is gone and did not refuse to go on."""
        program = Program(name, self._folder)
        try:
            started = program.started()
        except UserError as error:
            logger.error("record_unreadable", name=name, why=str(error))
            return None
        return None if started is None or started.refused or program.is_running else started

    def _start(self, name: str, restarts: Restarts) -> None:
        # Read the record again under the lock: since the check, `up` may have started it or `down` removed it.
        gone = self._gone(name)
        if gone is None:
            return
        restarts.tried()
        code = Program(name, self._folder).exit_code
        if code == EXIT_CONFIG:
            self._folder.write(gone.model_copy(update={"refused": True}))
            logger.error("refused", name=name, pid=gone.pid, log=str(self._folder.log(name)))
            return
        try:
            found = component(name, self._settings)
            found.prepare(lambda line: logger.info("preparing", name=name, line=line))
            pid = found.program.start().pid
        except (UserError, OSError) as error:
            logger.error("restart_failed", name=name, why=str(error))
        else:
            logger.warning("restarted", name=name, was=gone.pid, code=code, pid=pid)
            give_way(self._folder)


def main(settings: Settings) -> None:
    """Supervise until SIGTERM or SIGINT, then return; the supervised processes keep running."""
    supervisor = Supervisor(settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, supervisor.stop)
    logger.info("supervising", folder=str(settings.data_dir))
    supervisor.run()
    logger.info("supervising_no_more")
