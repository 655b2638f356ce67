"""States as the worker uses them, on stores that count what they are asked."""

from collections.abc import Iterable, Iterator
from typing import Any

from sortedcontainers import SortedSet

from streams.core.catalogue import Catalogue
from streams.state.partition_state import Change, State, to_store
from streams.state.position import Position
from streams.state.store import Store
from tests.support.flushes import catalogue_of

W = 600_000
START = 1_732_431_600_000
HERE = Position("topic-1", 0, W, 4)
CATALOGUE = catalogue_of(**{name: {"pool_id": "p", "ordinal": ord(name)} for name in "opba0"})


def commit(state: State, next_offset: int, swept: int = 0) -> list[Change]:
    """Write the changes of a chunk, as the worker does; return them."""
    assert state.position is not None
    position = state.position.at(next_offset, swept=swept)
    changes = state.changes(position)
    state.store.write(to_store(changes))
    state.written(position)
    return changes


def reloaded(state: State, catalogue: Catalogue = CATALOGUE) -> State:
    """Return another state over the same store, as the next process has it."""
    again = State(state.store)
    again.load(catalogue)
    return again


def accept(state: State, user_id: str, start: int, **artworks: int) -> None:
    """Put accepted impressions into a bucket: by artwork, ms after the start of the window."""
    for artwork_id, offset in artworks.items():
        state.user(user_id).bucket(start).accept(artwork_id, offset)


def windows(state: State) -> list[bytes]:
    return list(state.store.keys(b"w", b"x"))


class Counting:
    """A store that counts its reads."""

    def __init__(self, store: Store) -> None:
        self._store, self.asked = store, 0

    def get(self, key: bytes) -> bytes | None:
        self.asked += 1
        return self._store.get(key)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class Walked:
    """A store that keeps deleted keys, as RocksDB does until a compaction, and counts the keys that listings pass."""

    def __init__(self, store: Store) -> None:
        self._store, self._keys, self.walked = store, SortedSet(), 0

    def write(self, changes: Iterable[tuple[bytes, bytes | None]]) -> None:
        changes = list(changes)
        self._keys.update(key for key, _ in changes)
        self._store.write(changes)

    def keys(self, start: bytes, stop: bytes) -> Iterator[bytes]:
        for key in list(self._keys.irange(start, stop, inclusive=(True, False))):
            self.walked += 1
            if self._store.get(key) is not None:
                yield key

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)
