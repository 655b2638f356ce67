"""What tells one process from a later one with the same pid."""

import subprocess
from pathlib import Path

PROC = Path("/proc")


def identity(pid: int) -> str | None:
    """Return a text that no other process on this machine has or will have; None when no such process runs.

    A zombie does not run. On Linux it is the boot's id and the start in clock ticks since that boot; elsewhere the
    start as `ps` prints it, to the second.
    """
    return _from_proc(pid) if PROC.joinpath("self", "stat").exists() else _from_ps(pid)


def _from_proc(pid: int) -> str | None:
    try:
        stat = PROC.joinpath(str(pid), "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # proc(5): the program's name, field 2, stands in brackets and may hold anything; state is 3, num_threads 20,
    # starttime 22.
    fields = stat.rpartition(")")[2].split()
    # Of a program that was killed the first thread may be gone while others still are on their way out, with its ports.
    if fields[0] in "ZX" and int(fields[17]) <= 1:
        return None
    boot = PROC.joinpath("sys/kernel/random/boot_id").read_text().strip()
    return f"{boot}/{fields[19]}"


def _from_ps(pid: int) -> str | None:
    answer = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.split(maxsplit=1)
    return None if not answer or answer[0].startswith("Z") else answer[1].strip()
