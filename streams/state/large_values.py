"""Large values in parts, so that no value of one user outgrows what a broker takes in one record.

A value is stored under its key behind a head that says how many parts there are; part n > 0 lies under the key, a
zero byte (which no id holds) and n. A value that shrinks may leave parts behind: no head names them, and a sweep of
the key's range takes them along.
"""

from collections.abc import Callable, Iterable, Iterator
from struct import Struct

# Well below topics.yaml's limit for changelog records, and rare: 500 KiB are 50,000 artworks a user and window.
PART_BYTES = 512 * 1024
_HEAD = Struct(">H")
_WHOLE = _HEAD.pack(1)


def split(key: bytes, value: bytes) -> Iterable[tuple[bytes, bytes]]:
    """Return what to store for a value: keys and values."""
    if len(value) <= PART_BYTES:
        return ((key, _WHOLE + value),)
    return _split(key, value)


def _split(key: bytes, value: bytes) -> Iterator[tuple[bytes, bytes]]:
    count = -(-len(value) // PART_BYTES)
    yield key, _HEAD.pack(count) + value[:PART_BYTES]
    for n in range(1, count):
        yield part_key(key, n), value[n * PART_BYTES : (n + 1) * PART_BYTES]


def join(key: bytes, first: bytes, get: Callable[[bytes], bytes | None]) -> bytes:
    """Return the value whose first part is `first`. Raises KeyError when a part is missing."""
    (count,) = _HEAD.unpack_from(first)
    value = first[_HEAD.size :]
    if count == 1:
        return value
    rest = []
    for n in range(1, count):
        part = get(part_key(key, n))
        if part is None:
            raise KeyError(part_key(key, n))
        rest.append(part)
    return b"".join([value, *rest])


def part_key(key: bytes, n: int) -> bytes:
    """The key of part n > 0."""
    return key + b"\x00" + _HEAD.pack(n)
