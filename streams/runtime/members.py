"""The index of a worker, sink or collector: names its state folder, group member and metrics port.

Processes started by hand, or by an orchestrator that numbers them, are given their index. Copies of one container use
`auto`, which claims the lowest index whose lock in the data folder is free. The kernel releases a lock when its process
ends, however it ends, so the next process takes the same index and finds the state that belongs to it.

The copies must share the data folder through one kernel, like containers on one host that share a volume. On several
hosts, give the indexes explicitly.
"""

import fcntl
import os
from pathlib import Path
from typing import NamedTuple

from streams.errors import UserError
from streams.settings import Settings

AUTO = "auto"
# Port offsets for one index: the sink's port follows the worker's.
OFFSETS = {"worker": 0, "sink": 1}
COLLECTOR = "collector"
PORT_STEP = 10
# Far more than any partition count; further workers would have nothing to do.
MOST = 1_000


class Member(NamedTuple):
    """A worker, sink or collector: its index, and its metrics port."""

    number: int
    port: int


def member(settings: Settings, kind: str, index: str) -> Member:
    """Return which member this process is. `index` is a number or `auto`.

    A claimed index is held until the process ends. Its port is that of index 0, so every container has the same one.
    Raises UserError if the index is invalid, or the locks' folder can't be written.
    """
    if index == AUTO:
        return Member(claim(settings.data_dir / "claims", kind), port(settings, kind, 0))
    if not (index.isascii() and index.isdigit()):
        raise UserError(f"--index is wrong: {index!r} is neither a number nor {AUTO}.")
    return Member(int(index), port(settings, kind, int(index)))


def port(settings: Settings, kind: str, index: int) -> int:
    """Return a member's metrics port; a collector's is also that of everything else that it serves."""
    if kind == COLLECTOR:
        return settings.collector_port + index
    return settings.metrics_port + PORT_STEP * index + OFFSETS[kind]


def claim(folder: Path, kind: str) -> int:
    """Claim the lowest free index of a kind until the process ends. Raises UserError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        found = next((number for number in range(MOST) if _lock(folder / f"{kind}-{number}")), None)
    except OSError as error:
        raise UserError(f"No number can be claimed in {folder} ({error.strerror}): give one with --index.") from None
    if found is None:
        raise UserError(f"The numbers below {MOST} are all claimed in {folder}: give another with --index.")
    return found


def _lock(path: Path) -> bool:
    """Lock a file unless another process has. The descriptor stays open, and the lock held, until the process ends."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return False
    return True
