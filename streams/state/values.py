"""A user's values, between their decoded form and segments. Values of the last release are read, and converted."""

from struct import error as StructError

from streams.core import seen as seen_codec
from streams.core import window
from streams.core.digests import Digests
from streams.core.seen import Seen
from streams.core.window import Bucket
from streams.errors import StateUnreadableError
from streams.state import segments, version1
from streams.state.store import Change, Store

# What can go wrong in decoding a value that is not what was written.
DAMAGED = (IndexError, ValueError, StructError)


def read_seen(store: Store, key: bytes) -> Seen:
    """Return a user's seen artworks; nothing if the store has no value. Raises StateUnreadableError."""
    stored = segments.read(store, key)
    if stored is None:
        return Seen()
    try:
        seen = (version1.seen if stored.parts else seen_codec.decode)(stored.entries)
    except DAMAGED as error:
        raise StateUnreadableError(f"the coverage value {key!r} of the store can't be read: {error}.") from error
    if not stored.parts:
        seen.entries += stored.entries[stored.tail :]
    seen.stored, seen.number, seen.parts = len(seen.entries), stored.number, stored.parts
    return seen


def read_bucket(store: Store, key: bytes) -> Bucket:
    """Return a bucket; empty if the store has no value. Raises StateUnreadableError."""
    stored = segments.read(store, key)
    if stored is None:
        return Bucket()
    try:
        bucket = Bucket(version1.bucket(stored.entries) if stored.parts else stored.entries)
        window.decode(bucket.entries)
    except DAMAGED as error:
        raise StateUnreadableError(f"the window {key!r} of the store can't be read: {error}.") from error
    bucket.tail, bucket.stored = stored.tail, len(bucket.entries)
    bucket.number, bucket.parts = stored.number, stored.parts
    return bucket


def pack_seen(key: bytes, seen: Seen) -> list[Change]:
    """Return what writes the changed end of a user's seen artworks; from now on it counts as stored.

    Keeps no more of the end than appending needs.
    """
    seen.pack()
    if seen.parts:
        assert not isinstance(seen.uncatalogued, Digests), "ids are compacted once the value is in segments"
        seen.entries[:] = seen_codec.encode(seen.ordinals, seen.uncatalogued)
    changes = segments.changes(key, seen)
    if seen.tail:
        del seen.entries[: seen.tail]
        seen.tail, seen.stored = 0, len(seen.entries)
    return changes
