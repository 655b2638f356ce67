"""Large values in parts, so no user's value exceeds what a broker accepts in one record.

The first part is stored under the value's key, after a head with the number of parts. The key of part n > 0 is that
key, a zero byte (which no id contains) and n. A value that shrinks may leave parts over: no head counts them, and a
sweep of the key's range deletes them too.
"""

from collections.abc import Callable, Iterable, Iterator
from struct import Struct

# Well below topics.yaml's limit for changelog records, and rarely reached: 500 KiB are 50,000 artworks of one user in
# one window.
PART_BYTES = 512 * 1024
_HEAD = Struct(">H")
_WHOLE = _HEAD.pack(1)


def split(key: bytes, value: bytes) -> Iterable[tuple[bytes, bytes]]:
    """Return the keys and values to store for a value."""
    if len(value) <= PART_BYTES:
        return ((key, _WHOLE + value),)
    return _split(key, value)


def _split(key: bytes, value: bytes) -> Iterator[tuple[bytes, bytes]]:
    count = -(-len(value) // PART_BYTES)
    yield key, _HEAD.pack(count) + value[:PART_BYTES]
    for n in range(1, count):
        yield part_key(key, n), value[n * PART_BYTES : (n + 1) * PART_BYTES]


def join(key: bytes, first: bytes, get: Callable[[bytes], bytes | None]) -> bytes:
    """Return the whole value from its first part, `first`. Raises KeyError if a part is missing."""
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
    """Return the key of part n > 0."""
    return key + b"\x00" + _HEAD.pack(n)
