"""A program that runs as a process: started in a session of its own, recorded in a run folder, ended by that record.

A pid says little: it may be another program's by now. A record therefore carries the process's identity, and
nothing is signalled whose identity differs.
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

# A log that has grown past this is set aside as `.1` at the next start.
LOG_BYTES = 16 * 2**20
# How often what starts is asked whether it is ready; a round of refused connections costs under 1 ms. Without pidfd
# (outside Linux) an exit is noticed by asking this often, too.
POLL_SECONDS = 0.05
# How long a program may take to end by itself. The broker flushes its logs; a worker finishes its chunk.
GRACE_SECONDS = 30.0
# A SIGKILL takes effect as soon as the process leaves the kernel; a disk that hangs can keep it there.
KILL_SECONDS = 30.0

# Children of this process, by pid and identity: so that their exit is collected, leaves no zombie and is known later.
_children: dict[tuple[int, str], subprocess.Popen[bytes]] = {}


class Program:
    """A program by its name in a run folder: the process that this object started, or else the recorded one.

    Without `argv` it can be looked at and ended, not started.
    """

    def __init__(
        self, name: str, folder: RunFolder, argv: Sequence[str] = (), environment: Mapping[str, str] | None = None
    ) -> None:
        self.name, self.folder, self.argv, self.environment = name, folder, argv, environment or {}
        self.log = folder.log(name)
        self._started: Started | None = None
        self._log_start = 0

    def start(self) -> Self:
        """Start it, its output appended to its log, and record it; don't wait.

        `environment` is added to this process's own. The caller has made sure that it does not run. Raises OSError
        when the program can't be executed.
        """
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as output:
            self._log_start = output.tell()
            child = subprocess.Popen(
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, **self.environment},
            )
        try:
            self._started = Started(
                name=self.name,
                pid=child.pid,
                # What ended at once has no identity any more; the record then matches nothing, as it should.
                identity=identity(child.pid) or "ended",
                argv=list(self.argv),
                since=time.time(),
            )
            _children[child.pid, self._started.identity] = child
            self.folder.write(self._started)
        except BaseException:
            child.kill()
            raise
        return self

    def started(self) -> Started | None:
        """Return the record of the process, running or not; None when there is none. Raises UserError for a damaged
        one."""
        return self._started or self.folder.read(self.name)

    def running(self) -> Started | None:
        """Return the record of the process if that process itself, not another with its pid, is there."""
        started = self.started()
        return started if started and _is_running(started) else None

    @property
    def is_running(self) -> bool:
        """Is the process there?"""
        return self.running() is not None

    @property
    def pid(self) -> int | None:
        """Its process id; None when it does not run."""
        started = self.running()
        return started.pid if started else None

    @property
    def exit_code(self) -> int | None:
        """How it ended (-9 for SIGKILL); None while it runs, and when it was no child of this process."""
        started = self.started()
        if started is None or _is_running(started):
            return None
        child = _children.get((started.pid, started.identity))
        return child.wait() if child else None

    def output(self) -> str:
        """Return what it has printed since this object started it."""
        return self.log.read_bytes()[self._log_start :].decode()

    def clean_stale(self) -> str | None:
        """Remove a record whose process is gone; return the sentence that says so, None when nothing was stale."""
        started = self.folder.read(self.name)
        if started is None or _is_running(started):
            return None
        self.folder.record(self.name).unlink(missing_ok=True)
        why = "is another program's by now" if identity(started.pid) else "is gone"
        return f"{self.name}: removed a stale record, its process {started.pid} {why}"

    def ended(self, seconds: float) -> bool:
        """Wait until the process has ended, at most so long; say whether it has."""
        started = self.running()
        return started is None or _wait(started, seconds)

    def stays(self, seconds: float) -> None:
        """Look on for so long. Raises UserError that names its log when the process has ended, or does so meanwhile."""
        if self.ended(seconds):
            raise UserError(f"{self.name} ended by itself; its log is {self.log}.")

    def has_become(self, ready: Callable[[], bool], begun: float, patience: float) -> bool:
        """Ask whether a started program is ready; when it is not, return a moment later.

        Raises UserError that names its log when its process has ended, whose record is removed then, or when
        time.monotonic() is more than `patience` past `begun`.
        """
        if ready():
            return True
        if self.ended(POLL_SECONDS):
            # Its record goes now, so that nobody calls it stale later: this is the sentence about it.
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
            # It may end by itself after it was looked at.
            with suppress(ProcessLookupError):
                os.kill(started.pid, number)

    def kill(self) -> None:
        """End the process and all that it started as `kill -9` does, if it runs; return once it is gone.

        The record stays. Raises UserError when even that does not end it.
        """
        if started := self.running():
            with suppress(ProcessLookupError):
                os.killpg(started.pid, signal.SIGKILL)
            if not self.ended(KILL_SECONDS):
                raise UserError(f"{self.name} (process {started.pid}) does not end, not even when killed.")

    def stop(self, grace: float = GRACE_SECONDS) -> int | None:
        """Ask the process to end, kill it when it has not after `grace` seconds, remove its record; return `exit_code`.

        Raises UserError when it can't be ended: the record then stays.
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
            # The pid may have been given away before it was opened.
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
