"""Which worker or sink a process is: the number that names its state, its membership and its port.

Where processes are started by hand, or by an orchestrator that counts them, the number is given. Where they are copies
of one container, `auto` claims one: the lowest whose lock in the data folder nobody holds. The kernel gives a lock back
when its process ends, however it ends, so that the next one takes the same number and finds the state that belongs to
it.

The copies must share the data folder through one kernel, as containers of one host do through a volume. On several
hosts give numbers.
"""

import fcntl
import os
from pathlib import Path
from typing import NamedTuple

from streams.errors import UserError
from streams.settings import Settings

AUTO = "auto"
# Ports of the members of one number: the worker's, and the sink's beside it.
OFFSETS = {"worker": 0, "sink": 1}
PORT_STEP = 10
# Far above any partition count; a worker more than that has nothing to do.
MOST = 1_000


class Member(NamedTuple):
    """A worker or sink: its number, and the port of its metrics."""

    number: int
    port: int


def member(settings: Settings, kind: str, index: str) -> Member:
    """Return who this process is. `index` is a number, or `auto`.

    A claimed number is kept until the process ends. Its port is that of number 0: what is asked for in each container.
    Raises UserError for an index that is none, and when the lock's folder can't be written.
    """
    if index == AUTO:
        return Member(claim(settings.data_dir / "claims", kind), port(settings, kind, 0))
    if not (index.isascii() and index.isdigit()):
        raise UserError(f"--index is wrong: {index!r} is neither a number nor {AUTO}.")
    return Member(int(index), port(settings, kind, int(index)))


def port(settings: Settings, kind: str, index: int) -> int:
    """Return the port of a member's metrics."""
    return settings.metrics_port + PORT_STEP * index + OFFSETS[kind]


def claim(folder: Path, kind: str) -> int:
    """Take the lowest free number of a kind, until the process ends. Raises UserError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        found = next((number for number in range(MOST) if _lock(folder / f"{kind}-{number}")), None)
    except OSError as error:
        raise UserError(f"No number can be claimed in {folder} ({error.strerror}): give one with --index.") from None
    if found is None:
        raise UserError(f"The numbers below {MOST} are all claimed in {folder}: give another with --index.")
    return found


def _lock(path: Path) -> bool:
    """Lock a file if nobody has; the descriptor stays open, and with it the lock, until the process ends."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return False
    return True
