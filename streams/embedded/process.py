"""Processes of the background stack: started detached, recorded in the run folder, stopped by that record alone.

A pid says little: it may be another program's by now. A record therefore carries the process's identity, and
nothing is signalled whose identity differs.
"""

import os
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from streams.embedded.identity import identity
from streams.errors import UserError
from streams.settings import Settings

# A log that has grown past this is set aside as `.1` at the next start.
LOG_BYTES = 16 * 2**20
# Without pidfd (outside Linux) an exit is noticed by asking this often.
POLL_SECONDS = 0.05
# A SIGKILL takes effect as soon as the process leaves the kernel; a disk that hangs can keep it there.
KILL_SECONDS = 10.0

# Children of this process, so that their exit is collected and leaves no zombie behind.
_children: dict[int, subprocess.Popen[bytes]] = {}
# How those ended.
_codes: dict[int, int] = {}


class Started(BaseModel):
    """The record of a started process."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    pid: int
    identity: str
    argv: list[str]
    since: float
    """Seconds since the epoch."""
    refused: bool = False
    """It ended because of something that a person has to mend first: nobody starts it again by itself."""


def run_file(name: str, settings: Settings) -> Path:
    """Return where the record of a process is kept."""
    return settings.data_dir.resolve() / "run" / f"{name}.json"


def log_file(name: str, settings: Settings) -> Path:
    """Return where the output of a process goes."""
    return settings.data_dir.resolve() / "log" / f"{name}.log"


def start(name: str, argv: Sequence[str], settings: Settings, env: Mapping[str, str] | None = None) -> Started:
    """Start a process in a session of its own, its output appended to its log, and record it (mode 0600).

    The caller has made sure that none of that name runs. Raises OSError when the program can't be executed.
    """
    log = log_file(name, settings)
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))
    with log.open("ab") as output:
        child = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, **(env or {})},
        )
    _children[child.pid] = child
    _codes.pop(child.pid, None)
    try:
        # A process that ended at once has no identity any more; the record then matches nothing, as it should.
        started = Started(
            name=name,
            pid=child.pid,
            identity=identity(child.pid) or "ended",
            argv=list(argv),
            since=time.time(),
        )
        write(run_file(name, settings), started)
    except BaseException:
        child.kill()
        raise
    return started


def write(path: Path, started: Started) -> None:
    """Write a record so that readers see the old one or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(started.model_dump_json(indent=1) + "\n")
    fresh.replace(path)


def read(name: str, settings: Settings) -> Started | None:
    """Return the record of a process, running or not; None when there is none. Raises UserError for a damaged one."""
    path = run_file(name, settings)
    try:
        return Started.model_validate_json(path.read_text())
    except FileNotFoundError:
        return None
    except ValidationError:
        raise UserError(f"{path} is not the record of a process: remove it.") from None


def recorded(settings: Settings) -> list[str]:
    """Return the names of all processes that have a record, running or not."""
    return sorted(path.stem for path in run_file("any", settings).parent.glob("*.json"))


def is_running(started: Started) -> bool:
    """Say whether the recorded process itself, not another with its pid, is there."""
    child = _children.get(started.pid)
    if child is not None and (code := child.poll()) is not None:
        _codes[started.pid] = code
        del _children[started.pid]
    return identity(started.pid) == started.identity


def exit_code(started: Started) -> int | None:
    """Return how the process ended; None while it runs, and when it was no child of this process."""
    return None if is_running(started) else _codes.get(started.pid)


def running(name: str, settings: Settings) -> Started | None:
    """Return the record of a process if that process is there."""
    started = read(name, settings)
    return started if started and is_running(started) else None


def alive(name: str, settings: Settings) -> bool:
    """Say whether the process of that name is there."""
    return running(name, settings) is not None


def clean_stale(name: str, settings: Settings) -> str | None:
    """Remove a record whose process is gone; return the sentence that says so, None when nothing was stale."""
    started = read(name, settings)
    if started is None or is_running(started):
        return None
    run_file(name, settings).unlink(missing_ok=True)
    why = "is another program's by now" if identity(started.pid) else "is gone"
    return f"{name}: removed a stale record, its process {started.pid} {why}"


def wait_exit(name: str, settings: Settings, seconds: float) -> bool:
    """Wait until the process has ended, at most so long; say whether it has."""
    started = running(name, settings)
    return started is None or _wait(started, seconds)


def stop(name: str, settings: Settings, grace: float) -> bool:
    """End the recorded process and remove its record; return whether there was one to end.

    SIGTERM first; SIGKILL to its whole session when it has not ended after `grace` seconds. Raises UserError when
    even that does not end it: the record then stays.
    """
    started = running(name, settings)
    if started:
        _signal(started, signal.SIGTERM)
        if not _wait(started, grace):
            os.killpg(started.pid, signal.SIGKILL)
            if not _wait(started, KILL_SECONDS):
                raise UserError(f"{name} (process {started.pid}) does not end, not even when killed.")
    run_file(name, settings).unlink(missing_ok=True)
    return started is not None


def _signal(started: Started, number: signal.Signals) -> None:
    try:
        os.kill(started.pid, number)
    except ProcessLookupError:
        # It ended by itself since it was looked at, which is what was wanted.
        return


def _wait(started: Started, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    if hasattr(os, "pidfd_open"):
        try:
            handle = os.pidfd_open(started.pid)
        except ProcessLookupError:
            return True
        try:
            # The pid may have been given away before it was opened.
            if not is_running(started):
                return True
            exited = select.poll()
            exited.register(handle, select.POLLIN)
            exited.poll(seconds * 1000)
        finally:
            os.close(handle)
        return not is_running(started)
    while is_running(started):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True
