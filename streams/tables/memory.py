"""The store that lives and dies with its process: for tests, and for machines without a disk worth using."""

from collections.abc import Iterable, Iterator

from streams.tables.store import Change


class MemoryStore:
    """A dict. State is recovered from the changelog at every start."""

    def __init__(self) -> None:
        self._data: dict[bytes, bytes] = {}

    def get(self, key: bytes) -> bytes | None:
        return self._data.get(key)

    def write(self, changes: Iterable[Change]) -> None:
        for key, value in changes:
            if value is None:
                self._data.pop(key, None)
            else:
                self._data[key] = value

    def keys(self, start: bytes, stop: bytes) -> Iterator[bytes]:
        return iter(sorted(key for key in self._data if start <= key < stop))

    def clear(self) -> None:
        self._data.clear()

    def close(self) -> None:
        self._data = {}
