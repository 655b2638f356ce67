"""How the last release stored values: they are read, and converted when they change.

A value was split into parts. The first one is stored under the value's key, after a head with the number of parts; the
key of part n > 0 is that key, a zero byte and n (2 bytes). The head's first byte is 0, since no value had 256 parts.
"""

from collections.abc import Callable, Iterator
from struct import Struct

from pyroaring import BitMap

from streams.core import seen as seen_codec
from streams.core.codec import CodecError
from streams.core.seen import Seen
from streams.errors import StateUnreadableError

CODEC_VERSION = 1
# Key of an artwork's ordinal in the coverage table, before the artwork's id.
PIN = b"\x00o"
_PARTS = Struct(">H")
_SEEN = Struct(">BI")  # codec version, length of the bitmap in bytes
_ORDINAL = Struct(">I")


def parts(first: bytes) -> int:
    """Return how many parts a value has."""
    count: int = _PARTS.unpack_from(first)[0]
    return count


def part_keys(key: bytes, count: int) -> list[bytes]:
    """Return the keys of a value's parts but the first."""
    return [key + b"\x00" + _PARTS.pack(n) for n in range(1, count)]


def join(key: bytes, first: bytes, get: Callable[[bytes], bytes | None]) -> bytes:
    """Return the whole value from its first part. Raises StateUnreadableError if a part is missing."""
    value = [first[_PARTS.size :]]
    for part_key in part_keys(key, parts(first)):
        part = get(part_key)
        if part is None:
            raise StateUnreadableError(f"a part of the value {key!r} is missing from the store.")
        value.append(part)
    return b"".join(value)


def seen(value: bytes) -> Seen:
    """Unpack a user's seen artworks: a roaring bitmap of ordinals, then length (one byte) and id of each other one."""
    version, length = _SEEN.unpack_from(value)
    if version != CODEC_VERSION:
        raise CodecError("coverage", version, CODEC_VERSION)
    at = _SEEN.size + length
    found = seen_codec.decode(value[at:])  # the ids are entries as they are today
    found.ordinals = BitMap.deserialize(value[_SEEN.size : at])
    return found


def bucket(value: bytes) -> bytes:
    """Return a bucket's entries, which are as they are today: the codec version stands before them."""
    if value[0] != CODEC_VERSION:
        raise CodecError("window", value[0], CODEC_VERSION)
    return value[1:]


def pins(items: Iterator[tuple[bytes, bytes]], prefix: bytes) -> Iterator[tuple[str, int]]:
    """Yield each artwork that had an ordinal, and the ordinal. `prefix` is what stands before the artworks' ids."""
    for key, value in items:
        yield key[len(prefix) :].decode(), _ORDINAL.unpack(value)[0]
