"""The windowed table's values: one user's accepted impressions of one tumbling event-time window.

Two impressions of one artwork in one tumbling window lie less than a window apart, so at most one of them is
accepted: a bucket maps artwork_id to the ms between the window's start and `seen_at`.
"""

from collections.abc import Callable, Mapping
from struct import Struct

from streams.core.codec import CodecError

Lookup = Callable[[int], Mapping[str, int]]

CODEC_VERSION = 1
_ENTRY = Struct(">BI").pack  # length of the artwork_id in bytes, ms since the window's start
_ENTRY_BYTES = 5


class Bucket(dict[str, int]):
    """A window's accepted impressions, with their packed form beside them: a bucket only ever grows.

    Packed: codec version, then length, offset and id of each artwork, in the order in which they were accepted.
    """

    __slots__ = ("packed",)

    def __init__(self) -> None:
        self.packed = bytearray((CODEC_VERSION,))

    def accept(self, artwork_id: str, offset: int) -> None:
        """Note an accepted impression, `offset` ms into the window, of an artwork that the bucket doesn't hold."""
        self[artwork_id] = offset
        raw = artwork_id.encode()
        self.packed += _ENTRY(len(raw), offset) + raw


def start_of(seen_at: int, window_ms: int) -> int:
    """Return the start (ms) of the tumbling window that `seen_at` lies in."""
    return seen_at - seen_at % window_ms


def is_duplicate(artwork_id: str, seen_at: int, window_ms: int, bucket_at: Lookup) -> bool:
    """Rule 2: has an impression of the artwork been accepted less than a window from `seen_at`?

    `bucket_at` returns the user's bucket by the start of its window. The neighbours are read too, so that the
    boundary between two windows never lets a double fire through.
    """
    start = start_of(seen_at, window_ms)
    if artwork_id in bucket_at(start):
        return True
    before = bucket_at(start - window_ms).get(artwork_id)
    if before is not None and seen_at - (start - window_ms + before) < window_ms:
        return True
    after = bucket_at(start + window_ms).get(artwork_id)
    return after is not None and start + window_ms + after - seen_at < window_ms


def encode(bucket: Bucket) -> bytes:
    """Return a bucket's packed form."""
    return bytes(bucket.packed)


def decode(value: bytes) -> Bucket:
    """Unpack a bucket. Raises CodecError on another codec version."""
    if value[0] != CODEC_VERSION:
        raise CodecError("window", value[0], CODEC_VERSION)
    bucket = Bucket()
    at = 1
    while at < len(value):
        start = at + _ENTRY_BYTES
        at = start + value[start - _ENTRY_BYTES]
        bucket[value[start:at].decode()] = int.from_bytes(value[start - 4 : start], "big")
    bucket.packed = bytearray(value)
    return bucket
