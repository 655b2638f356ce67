"""Append-only values in segments, so that a change costs what it adds, however much there is already.

A value is a list of packed entries. Segment 0 is stored under the value's key, segment n > 0 under that key, a zero
byte (which no id contains) and n. A segment's first byte says whether it is open or closed, and the rest are entries.
Only the last segment is ever written again; with CLOSED_AT bytes of entries it is closed, and the next entries begin
another one.
"""

from struct import Struct
from typing import NamedTuple, Protocol

from streams.core.codec import CodecError
from streams.errors import StateUnreadableError
from streams.state import version1
from streams.state.store import Store

OPEN, CLOSED = 2, 3
# What an entry costs is half of this on average, since the open segment is written again with it. Smaller segments cost
# more keys: a key is stored with each of them.
CLOSED_AT = 256
# What one chunk adds goes into one segment, up to this: well below topics.yaml's limit for changelog records.
LARGEST = 512 * 1024
_NUMBER = Struct(">I")
_OPEN, _CLOSED = bytes([OPEN]), bytes([CLOSED])


class Log(Protocol):
    """The end of a value: what appending to it needs."""

    @property
    def entries(self) -> bytearray:
        """The entries of the last segment at least, and those that are not stored yet."""
        ...

    tail: int
    """Where the last segment begins in `entries`."""
    stored: int
    """So many of `entries` are in the store (bytes)."""
    number: int
    """The number of the last segment."""
    parts: int
    """How many parts the value has in version 1, which is converted as it changes; 0: it is in segments."""


class Stored(NamedTuple):
    """A value as read: all entries (in version 1: the value), where the last segment begins, its number, and parts."""

    entries: bytes
    tail: int
    number: int
    parts: int


def key_of(key: bytes, number: int) -> bytes:
    """Return the key of a segment."""
    return key + b"\x00" + _NUMBER.pack(number) if number else key


def read(store: Store, key: bytes) -> Stored | None:
    """Return a value, or None if there is none. Raises StateUnreadableError where a segment is missing or too new."""
    first = store.get(key)
    if first is None:
        return None
    if first[0] == OPEN:
        return Stored(first[1:], 0, 0, 0)
    if first[0] == 0:
        return Stored(version1.join(key, first, store.get), 0, 0, version1.parts(first))
    segments = [first]
    if first[0] == CLOSED:
        for at, segment in store.items(key_of(key, 1), key + b"\x01"):
            if at != key_of(key, len(segments)):
                raise StateUnreadableError(f"segment {len(segments)} of the value {key!r} is missing from the store.")
            segments.append(segment)
            if segment[0] != CLOSED:
                break
    last, number = segments[-1], len(segments) - 1
    if last[0] not in (OPEN, CLOSED):
        raise CodecError("segment", last[0], CLOSED)
    entries = b"".join([segment[1:] for segment in segments])
    if last[0] == CLOSED:  # the next entries begin another one
        return Stored(entries, len(entries), number + 1, 0)
    return Stored(entries, len(entries) - len(last) + 1, number, 0)


def changes(key: bytes, log: Log) -> list[tuple[bytes, bytes | None]]:
    """Return what to write by key, None to delete; from now on it counts as stored.

    `entries` must hold a value of version 1 as a whole.
    """
    size = len(log.entries) - log.tail
    log.stored = len(log.entries)
    if size < CLOSED_AT:
        end = (key_of(key, log.number), _OPEN + log.entries[log.tail :])
        return [end] if not log.parts else [*_deleted(key, log), end]
    written = _deleted(key, log)
    for at in range(log.tail, log.stored, LARGEST):
        written.append((key_of(key, log.number), _CLOSED + log.entries[at : at + LARGEST]))
        log.number += 1
    log.tail = log.stored
    return written


def _deleted(key: bytes, log: Log) -> list[tuple[bytes, bytes | None]]:
    """Return what deletes the parts of version 1, if the value is in such."""
    parts, log.parts = log.parts, 0
    return [(old, None) for old in version1.part_keys(key, parts)]
