"""A store in memory, lost when its process ends: for tests, and for machines without a usable disk."""

from collections.abc import Iterable, Iterator

from streams.state.store import Change


class MemoryStore:
    """A dict. The state is recovered from the changelogs at every start."""

    def __init__(self) -> None:
        self._data: dict[bytes, bytes] = {}
        self._bytes = 0

    def get(self, key: bytes) -> bytes | None:
        return self._data.get(key)

    def write(self, changes: Iterable[Change]) -> None:
        for key, value in changes:
            old = self._data.pop(key, None)
            if old is not None:
                self._bytes -= len(key) + len(old)
            if value is not None:
                self._data[key] = value
                self._bytes += len(key) + len(value)

    def keys(self, start: bytes, stop: bytes) -> Iterator[bytes]:
        return iter(sorted(key for key in self._data if start <= key < stop))

    def size(self) -> int:
        return self._bytes

    def clear(self) -> None:
        self._data.clear()
        self._bytes = 0

    def close(self) -> None:
        self.clear()
