"""Processes by pid: a browser is a tree of them, and dies as a whole or in parts."""

import os
import signal
from contextlib import suppress
from pathlib import Path

PROCESSES = Path("/proc")
_AFTER_NAME = ") "
# Fields of /proc/PID/stat after the name, from 0: the state, the parent, the CPU time of user and system.
_STATE, _PARENT, _USER, _SYSTEM = 0, 1, 11, 12


def descendants(pid: int) -> list[int]:
    """Return all processes that descend from this one, children before their own children."""
    children: dict[int, list[int]] = {}
    for folder in PROCESSES.glob("[0-9]*"):
        if fields := _fields(int(folder.name)):
            children.setdefault(int(fields[_PARENT]), []).append(int(folder.name))
    found, todo = list[int](), [pid]
    while todo:
        below = children.get(todo.pop(0), [])
        found += below
        todo += below
    return found


def command(pid: int) -> str:
    """Return a process's command line with spaces between; empty if it is gone. Browsers write their own into it."""
    try:
        return (PROCESSES / str(pid) / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ").strip()
    except OSError:
        return ""


def cpu_ticks(pid: int) -> int:
    """Return the CPU time that a process has used; 0 if it is gone."""
    fields = _fields(pid)
    return int(fields[_USER]) + int(fields[_SYSTEM]) if fields else 0


def is_alive(pid: int) -> bool:
    """Return whether a process runs; a zombie doesn't."""
    fields = _fields(pid)
    return bool(fields) and fields[_STATE] not in "ZX"


def kill(pids: list[int]) -> None:
    """SIGKILL processes; those that are gone don't matter."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _fields(pid: int) -> list[str]:
    try:
        text = (PROCESSES / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return []
    return text.rpartition(_AFTER_NAME)[2].split()
