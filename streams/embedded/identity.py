"""An identity that distinguishes a process from a later one with the same pid."""

import subprocess
from pathlib import Path

PROC = Path("/proc")


def identity(pid: int) -> str | None:
    """Return a text that is unique to this process on this machine, for good; None if no process with this pid runs.

    A zombie does not run. On Linux the text is the boot's id and the process's start in clock ticks since that boot;
    elsewhere it is the start as `ps` prints it, to the second.
    """
    return _from_proc(pid) if PROC.joinpath("self", "stat").exists() else _from_ps(pid)


def _from_proc(pid: int) -> str | None:
    try:
        stat = PROC.joinpath(str(pid), "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # proc(5): the program's name, field 2, is in brackets and may contain anything; state is field 3, num_threads 20,
    # starttime 22.
    fields = stat.rpartition(")")[2].split()
    # When a program is killed, its first thread may end while others still exist and hold its ports.
    if fields[0] in "ZX" and int(fields[17]) <= 1:
        return None
    boot = PROC.joinpath("sys/kernel/random/boot_id").read_text().strip()
    return f"{boot}/{fields[19]}"


def _from_ps(pid: int) -> str | None:
    answer = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.split(maxsplit=1)
    return None if not answer or answer[0].startswith("Z") else answer[1].strip()
