"""A set of many ids in little memory: 24 to 32 bytes each, however long, where a set of strings takes 100 or more."""

from array import array
from collections.abc import Iterable
from hashlib import blake2b

# As many bits as an event_id has: two ids share a digest as rarely as two impressions share an event_id.
_BYTES = 16
_DELETED = 2**32 - 1
_LEAST = 1024


class Digests:
    """A hash table with open addressing, over digests of the ids. It can't be iterated."""

    __slots__ = ("_count", "_digests", "_mask", "_slots")

    def __init__(self, ids: Iterable[str] = ()) -> None:
        self._count = 0
        # One after another, in the order of `add`; a slot has the number of one, from 1 on.
        self._digests = bytearray()
        self._slots, self._mask = array("I", bytes(4 * _LEAST)), _LEAST - 1
        for each in ids:
            self.add(each)

    def __len__(self) -> int:
        return self._count

    def __contains__(self, each: str) -> bool:
        return self._find(_digest(each)) is not None

    @property
    def memory(self) -> int:
        """The memory that it takes (bytes)."""
        return len(self._digests) + len(self._slots) * self._slots.itemsize

    def add(self, each: str) -> None:
        """Add an id; it may be there already."""
        digest = _digest(each)
        if self._find(digest) is None:
            self._digests += digest
            self._count += 1
            self._place(digest, len(self._digests) // _BYTES)
            if 2 * len(self._digests) > _BYTES * len(self._slots):
                self._resize()

    def remove(self, each: str) -> None:
        """Remove an id. Raises KeyError if it is not there."""
        at = self._find(_digest(each))
        if at is None:
            raise KeyError(each)
        self._slots[at] = _DELETED
        self._count -= 1

    def _find(self, digest: bytes) -> int | None:
        """Return the slot of a digest."""
        slots, mask = self._slots, self._mask
        at = int.from_bytes(digest[:4], "little") & mask
        while number := slots[at]:
            if number != _DELETED and self._digests[_BYTES * (number - 1) : _BYTES * number] == digest:
                return at
            at = (at + 1) & mask
        return None

    def _place(self, digest: bytes, number: int) -> None:
        at = int.from_bytes(digest[:4], "little") & self._mask
        while self._slots[at]:
            at = (at + 1) & self._mask
        self._slots[at] = number

    def _resize(self) -> None:
        """Make a table of a power of 2 of slots, a third of them taken at most, and drop what was removed."""
        size = _LEAST
        while size < 3 * self._count:
            size *= 2
        kept = [number for number in self._slots if number not in (0, _DELETED)]
        digests = [bytes(self._digests[_BYTES * (number - 1) : _BYTES * number]) for number in kept]
        self._slots, self._mask = array("I", bytes(4 * size)), size - 1
        self._digests = bytearray(b"".join(digests))
        for number, digest in enumerate(digests, 1):
            self._place(digest, number)


def _digest(each: str) -> bytes:
    return blake2b(each.encode(), digest_size=_BYTES).digest()
