"""A store in memory, lost when its process ends: for tests, and for machines without a usable disk."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import cast

from sortedcontainers import SortedDict

from streams.state.store import Change

# Keys listed at a time: a listing goes on while keys are written.
LISTED = 256


class MemoryStore:
    """A sorted dict. The state is recovered from the changelogs at every start."""

    def __init__(self) -> None:
        self._data: SortedDict[bytes, bytes] = SortedDict()
        self._bytes = 0

    def get(self, key: bytes) -> bytes | None:
        return cast(bytes | None, self._data.get(key))

    def write(self, changes: Iterable[Change]) -> None:
        for key, value in changes:
            old = self._data.get(key)
            if old is not None:
                self._bytes -= len(key) + len(old)
            if value is not None:
                self._data[key] = value
                self._bytes += len(key) + len(value)
            elif old is not None:
                del self._data[key]

    def keys(self, start: bytes, stop: bytes) -> Iterator[bytes]:
        while listed := list(islice(self._data.irange(start, stop, inclusive=(True, False)), LISTED)):
            yield from listed
            start = listed[-1] + b"\x00"

    def items(self, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        for key in self.keys(start, stop):
            value = self._data.get(key)
            if value is not None:
                yield key, value

    def size(self) -> int:
        return self._bytes

    def clear(self) -> None:
        self._data.clear()
        self._bytes = 0

    def close(self) -> None:
        self.clear()
