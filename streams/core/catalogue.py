"""The catalogue of artworks, built from the records of `artworks.v1` in log order (contract §4.5)."""

from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from msgspec import Struct
from pyroaring import BitMap

from streams.core.artwork_record import Refusal, Said, read
from streams.core.artworks import Artworks, Ids

# Stands for a set that is empty, as most are, and is never changed: a bitmap of its own costs 200 bytes.
_NOBODY = BitMap()


class Artwork(NamedTuple):
    """An artwork as its latest record describes it. A tombstone keeps its pool and retires it."""

    artwork_id: str
    ordinal: int
    pool_id: str
    retired: bool


class Pool(Struct):
    """Ordinals: `members` by their latest record, `active` if not retired, `former` if only an earlier one says so."""

    members: BitMap
    active: BitMap
    former: BitMap = _NOBODY

    def leave(self, ordinal: int) -> None:
        """Make a member a former one."""
        self.members.discard(ordinal)
        self.active.discard(ordinal)
        if not self.former:
            self.former = BitMap()
        self.former.add(ordinal)

    def join(self, ordinal: int) -> None:
        """Make an artwork an active member."""
        self.members.add(ordinal)
        self.active.add(ordinal)
        if ordinal in self.former:
            self.former.remove(ordinal)


class Catalogue:
    """Artworks by id and ordinal, and pools as bitmaps of ordinals. An id keeps its ordinal for ever, and vice versa.

    It is for one thread. `version` counts changes: whoever keeps one can ask what changed since.
    """

    def __init__(self) -> None:
        self._artworks = Artworks()
        self._pools: dict[str, Pool] = {}
        self._names: list[str] = []  # of pools, by the numbers that `_artworks` has
        self._numbers: dict[str, int] = {}
        # The version in which each slot was added; and in which each pool last changed, in that order.
        self._added = array("Q")
        self._changed: OrderedDict[str, int] = OrderedDict()
        self._moved = BitMap()  # ordinals that ever left a pool
        self._left: dict[str, None] = {}  # the pools that they left, in the order of the first time
        self.version = 0
        self.active = 0  # artworks that are not retired

    def __len__(self) -> int:
        return len(self._artworks)

    def get(self, artwork_id: str) -> Artwork | None:
        """Return the artwork, retired or not, or None if no record has named it yet."""
        slot = self._artworks.slot(artwork_id)
        return None if slot is None else self._at(slot)

    def ordinal(self, artwork_id: str) -> int | None:
        """Return the artwork's ordinal, or None if the catalogue doesn't know the artwork."""
        slot = self._artworks.slot(artwork_id)
        return None if slot is None else self._artworks.ordinal(slot)

    def id_of(self, ordinal: int) -> str | None:
        """Return the artwork that has an ordinal, or None if none has."""
        slot = self._artworks.slot_of_ordinal(ordinal)
        return None if slot is None else self._artworks.id(slot)

    def pool_of(self, ordinal: int) -> str | None:
        """Return the pool of the artwork that has an ordinal, by its latest record, or None if none has."""
        slot = self._artworks.slot_of_ordinal(ordinal)
        return None if slot is None else self._names[self._artworks.pools[slot]]

    def pools(self) -> Iterator[tuple[str, Pool]]:
        """Return every pool that has, or had, a member."""
        return iter(self._pools.items())

    def pool(self, pool_id: str) -> Pool:
        """Return a pool. Raises KeyError for one that never had a member."""
        return self._pools[pool_id]

    def formers(self, ordinals: BitMap) -> Collection[str]:
        """Return the pools that have one of these artworks as a former member."""
        if not ordinals.intersect(self._moved):
            return ()
        return [pool_id for pool_id in self._left if self._pools[pool_id].former.intersect(ordinals)]

    def pools_changed_since(self, version: int) -> Collection[str]:
        """Return the pools whose members, or active ones, changed after a version; the newest change comes first.

        What this costs grows with their number alone.
        """
        found = []
        for pool_id in reversed(self._changed):
            if self._changed[pool_id] <= version:
                break
            found.append(pool_id)
        return found

    def new_since(self, version: int) -> Sequence[str]:
        """Return the artworks that became known after a version, in log order; their ids are read when needed.

        The sequence stays as it is while the catalogue grows.
        """
        return Ids(self._artworks, range(bisect_right(self._added, version), len(self._artworks)))

    def apply(self, key: bytes | None, value: bytes | None) -> Artwork | Refusal:
        """Apply one record. A refused one (bad JSON, or an ordinal that changed or was reused) changes nothing."""
        record = read(key, value)
        if isinstance(record, Refusal):
            return record
        return self.take(*record)

    def take(self, artwork_id: str, said: Said | None) -> Artwork | Refusal:
        """Apply a record that was read; None is a tombstone."""
        if said is None:
            return self.retire(artwork_id)
        return self.put(artwork_id, said.pool_id, said.ordinal, said.retired)

    def put(self, artwork_id: str, pool_id: str, ordinal: int, retired: bool) -> Artwork | Refusal:
        """Apply what a record says that is no tombstone; its fields are valid."""
        key = artwork_id.encode()
        slot = self._artworks.find(key)
        if slot is not None:
            if (old := self._artworks.ordinal(slot)) != ordinal:
                return Refusal(artwork_id, f"ordinal {old} can't become {ordinal}")
            return self._change(slot, pool_id, retired)
        owner = self._artworks.slot_of_ordinal(ordinal)
        if owner is not None:
            return Refusal(artwork_id, f"ordinal {ordinal} belongs to {self._artworks.id(owner)}")
        self._artworks.add(key, ordinal, self._number(pool_id))
        self._note(pool_id)
        self._added.append(self.version)
        self._enter(pool_id, ordinal, retired)
        return Artwork(artwork_id, ordinal, pool_id, retired)

    def retire(self, artwork_id: str) -> Artwork | Refusal:
        """Apply a tombstone."""
        slot = self._artworks.slot(artwork_id)
        if slot is None:
            return Refusal(artwork_id, "a tombstone for an artwork that never existed")
        return self._change(slot, self._names[self._artworks.pools[slot]], True)

    def _change(self, slot: int, pool_id: str, retired: bool) -> Artwork:
        old = self._at(slot)
        if (old.pool_id, old.retired) != (pool_id, retired):
            self._note(old.pool_id)
            self._note(pool_id)
            self.active -= not old.retired
            if old.pool_id != pool_id:
                self._pools[old.pool_id].leave(old.ordinal)
                self._moved.add(old.ordinal)
                self._left[old.pool_id] = None
                self._artworks.pools[slot] = self._number(pool_id)
            self._enter(pool_id, old.ordinal, retired)
        return Artwork(old.artwork_id, old.ordinal, pool_id, retired)

    def _enter(self, pool_id: str, ordinal: int, retired: bool) -> None:
        pool = self._pools[pool_id]
        pool.join(ordinal)
        if retired:
            pool.active.discard(ordinal)
        self.active += not retired

    def _number(self, pool_id: str) -> int:
        number = self._numbers.get(pool_id)
        if number is None:
            number = self._numbers[pool_id] = len(self._names)
            self._names.append(pool_id)
            self._pools[pool_id] = Pool(BitMap(), BitMap())
        return number

    def _note(self, pool_id: str) -> None:
        """Note that a pool changes, with a version of its own."""
        self.version += 1
        self._changed[pool_id] = self.version
        self._changed.move_to_end(pool_id)

    def _at(self, slot: int) -> Artwork:
        ordinal, pool_id = self._artworks.ordinal(slot), self._names[self._artworks.pools[slot]]
        return Artwork(self._artworks.id(slot), ordinal, pool_id, ordinal not in self._pools[pool_id].active)
