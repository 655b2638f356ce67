"""The mark: a small file that says what a partition is deciding, for the process that comes after a death.

It is written in place, without fsync: the page cache survives the process, and after a power cut the worst that a wrong
mark can do is that a chunk is decided line by line, or that a line has one failure more or less.
"""

import os
from enum import Enum
from pathlib import Path
from struct import Struct, error
from typing import NamedTuple

from streams.core.pieces import Place

# Topic id (padded with zeroes), what is being decided, its place, and the place up to which to go on line by line.
_FORM = Struct(">40sBqqqq")


class Deciding(Enum):
    """What is being decided."""

    NOTHING = 0
    CHUNK = 1
    LINE = 2


class Found(NamedTuple):
    """What was being decided when the process died."""

    topic_id: str
    deciding: Deciding
    place: Place
    until: Place


class Mark:
    """The mark of one partition. A process that holds the partition is its only writer."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def read(self) -> Found | None:
        """Return what the last writer was deciding; None if it had finished, or the file is damaged."""
        try:
            topic_id, deciding, *places = _FORM.unpack(self._path.read_bytes())
            found = Found(
                topic_id.rstrip(b"\0").decode(), Deciding(deciding), (places[0], places[1]), (places[2], places[3])
            )
        except (FileNotFoundError, error, ValueError):
            return None
        return None if found.deciding is Deciding.NOTHING else found

    def set(self, topic_id: str, deciding: Deciding, place: Place, until: Place) -> None:
        """Note what is decided next."""
        self._put(_FORM.pack(topic_id.encode(), deciding.value, *place, *until))

    def clear(self) -> None:
        """Note that it is decided."""
        self._put(bytes(_FORM.size))

    def close(self) -> None:
        """Release the file; it stays."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _put(self, content: bytes) -> None:
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o644)
        os.pwrite(self._file, content, 0)
