"""Artworks in a few bytes each: their ids, ordinals and pools in arrays, by *slot*, the order in which they came.

A million artworks with ids of 36 characters take about 75 MB; as Python objects they would take 400. What an ordinal
costs doesn't depend on its size: they may be anywhere below 2^32.
"""

from array import array
from collections.abc import Callable, Sequence
from typing import overload

# Slots are found through this many tables, so that one that grows is small and delays nobody.
SHARDS = 64
SHARD_BITS = 6
SMALLEST = 16
# Ids that were looked up lately, which costs a tenth of a search.
RECENT = 20_000


class SlotTable:
    """Finds the slot of a key, by open addressing. Keys are not kept: `key_at` returns the one of a slot.

    Python's hash of bytes is seeded, so nobody can choose keys that collide.
    """

    def __init__(self, key_at: Callable[[int], bytes]) -> None:
        self._key_at = key_at
        # Each entry is a slot + 1, or 0 if it is free. At most half of a table is in use.
        self._tables = [array("I", bytes(4 * SMALLEST)) for _ in range(SHARDS)]
        self._used = [0] * SHARDS

    def find(self, key: bytes) -> int | None:
        """Return the slot of a key, or None."""
        hashed = hash(key)
        table = self._tables[hashed & SHARDS - 1]
        mask = len(table) - 1
        at = hashed >> SHARD_BITS & mask
        while entry := table[at]:
            if self._key_at(entry - 1) == key:
                return entry - 1
            at = at + 1 & mask
        return None

    def add(self, key: bytes, slot: int) -> None:
        """Add a key that is not there yet; `key_at` must know its slot already."""
        hashed = hash(key)
        shard = hashed & SHARDS - 1
        self._used[shard] += 1
        if 2 * self._used[shard] > len(self._tables[shard]):
            self._grow(shard)
        _put(self._tables[shard], hashed, slot + 1)

    def _grow(self, shard: int) -> None:
        old = self._tables[shard]
        new = self._tables[shard] = array("I", bytes(2 * old.itemsize * len(old)))
        for entry in old:
            if entry:
                _put(new, hash(self._key_at(entry - 1)), entry)


def _put(table: "array[int]", hashed: int, entry: int) -> None:
    mask = len(table) - 1
    at = hashed >> SHARD_BITS & mask
    while table[at]:
        at = at + 1 & mask
    table[at] = entry


class Artworks:
    """Ids, ordinals and pools of artworks. An artwork keeps its slot, id and ordinal for ever."""

    def __init__(self) -> None:
        self._text = bytearray()  # all ids, one after the other
        # Where each id starts; the last item is where the next one will. 4 GiB of ids don't fit into a worker's memory.
        self._starts = array("I", [0])
        self._ordinals = array("I")
        self.pools = array("I")  # by slot; the numbers are the caller's
        self._by_id = SlotTable(self._id_at)
        self._by_ordinal = SlotTable(self._ordinal_at)
        self._recent: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._ordinals)

    def add(self, key: bytes, ordinal: int, pool: int) -> None:
        """Add an artwork in the next slot, by its id in bytes; neither the id nor the ordinal may be there yet."""
        slot = len(self._ordinals)
        self._text += key
        self._starts.append(len(self._text))
        self._ordinals.append(ordinal)
        self.pools.append(pool)
        self._by_id.add(key, slot)
        if ordinal != slot:
            self._by_ordinal.add(self._ordinal_at(slot), slot)

    def slot(self, artwork_id: str) -> int | None:
        """Return the slot of an id."""
        found = self._recent.get(artwork_id)
        if found is None and (found := self.find(artwork_id.encode())) is not None:
            if len(self._recent) >= RECENT:
                self._recent.clear()
            self._recent[artwork_id] = found
        return found

    def find(self, key: bytes) -> int | None:
        """Return the slot of an id in bytes, which is not kept among the recent ones."""
        return self._by_id.find(key)

    def slot_of_ordinal(self, ordinal: int) -> int | None:
        """Return the slot of an ordinal. Where artworks come in the order of their ordinals, the two are the same."""
        if ordinal < len(self._ordinals) and self._ordinals[ordinal] == ordinal:
            return ordinal
        return self._by_ordinal.find(ordinal.to_bytes(4, "big"))

    def id(self, slot: int) -> str:
        """Return the id of a slot."""
        return self._id_at(slot).decode()

    def ordinal(self, slot: int) -> int:
        """Return the ordinal of a slot."""
        return self._ordinals[slot]

    def _id_at(self, slot: int) -> bytes:
        return bytes(self._text[self._starts[slot] : self._starts[slot + 1]])

    def _ordinal_at(self, slot: int) -> bytes:
        return self._ordinals[slot].to_bytes(4, "big")


class Ids(Sequence[str]):
    """The ids of a range of slots, decoded when they are read."""

    def __init__(self, artworks: Artworks, slots: range) -> None:
        self._artworks, self._slots = artworks, slots

    def __len__(self) -> int:
        return len(self._slots)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> "Ids": ...
    def __getitem__(self, index: int | slice) -> "str | Ids":
        if isinstance(index, slice):
            return Ids(self._artworks, self._slots[index])
        return self._artworks.id(self._slots[index])
