"""CPU time and memory of a process and everything that it started, as Linux counts them: the same for every system."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from streams.embedded.identity import PROC
from streams.errors import UserError

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
KIB = 1024
# Fields of /proc/PID/stat (proc(5)), counted after the program's name: parent, CPU times, pages of memory.
PARENT = 1
CPU_TIMES = slice(11, 15)  # utime, stime, and the same of children that have ended and were waited for
RESIDENT = 21


class Usage(NamedTuple):
    """What a process tree has used since its start."""

    cpu_seconds: float
    resident_bytes: int
    """Current resident memory."""
    peak_bytes: int = 0
    """The sum of each living process's own peak of resident memory (VmHWM)."""


def usage(root: int | None, proc: Path = PROC) -> Usage:
    """Return what a process and its descendants have used; nothing if it has ended or is None.

    What an ended descendant used is counted with the process that waited for it. Raises UserError without /proc,
    which only Linux has.
    """
    return usages({"": root}, proc)[""]


def usages(roots: Mapping[str, int | None], proc: Path = PROC) -> dict[str, Usage]:
    """Return the usage of several, by name, from one reading of all processes. Raises as `usage` does."""
    if not proc.is_dir():
        raise UserError(f"{proc}: CPU time and memory are measured on Linux only")
    stats = dict(_stats(proc))
    return {name: _usage(root, stats, proc) for name, root in roots.items()}


def _usage(root: int | None, stats: Mapping[int, list[str]], proc: Path) -> Usage:
    members = [root] if root is not None and root in stats else []
    for parent in members:  # grows during the loop
        members += [pid for pid, fields in stats.items() if int(fields[PARENT]) == parent]
    ticks = sum(int(value) for pid in members for value in stats[pid][CPU_TIMES])
    pages = sum(int(stats[pid][RESIDENT]) for pid in members)
    return Usage(ticks / TICKS_A_SECOND, pages * PAGE_BYTES, sum(_peak(proc / str(pid) / "status") for pid in members))


def _stats(proc: Path) -> Iterator[tuple[int, list[str]]]:
    for folder in proc.iterdir():
        if folder.name.isdecimal():
            try:
                text = (folder / "stat").read_text()
            except OSError:  # it has ended since it was listed
                continue
            # The name is in brackets and may hold anything, even brackets.
            yield int(folder.name), text.rpartition(")")[2].split()


def _peak(status: Path) -> int:
    try:
        lines = status.read_text().splitlines()
    except OSError:
        return 0
    # A process that has ended but was not yet waited for has no memory.
    return next((int(line.split()[1]) * KIB for line in lines if line.startswith("VmHWM:")), 0)
