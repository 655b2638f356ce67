"""A program that runs as a process: started in its own session, recorded in a run folder, ended by that record.

A pid alone is not enough: it may belong to another program by now. So a record contains the process's identity, and a
process with another identity is never signalled.
"""

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Self

from streams.embedded.identity import identity
from streams.embedded.run_folder import RunFolder, Started
from streams.errors import UserError
from streams.runtime import interrupts

# A larger log is renamed to `.1` at the next start.
LOG_BYTES = 16 * 2**20
# How often a starting program is asked whether it is ready; a round of refused connections costs under 1 ms. Without
# pidfd (outside Linux), this is also how often an exit is checked for.
POLL_SECONDS = 0.05
# How long a program may take to end on request: the broker flushes its logs, a worker finishes its chunk.
GRACE_SECONDS = 30.0
# A SIGKILL takes effect as soon as the process leaves the kernel; a disk that hangs can keep it there.
KILL_SECONDS = 30.0

# Children of this process by pid and identity, so their exit is collected, leaves no zombie and can be read later.
_children: dict[tuple[int, str], subprocess.Popen[bytes]] = {}


class Program:
    """A program, by its name in a run folder: the process that this object started, or else the recorded one.

    Without `argv` it can be inspected and ended, but not started.
    """

    def __init__(
        self, name: str, folder: RunFolder, argv: Sequence[str] = (), environment: Mapping[str, str] | None = None
    ) -> None:
        self.name, self.folder, self.argv, self.environment = name, folder, argv, environment or {}
        self.log = folder.log(name)
        self._started: Started | None = None
        self._log_start = 0

    def start(self) -> Self:
        """Start it with its output appended to its log, and record it; don't wait until it is ready.

        `environment` is added to this process's own. The caller makes sure that it does not run yet. Raises OSError
        if the program can't be executed.
        """
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        # A signal must not come between: nobody would know of the process.
        with interrupts.held(), self.log.open("ab") as output:
            self._log_start = output.tell()
            self._record(
                subprocess.Popen(
                    self.argv,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    env={**os.environ, **self.environment},
                )
            )
        return self

    def _record(self, child: "subprocess.Popen[bytes]") -> None:
        try:
            self._started = Started(
                name=self.name,
                pid=child.pid,
                # A process that has already ended has no identity; the record then matches nothing, as it should.
                identity=identity(child.pid) or "ended",
                argv=list(self.argv),
                since=time.time(),
            )
            _children[child.pid, self._started.identity] = child
            self.folder.write(self._started)
        except BaseException:
            child.kill()
            raise

    def started(self) -> Started | None:
        """Return the record of the process, running or not; None without one. Raises UserError if it is damaged."""
        return self._started or self.folder.read(self.name)

    def running(self) -> Started | None:
        """Return the record of the process if it runs; another process with its pid does not count."""
        started = self.started()
        return started if started and _is_running(started) else None

    @property
    def is_running(self) -> bool:
        """Return whether the process runs."""
        return self.running() is not None

    @property
    def pid(self) -> int | None:
        """Return its process id; None if it does not run."""
        started = self.running()
        return started.pid if started else None

    @property
    def exit_code(self) -> int | None:
        """Return how it ended (-9 for SIGKILL); None while it runs or if it was not a child of this process."""
        started = self.started()
        if started is None or _is_running(started):
            return None
        child = _children.get((started.pid, started.identity))
        return child.wait() if child else None

    def output(self) -> str:
        """Return the output since this object started it."""
        return self.log.read_bytes()[self._log_start :].decode()

    def clean_stale(self) -> str | None:
        """Remove the record if its process is gone; return the sentence that says so, None if it was not stale."""
        started = self.folder.read(self.name)
        if started is None or _is_running(started):
            return None
        self.folder.record(self.name).unlink(missing_ok=True)
        why = "is another program's by now" if identity(started.pid) else "is gone"
        return f"{self.name}: removed a stale record, its process {started.pid} {why}"

    def ended(self, seconds: float) -> bool:
        """Wait up to `seconds` for the process to end; return whether it has."""
        started = self.running()
        return started is None or _wait(started, seconds)

    def stays(self, seconds: float) -> None:
        """Watch the process for `seconds`. Raises UserError that names its log if it has ended or ends meanwhile."""
        if self.ended(seconds):
            raise UserError(f"{self.name} ended by itself; its log is {self.log}.")

    def has_become(self, ready: Callable[[], bool], begun: float, patience: float) -> bool:
        """Return whether a started program is ready; if it is not, return after a moment.

        Raises UserError that names its log if the process has ended (its record is removed then), or if
        time.monotonic() is more than `patience` after `begun`.
        """
        if ready():
            return True
        interrupts.check()
        if self.ended(POLL_SECONDS):
            # Remove the record now, so nobody reports it as stale later: the error below already reports the end.
            self.folder.record(self.name).unlink(missing_ok=True)
            raise UserError(f"{self.name} ended while it was starting; its log is {self.log}.")
        if time.monotonic() - begun > patience:
            raise UserError(f"{self.name} was not ready after {patience:.0f} s; its log is {self.log}.")
        return False

    def wait_until(self, ready: Callable[[], bool], patience: float) -> None:
        """Return once a started program is ready. Raises UserError as `has_become` does."""
        begun = time.monotonic()
        while not self.has_become(ready, begun, patience):
            pass

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process, if it runs."""
        if started := self.running():
            # It may end by itself after the check.
            with suppress(ProcessLookupError):
                os.kill(started.pid, number)

    def kill(self) -> None:
        """End the process and everything it started, if it runs, as `kill -9` does; return once it is gone.

        The record stays. Raises UserError if even that does not end it.
        """
        if started := self.running():
            with suppress(ProcessLookupError):
                os.killpg(started.pid, signal.SIGKILL)
            if not self.ended(KILL_SECONDS):
                raise UserError(f"{self.name} (process {started.pid}) does not end, not even when killed.")

    def stop(self, grace: float = GRACE_SECONDS) -> int | None:
        """Ask the process to end, kill it if it has not after `grace` seconds, remove its record; return `exit_code`.

        Raises UserError if it can't be ended; the record then stays.
        """
        self.send(signal.SIGTERM)
        if not self.ended(grace):
            self.kill()
        code = self.exit_code
        self.folder.record(self.name).unlink(missing_ok=True)
        return code


def _is_running(started: Started) -> bool:
    child = _children.get((started.pid, started.identity))
    if child is not None:
        child.poll()
    return identity(started.pid) == started.identity


def _wait(started: Started, seconds: float) -> bool:
    if hasattr(os, "pidfd_open"):
        try:
            handle = os.pidfd_open(started.pid)
        except ProcessLookupError:
            return True
        try:
            # The pid may have been reused before it was opened.
            if not _is_running(started):
                return True
            exited = select.poll()
            exited.register(handle, select.POLLIN)
            exited.poll(seconds * 1000)
        finally:
            os.close(handle)
        return not _is_running(started)
    deadline = time.monotonic() + seconds
    while _is_running(started):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True
