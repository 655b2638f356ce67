"""A user's values, between their decoded form and segments. Values of the last release are read, and converted."""

from struct import error as StructError

from streams.core import seen as seen_codec
from streams.core import window
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
    stored.resume(seen)
    return seen


def read_bucket(store: Store, key: bytes) -> Bucket:
    """Return a bucket; empty if the store has no value. Raises StateUnreadableError."""
    stored = segments.read(store, key)
    if stored is None:
        return Bucket()
    try:
        bucket = (version1.bucket if stored.parts else window.decode)(stored.entries)
    except DAMAGED as error:
        raise StateUnreadableError(f"the window value {key!r} of the store can't be read: {error}.") from error
    stored.resume(bucket)
    return bucket


def pack_seen(key: bytes, seen: Seen) -> list[Change]:
    """Return what writes the changed end of a user's seen artworks."""
    if seen.parts:
        seen.entries[:] = seen_codec.encode(seen.ordinals, seen.uncatalogued)
    return segments.changes(key, seen)


def pack_bucket(key: bytes, bucket: Bucket) -> list[Change]:
    """Return what writes the changed end of a bucket."""
    if bucket.parts:
        bucket.entries[:] = window.encode(bucket)
    return segments.changes(key, bucket)
