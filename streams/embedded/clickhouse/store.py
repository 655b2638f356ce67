"""The data folder of the embedded ClickHouse: its lock, its version stamp, its parts.

```
<path>/server.lock   locked by the process that uses the folder, contains its pid
<path>/VERSION       version of the engine that created it
<path>/config/       the engine's configuration; rewritten at each start
<path>/engine/       chDB's own data
<path>/spool/        data of running inserts
```
"""

import fcntl
import os
from pathlib import Path
from typing import TextIO

from streams.errors import UserError


class Store:
    """A data folder that this process has open. Raises UserError if another has, or another engine created it."""

    def __init__(self, path: Path, engine_version: str) -> None:
        # chDB reads the first three as the start of its options, and the others as a pattern for file names.
        if set("?&=*{}") & set(str(path.resolve())):
            raise UserError(f"ClickHouse's data folder {path} has one of ? & = * {{ }} in its name; choose another.")
        self.config = path / "config"
        self.engine = path / "engine"
        self.spool = path / "spool"
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = _lock(path / "server.lock", path)
        try:
            _stamp(path / "VERSION", path, engine_version)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Release the folder."""
        self._lock.close()


def _lock(file: Path, path: Path) -> TextIO:
    """Lock the folder for this process. The kernel releases it however the process ends."""
    lock = os.fdopen(os.open(file, os.O_RDWR | os.O_CREAT, 0o600), "r+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = lock.read().strip()
        lock.close()
        by = f"process {owner}" if owner else "another process"
        raise UserError(f"ClickHouse's data folder {path} is in use by {by}; stop it first.") from None
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock


def _stamp(file: Path, path: Path, engine_version: str) -> None:
    """Write the engine's version into a new folder, or compare it with an old folder's, up to major.minor."""
    if not file.exists():
        file.write_text(engine_version + "\n")
        return
    made_by = file.read_text().strip()
    if made_by.split(".")[:2] != engine_version.split(".")[:2]:
        raise UserError(
            f"ClickHouse's data folder {path} was made by engine {made_by} and this is {engine_version};"
            " install the chdb-core of that version or choose another folder."
        )
    file.write_text(engine_version + "\n")
