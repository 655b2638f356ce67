"""Lines that our own code fails on: after three crashes on a line, the line is rejected and the partition continues.

Crashes are counted on this machine, outside the state: the state of a failed chunk is dropped.
"""

import os
from pathlib import Path

import orjson

ATTEMPTS = 3


class PoisonLog:
    """Counts crashes by topic id, partition, offset and line, in a file in the worker's data folder."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._counts: dict[str, int] = orjson.loads(path.read_bytes()) if path.exists() else {}

    def note(self, topic_id: str, partition: int, offset: int, line: int) -> int:
        """Count one crash; return how many there were. The file is replaced as a whole, so a crash can't damage it."""
        key = f"{topic_id}:{partition}:{offset}:{line}"
        self._counts[key] = count = self._counts.get(key, 0) + 1
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        fresh.write_bytes(orjson.dumps(self._counts))
        os.replace(fresh, self._path)
        return count

    def poisoned(self, topic_id: str, partition: int) -> frozenset[tuple[int, int]]:
        """Return (offset, line) of each line of the partition that has used up its attempts."""
        prefix = f"{topic_id}:{partition}:"
        spent = (key for key, count in self._counts.items() if key.startswith(prefix) and count >= ATTEMPTS)
        return frozenset(_place(key.removeprefix(prefix)) for key in spent)


def _place(text: str) -> tuple[int, int]:
    offset, line = text.split(":")
    return int(offset), int(line)
