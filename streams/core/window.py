"""The window table's values: one user's accepted impressions in one tumbling event-time window.

Two impressions of an artwork in the same tumbling window are less than a window apart, so at most one of them is
accepted: a bucket maps artwork_id to the ms from the window's start to `seen_at`.
"""

from collections.abc import Callable, Mapping
from struct import Struct

Lookup = Callable[[int], Mapping[str, int]]

_ENTRY = Struct(">BI").pack  # length of the artwork_id in bytes, ms since the window's start
_ENTRY_BYTES = 5


class Bucket(dict[str, int]):
    """A window's accepted impressions, and the end of their packed form: a bucket only ever grows.

    Packed: length, offset and id of each artwork in the order of acceptance. See `streams.state.segments` for the rest.
    """

    __slots__ = ("entries", "number", "parts")

    def __init__(self) -> None:
        self.entries = bytearray()
        self.number = self.parts = 0

    def accept(self, artwork_id: str, offset: int) -> None:
        """Add an accepted impression, `offset` ms into the window, of an artwork that the bucket doesn't hold."""
        self[artwork_id] = offset
        raw = artwork_id.encode()
        self.entries += _ENTRY(len(raw), offset) + raw


def start_of(seen_at: int, window_ms: int) -> int:
    """Return the start (ms) of the tumbling window that contains `seen_at`."""
    return seen_at - seen_at % window_ms


def is_duplicate(artwork_id: str, seen_at: int, window_ms: int, bucket_at: Lookup) -> bool:
    """Rule 2: say whether an impression of the artwork was accepted less than a window from `seen_at`.

    `bucket_at` returns the user's bucket for a window's start. The neighbouring windows are read too, so a double fire
    across a boundary is found.
    """
    start = start_of(seen_at, window_ms)
    if artwork_id in bucket_at(start):
        return True
    before = bucket_at(start - window_ms).get(artwork_id)
    if before is not None and seen_at - (start - window_ms + before) < window_ms:
        return True
    after = bucket_at(start + window_ms).get(artwork_id)
    return after is not None and start + window_ms + after - seen_at < window_ms


def encode(bucket: Mapping[str, int]) -> bytes:
    """Return all entries of a bucket, packed."""
    packed = [(artwork_id.encode(), offset) for artwork_id, offset in bucket.items()]
    return b"".join([_ENTRY(len(raw), offset) + raw for raw, offset in packed])


def decode(entries: bytes) -> Bucket:
    """Unpack a bucket. Raises ValueError on entries that can't be."""
    bucket = Bucket()
    at = 0
    while at < len(entries):
        start = at + _ENTRY_BYTES
        at = start + entries[start - _ENTRY_BYTES]
        bucket[entries[start:at].decode()] = int.from_bytes(entries[start - 4 : start], "big")
    if at != len(entries):
        raise ValueError("the last entry is cut off")
    return bucket
