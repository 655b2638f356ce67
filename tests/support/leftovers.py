"""Kills what a test process leaves running when it ends, even if it was interrupted, timed out or was killed.

Fixtures end what they start, but a killed process runs no fixtures. Every process that it starts, directly or not,
inherits a mark in its environment. A watcher process waits for the test process to end and then kills every process
with the mark.
"""

import os
import select
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROCESSES = Path("/proc")
MARK = "STARTED_BY_TESTS"


def watch() -> None:
    """Mark every process started from now on, and start the watcher in a session of its own."""
    unmarked = {name: value for name, value in os.environ.items() if name != MARK}
    mark = os.environ[MARK] = f"{os.getpid()}-{os.urandom(4).hex()}"
    subprocess.Popen(
        [sys.executable, "-m", __name__, str(os.getpid()), mark],
        cwd=ROOT,
        env=unmarked,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def marked(mark: str) -> list[int]:
    """The processes that carry the mark. Other users' processes can't carry it."""
    return carrying(f"{MARK}={mark}")


def carrying(setting: str) -> list[int]:
    """This user's processes that have the setting NAME=VALUE in their environment."""
    wanted, found = setting.encode(), list[int]()
    for folder in PROCESSES.glob("[0-9]*"):
        with suppress(OSError):
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found


def main(pid: int, mark: str) -> None:
    """Wait until the process has ended; kill what it started, and what those have started meanwhile."""
    with suppress(ProcessLookupError):
        handle = select.poll()
        handle.register(os.pidfd_open(pid), select.POLLIN)
        handle.poll()
    while left := marked(mark):
        for each in left:
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
