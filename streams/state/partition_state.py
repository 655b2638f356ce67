"""The state of one source partition: the window table, the coverage table, pinned ordinals and the position.

Decoded values are kept between chunks. A chunk changes them in place, `changes` packs the changes for both the
changelogs and the store, and `written` is called once the store has them. Changes can't be rolled back: if a chunk
can't be committed, discard this State and restore it.
"""

from collections.abc import Callable, Iterator
from enum import StrEnum
from itertools import islice
from struct import Struct

import msgspec

from impression_streams.types import MAX_TIME_MS
from streams.core import seen as seen_codec
from streams.core import window
from streams.core.seen import Seen
from streams.core.window import Bucket
from streams.state import large_values, position
from streams.state.position import Position
from streams.state.store import Store


class Table(StrEnum):
    """The two tables. Each has its own changelog topic."""

    WINDOWS = "windows"
    COVERAGE = "coverage"

    # Enum hashes in Python code, and every change is looked up by its table.
    __hash__ = str.__hash__


class Change(msgspec.Struct, frozen=True, gc=False):
    """A change of a table, as in its changelog; the value None deletes the key."""

    table: Table
    key: bytes
    value: bytes | None


WINDOWS, COVERAGE = Table.WINDOWS, Table.COVERAGE  # hoisted: looking up a global is cheaper than an enum member
# Keys in the store: a letter for the table, then the key in the changelog.
STORE_PREFIX = {Table.WINDOWS: b"w", Table.COVERAGE: b"c"}
_START = Struct(">Q")

# Keys in the coverage changelog that don't belong to users: ids never contain a zero byte.
PIN = b"\x00o"
POSITION = b"\x00p"
BARRIER = b"\x00b"
# The first record of both changelogs, which belongs to no table: see streams.worker.restore.
BEGIN = b"\x00a"
_ORDINAL = Struct(">I")

# Users kept decoded between chunks, per partition: about 20 MB at ten artworks each.
CACHED = 20_000
# Buckets kept for a user: those of the current window and its neighbours.
CACHED_BUCKETS = 3
# At most this many windows are swept in one chunk, so a sweep never makes a transaction long.
SWEPT_PER_CHUNK = 2_000


class User:
    """Implements `streams.core.chunk.User`: a user's values, decoded when first needed."""

    __slots__ = ("_changed_buckets", "_changed_seen", "_state", "_stored_to", "buckets", "seen", "user_id")

    def __init__(self, user_id: str, seen: Seen, state: "State") -> None:
        self.user_id = user_id
        self.seen = seen
        self.buckets: dict[int, Bucket] = {}
        self._changed_seen = False
        self._changed_buckets: set[int] = set()
        self._state = state
        # The store may hold buckets that `buckets` lacks, but none that starts later than this (ms).
        self._stored_to = state.newest

    def seen_changed(self) -> None:
        self._changed_seen = True

    def bucket(self, start: int) -> Bucket:
        bucket = self.buckets.get(start)
        if bucket is None:
            if start > self._stored_to:
                bucket, self._state.newest = Bucket(), max(self._state.newest, start)
            else:
                bucket = self._state.read_bucket(self.user_id, start)
            self.buckets[start] = bucket
        return bucket

    def accept(self, start: int, artwork_id: str, offset: int) -> None:
        (self.buckets.get(start) or self.bucket(start)).accept(artwork_id, offset)
        self._changed_buckets.add(start)

    def changes(self) -> Iterator[Change]:
        """Yield the changes since `written`, packed."""
        for start in self._changed_buckets:
            value = window.encode(self.buckets[start])
            for key, part in large_values.split(window_key(start, self.user_id), value):
                yield Change(WINDOWS, key, part)
        if self._changed_seen:
            for key, part in large_values.split(self.user_id.encode(), seen_codec.encode(self.seen)):
                yield Change(COVERAGE, key, part)

    def written(self) -> None:
        """Mark everything as clean, and drop buckets of old windows."""
        self._changed_seen = False
        self._changed_buckets.clear()
        if len(self.buckets) > CACHED_BUCKETS:
            for start in sorted(self.buckets)[:-CACHED_BUCKETS]:
                self.drop(start)

    def drop(self, start: int) -> None:
        """Drop a cached bucket; the next `bucket` reads it from the store."""
        if self.buckets.pop(start, None) is not None:
            self._stored_to = max(self._stored_to, start)


class State:
    """Implements `streams.core.chunk.Tables` over a store."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.position: Position | None = None
        self._users: dict[str, User] = {}
        self._touched: dict[str, User] = {}
        self._pins: dict[str, int] = {}
        self._new_pins: list[str] = []
        self._swept_to = 0
        # No window that starts later than this (ms) was ever written or asked for.
        self.newest = -1

    def load(self) -> None:
        """Read the position and the pins. Call this when the store is up to date."""
        raw = self.store.get(STORE_PREFIX[Table.COVERAGE] + POSITION)
        self.position = position.decode(raw) if raw else None
        self.newest = self._newest()
        prefix = STORE_PREFIX[Table.COVERAGE] + PIN
        for key in self.store.keys(prefix, prefix[:-1] + bytes([prefix[-1] + 1])):
            value = self.store.get(key)
            if value is not None:
                (self._pins[key[len(prefix) :].decode()],) = _ORDINAL.unpack(value)

    def user(self, user_id: str) -> User:
        user = self._users.get(user_id)
        if user is None:
            raw = self._get(Table.COVERAGE, user_id.encode())
            user = self._users[user_id] = User(user_id, seen_codec.decode(raw) if raw else Seen(), self)
        self._touched[user_id] = user
        return user

    def _newest(self) -> int:
        """Return the start (ms) of the store's newest window, by binary search: a store reads forward only."""
        prefix, behind = STORE_PREFIX[Table.WINDOWS], bytes([STORE_PREFIX[Table.WINDOWS][0] + 1])
        low, high = -1, MAX_TIME_MS
        while low < high:
            middle = (low + high + 1) // 2
            if next(self.store.keys(prefix + _START.pack(middle), behind), None) is None:
                high = middle - 1
            else:
                low = middle
        return low

    def read_bucket(self, user_id: str, start: int) -> Bucket:
        """Return a bucket from the store; empty if there is none."""
        raw = self._get(Table.WINDOWS, window_key(start, user_id)) if start >= 0 else None
        return window.decode(raw) if raw else Bucket()

    def pin(self, artwork_id: str, ordinal_of: Callable[[str], int | None]) -> int | None:
        pinned = self._pins.get(artwork_id)
        if pinned is None and (ordinal := ordinal_of(artwork_id)) is not None:
            self._pins[artwork_id] = ordinal
            self._new_pins.append(artwork_id)
            return ordinal
        return pinned

    def changes(self, new_position: Position) -> list[Change]:
        """Return the chunk's changes, packed, including the new position."""
        changes = [change for user in self._touched.values() for change in user.changes()]
        changes += [pin_change(artwork_id, self._pins[artwork_id]) for artwork_id in self._new_pins]
        changes.append(Change(Table.COVERAGE, POSITION, position.encode(new_position)))
        return changes

    def sweep(self, horizon: int) -> list[Change]:
        """Return tombstones for windows that end at or before `horizon` (ms): an impression in them would be late."""
        stop = window.start_of(max(horizon, 0), self._window_ms())
        if stop <= self._swept_to:
            return []
        prefix = STORE_PREFIX[Table.WINDOWS]
        keys = self.store.keys(prefix, prefix + _START.pack(stop))
        swept = [Change(Table.WINDOWS, key[1:], None) for key in islice(keys, SWEPT_PER_CHUNK)]
        if len(swept) < SWEPT_PER_CHUNK:
            self._swept_to = stop
        return swept

    def written(self, new_position: Position, swept: list[Change]) -> None:
        """Note that the store has the chunk's changes: mark everything as clean, and trim the caches."""
        self.position = new_position
        for user in self._touched.values():
            user.written()
        self._touched.clear()
        self._new_pins.clear()
        for change in swept:
            (start,) = _START.unpack_from(change.key)
            user_id, _, _ = change.key[_START.size :].partition(b"\x00")  # after the zero byte: a part's number
            if (swept_user := self._users.get(user_id.decode())) is not None:
                swept_user.drop(start)
        if len(self._users) > CACHED:
            for old in list(islice(self._users, len(self._users) - CACHED // 2)):
                del self._users[old]

    def _window_ms(self) -> int:
        assert self.position is not None, "a state without a position is never used"
        return self.position.window_ms

    def _get(self, table: Table, key: bytes) -> bytes | None:
        prefix = STORE_PREFIX[table]
        first = self.store.get(prefix + key)
        return None if first is None else large_values.join(key, first, lambda part: self.store.get(prefix + part))


def pin_change(artwork_id: str, ordinal: int) -> Change:
    """Return the change that pins an artwork's ordinal."""
    return Change(Table.COVERAGE, PIN + artwork_id.encode(), _ORDINAL.pack(ordinal))


def window_key(start: int, user_id: str) -> bytes:
    """Return the window table's key. Keys sort by the window's start (ms), so a sweep is one range."""
    return _START.pack(start) + user_id.encode()


def to_store(changes: list[Change]) -> Iterator[tuple[bytes, bytes | None]]:
    """Return the same changes with the store's keys."""
    return ((STORE_PREFIX[change.table] + change.key, change.value) for change in changes)
