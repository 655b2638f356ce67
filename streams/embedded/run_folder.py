"""The folder of one installation on this machine: its processes' records, logs and data."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from streams.errors import UserError


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
    """It ended because of something that a person must fix first: it is not restarted automatically."""


class RunFolder:
    """The folder that `settings.data_dir` names. Its contents are created only when needed."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()

    @property
    def kafka(self) -> Path:
        """The folder of the embedded broker: jars, configuration, data."""
        return self.path / "kafka"

    def log(self, name: str) -> Path:
        """Return where the output of a process goes."""
        return self.path / "log" / f"{name}.log"

    def record(self, name: str) -> Path:
        """Return where the record of a process is kept."""
        return self.path / "run" / f"{name}.json"

    def recorded(self) -> list[str]:
        """Return the names of all recorded processes, running or not."""
        return sorted(path.stem for path in self.record("any").parent.glob("*.json"))

    def read(self, name: str) -> Started | None:
        """Return the record of a process, running or not; None without one. Raises UserError if it is damaged."""
        path = self.record(name)
        try:
            return Started.model_validate_json(path.read_text())
        except FileNotFoundError:
            return None
        except ValidationError:
            raise UserError(f"{path} is not the record of a process: remove it.") from None

    def write(self, started: Started) -> None:
        """Write a record (mode 0600). Readers see the old or the new one, never a part."""
        path = self.record(started.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        fresh.touch(mode=0o600)
        fresh.write_text(started.model_dump_json(indent=1) + "\n")
        fresh.replace(path)

    @contextmanager
    def lock(self, name: str = "run/lock", wait: bool = True) -> Iterator[bool]:
        """Let one process at a time into the body; others wait. By default: `up`, `down` and the supervisor.

        Yield whether the lock is held: without `wait`, it is not if another process holds it.
        """
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
            else:
                yield True
