"""The windowed table's values: one user's accepted impressions of one tumbling event-time window.

Two impressions of one artwork in one tumbling window lie less than a window apart, so at most one of them is
accepted: a bucket maps artwork_id to the ms between the window's start and `seen_at`.
"""

from collections.abc import Callable
from struct import Struct

from streams.core.codec import CodecError

Bucket = dict[str, int]
Lookup = Callable[[int], Bucket]

CODEC_VERSION = 1
_ENTRY = Struct(">BI")  # length of the artwork_id in bytes, ms since the window's start


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
    """Pack a bucket: codec version, then length, offset and id of each artwork."""
    parts = [bytes([CODEC_VERSION])]
    for artwork_id, offset in bucket.items():
        raw = artwork_id.encode()
        parts.append(_ENTRY.pack(len(raw), offset) + raw)
    return b"".join(parts)


def decode(value: bytes) -> Bucket:
    """Unpack a bucket. Raises CodecError on another codec version."""
    if value[0] != CODEC_VERSION:
        raise CodecError("window", value[0], CODEC_VERSION)
    bucket: Bucket = {}
    at = 1
    while at < len(value):
        length, offset = _ENTRY.unpack_from(value, at)
        at += _ENTRY.size
        bucket[value[at : at + length].decode()] = offset
        at += length
    return bucket
