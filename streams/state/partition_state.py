"""The state of one source partition: the window table, the coverage table, the ordinals used and the position.

Decoded values are kept between chunks. A chunk changes them in place, `changes` packs the changes for both the
changelogs and the store, and `written` is called once the store has them. Changes can't be rolled back: if a chunk
can't be committed, discard this State and restore it.
"""

from collections.abc import Iterator
from enum import StrEnum
from struct import Struct

import msgspec

from impression_streams.types import MAX_TIME_MS
from streams.core.catalogue import Catalogue
from streams.core.seen import Seen
from streams.core.window import Bucket
from streams.errors import StateUnreadableError
from streams.state import ordinals, position, segments, values, version1
from streams.state.ordinals import Ordinals
from streams.state.position import Position
from streams.state.store import Store
from streams.state.sweep import Sweep


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
POSITION = b"\x00p"
BARRIER = b"\x00b"
# The first record of both changelogs, which belongs to no table: see streams.worker.restore.
BEGIN = b"\x00a"

# Memory for decoded users between chunks, per partition: some thousand ordinary users, and what one chunk touches. A
# worker with four partitions has 100 MB for them, a quarter of what it may use in all.
CACHE_BYTES = 24 * 1024 * 1024
# Estimates, measured on CPython 3.11: a user with one window, a coverage row, an ordinal.
USER_BYTES, ROW_BYTES, ORDINAL_BYTES = 2_000, 160, 4
# Buckets kept for a user: those of the current window and its neighbours.
CACHED_BUCKETS = 3
# So many windows are swept in one chunk, or twice as many as it writes: a sweep never makes a transaction long, and
# keeps up with whatever is written.
SWEPT_PER_CHUNK = 2_000


class User:
    """Implements `streams.core.chunk.User`: a user's values, read and unpacked when first needed."""

    __slots__ = ("_buckets", "_state", "_stored_to", "bytes", "seen", "user_id")

    def __init__(self, user_id: str, seen: Seen, state: "State") -> None:
        self.user_id = user_id
        self.seen = seen
        # The estimate by which the cache counts this user.
        self.bytes = 0
        self._buckets: dict[int, Bucket] = {}
        self._state = state
        # The store may hold buckets that `_buckets` lacks, but none that starts later than this (ms).
        self._stored_to = state.newest

    def time_of(self, start: int, artwork_id: str) -> int | None:
        return (self._buckets.get(start) or self.bucket(start)).time_of(artwork_id)

    def bucket(self, start: int) -> Bucket:
        """Return the bucket of the window that starts at `start` (ms), empty if the state has none."""
        bucket = self._buckets.get(start)
        if bucket is None:
            if start > self._stored_to:
                bucket, self._state.newest = Bucket(), max(self._state.newest, start)
            else:
                bucket = self._state.read_bucket(self.user_id, start)
            self._buckets[start] = bucket
        return bucket

    def changes(self, swept: int) -> list[Change]:
        """Return the changes since the last call, packed; none of windows that start before `swept`.

        They count as stored from now on. Drops buckets of old windows, and estimates the memory that the user takes:
        all in one go, while the user's values are in the processor's cache.
        """
        changes: list[Change] = []
        buckets, seen = self._buckets, self.seen
        for start, bucket in buckets.items():
            if len(bucket.entries) != bucket.stored:
                if start >= swept:
                    for key, value in segments.changes(window_key(start, self.user_id), bucket):
                        changes.append(Change(WINDOWS, key, value))
                else:  # nothing asks for it any more
                    bucket.stored = len(bucket.entries)
        if seen.fresh or len(seen.entries) != seen.stored:
            for key, value in values.pack_seen(self.user_id.encode(), seen):
                changes.append(Change(COVERAGE, key, value))
        if len(buckets) > CACHED_BUCKETS:
            for start in sorted(buckets)[:-CACHED_BUCKETS]:
                del buckets[start]
                self._stored_to = max(self._stored_to, start)
        memory = USER_BYTES + len(seen.rows) * ROW_BYTES + len(seen.ordinals) * ORDINAL_BYTES
        for bucket in buckets.values():
            memory += bucket.memory
        if seen.uncatalogued:
            seen.compact()
            memory += seen.memory
        self.bytes = memory
        return changes


class State:
    """Implements `streams.core.chunk.Tables` over a store."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.position: Position | None = None
        self.ordinals = Ordinals()
        self._catalogue = Catalogue()
        # Users used lately, in two generations: one that is used moves to the younger, and when that has half of the
        # memory, it takes the place of the older, which goes. An exact order of use would cost more than it saves.
        self._users: dict[str, User] = {}
        self._older: dict[str, User] = {}
        self._bytes = self._older_bytes = 0
        self._touched: dict[str, User] = {}
        self._windows = Sweep(store, STORE_PREFIX[WINDOWS])
        self._pins = Sweep(store, _range(version1.PIN)[0])
        # No window that starts later than this (ms) was ever written or asked for.
        self.newest = -1

    def load(self, catalogue: Catalogue) -> None:
        """Read the position and the ordinals used. Call this when the store is up to date.

        Raises StateLostError if the catalogue has given a used ordinal to another artwork, CatalogueBehindError if it
        doesn't have it yet, StateUnreadableError if a value can't be read.
        """
        raw = self.store.get(STORE_PREFIX[COVERAGE] + POSITION)
        self.position = position.decode(raw) if raw else None
        self.newest = self._newest()
        self.ordinals = Ordinals()
        try:
            for key, value in self.store.items(*_range(ordinals.KEY)):
                self.ordinals.read(key[1:], value)
        except values.DAMAGED as error:
            raise StateUnreadableError(f"the ordinals that the state uses can't be read: {error}.") from error
        self.ordinals.check(catalogue.id_of)
        self._load_pins(catalogue)
        self._catalogue = catalogue

    def _load_pins(self, catalogue: Catalogue) -> None:
        """Check the pins of version 1 and mark their ordinals as used; `changes` deletes them bit by bit."""
        start, stop = _range(version1.PIN)
        for artwork_id, ordinal in version1.pins(self.store.items(start, stop), start):
            known = catalogue.ordinal(artwork_id)
            if known is None:
                raise ordinals.behind(ordinal)
            if known != ordinal:
                raise ordinals.differs(f"{artwork_id} had {ordinal}, and has {known}")
            if ordinal not in self.ordinals.used:
                self.ordinals.use(ordinal, artwork_id)

    def user(self, user_id: str) -> User:
        user = self._users.get(user_id)
        if user is None:
            user = self._older.pop(user_id, None)
            if user is None:
                user = self._read(user_id)
            self._users[user_id] = user
            self._bytes += user.bytes
            self._older_bytes -= user.bytes
        self._touched[user_id] = user
        return user

    def _read(self, user_id: str) -> User:
        seen = values.read_seen(self.store, STORE_PREFIX[COVERAGE] + user_id.encode())
        return User(user_id, seen, self)

    @property
    def cached_bytes(self) -> int:
        """About how much memory the cached users take."""
        return self._bytes + self._older_bytes

    def _newest(self) -> int:
        """Return the start (ms) of the store's newest window, by binary search: a store reads forward only."""
        prefix, behind = _range(b"", WINDOWS)
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
        if start < 0:
            return Bucket()
        return values.read_bucket(self.store, STORE_PREFIX[WINDOWS] + window_key(start, user_id))

    def changes(self, new_position: Position) -> list[Change]:
        """Return the chunk's changes, packed, with what is swept before the position's `swept`, and the position."""
        swept = new_position.swept
        self._use_ordinals()
        changes: list[Change] = []
        for user in self._touched.values():
            self._bytes -= user.bytes
            changes += user.changes(swept)
            self._bytes += user.bytes
        windows = sum(change.table is WINDOWS for change in changes)
        old = self._windows.keys(STORE_PREFIX[WINDOWS] + _START.pack(swept), max(SWEPT_PER_CHUNK, 2 * windows))
        changes += [Change(WINDOWS, key[1:], None) for key in old]
        changes += [Change(COVERAGE, key, value) for key, value in self.ordinals.changes()]
        # The blocks of ordinals, written now or before, replace them.
        pins = self._pins.keys(_range(version1.PIN)[1], SWEPT_PER_CHUNK)
        changes += [Change(COVERAGE, key[1:], None) for key in pins]
        changes.append(Change(COVERAGE, POSITION, position.encode(new_position)))
        return changes

    def _use_ordinals(self) -> None:
        """Mark the ordinals of what was seen since the last changes as used."""
        fresh = set[int]().union(*[user.seen.fresh for user in self._touched.values()])
        for ordinal in [each for each in fresh if each not in self.ordinals.used]:
            artwork_id = self._catalogue.id_of(ordinal)
            assert artwork_id is not None, "the ordinal came from the catalogue, which never forgets one"
            self.ordinals.use(ordinal, artwork_id)

    def written(self, new_position: Position) -> None:
        """Note that the store has the chunk's changes, and trim the cache."""
        self.position = new_position
        self._touched.clear()
        self.ordinals.written()
        if self._bytes > CACHE_BYTES // 2:
            kept = self._bytes <= CACHE_BYTES
            self._older, self._older_bytes = (self._users, self._bytes) if kept else ({}, 0)
            self._users, self._bytes = {}, 0


def window_key(start: int, user_id: str) -> bytes:
    """Return the window table's key. Keys sort by the window's start (ms), so a sweep is one range."""
    return _START.pack(start) + user_id.encode()


def _range(key: bytes, table: Table = COVERAGE) -> tuple[bytes, bytes]:
    """Return where the keys of a table that begin with `key` start and stop in the store."""
    start = STORE_PREFIX[table] + key
    return start, start[:-1] + bytes([start[-1] + 1])


def to_store(changes: list[Change]) -> Iterator[tuple[bytes, bytes | None]]:
    """Return the same changes with the store's keys."""
    windows, coverage = STORE_PREFIX[WINDOWS], STORE_PREFIX[COVERAGE]
    return (((windows if change.table is WINDOWS else coverage) + change.key, change.value) for change in changes)
