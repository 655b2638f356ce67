"""The catalogue of artworks, built from the records of `artworks.v1` in log order (contract §4.5)."""

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

import orjson
from pydantic import TypeAdapter, ValidationError
from pyroaring import BitMap

from impression_streams.types import Id
from streams.model.artwork import ArtworkRecord

_ID: TypeAdapter[str] = TypeAdapter(Id)


@dataclass(frozen=True, slots=True)
class Artwork:
    """An artwork as its latest record describes it. A tombstone keeps its pool and retires it."""

    artwork_id: str
    ordinal: int
    pool_id: str
    retired: bool


@dataclass(frozen=True, slots=True)
class Refusal:
    """A record that the catalogue refuses, and why."""

    artwork_id: str
    why: str


@dataclass(slots=True)
class Pool:
    """Ordinals: `members` by their latest record, `active` if not retired, `former` if only an earlier one says so."""

    members: BitMap = field(default_factory=BitMap)
    active: BitMap = field(default_factory=BitMap)
    former: BitMap = field(default_factory=BitMap)


class Catalogue:
    """Artworks by id, and pools as bitmaps of ordinals. An id keeps its ordinal for ever, and an ordinal its id."""

    def __init__(self) -> None:
        self._artworks: dict[str, Artwork] = {}
        self._owners: dict[int, str] = {}
        self._pools: dict[str, Pool] = {}
        # Ids and pools in the order of their (last) change, with the version that made it.
        self._known: list[str] = []
        self._known_at: list[int] = []
        self._changed_at: dict[str, int] = {}
        # The pools that an artwork was in before, by ordinal.
        self._former: dict[int, set[str]] = {}
        self.version = 0  # counts changes, so callers can tell whether anything has changed

    def __len__(self) -> int:
        return len(self._artworks)

    def get(self, artwork_id: str) -> Artwork | None:
        """Return the artwork, retired or not, or None if no record has named it yet."""
        return self._artworks.get(artwork_id)

    def ordinal(self, artwork_id: str) -> int | None:
        """Return the artwork's ordinal, or None if the catalogue doesn't know the artwork."""
        artwork = self._artworks.get(artwork_id)
        return artwork.ordinal if artwork else None

    def pools(self) -> Iterator[tuple[str, Pool]]:
        """Return every pool that has, or had, a member."""
        return iter(self._pools.items())

    def pool(self, pool_id: str) -> Pool:
        """Return a pool. Raises KeyError for one that never had a member."""
        return self._pools[pool_id]

    def id_of(self, ordinal: int) -> str | None:
        """Return the artwork with this ordinal, or None."""
        return self._owners.get(ordinal)

    def pool_of(self, ordinal: int) -> str | None:
        """Return the pool of the artwork with this ordinal by its latest record, or None."""
        artwork_id = self._owners.get(ordinal)
        return None if artwork_id is None else self._artworks[artwork_id].pool_id

    def formers(self, ordinals: BitMap) -> Collection[str]:
        """Return the pools that one of these artworks was in before."""
        if not self._former:
            return ()
        moved = ordinals & BitMap(self._former)
        return set().union(*(self._former[ordinal] for ordinal in moved))

    def new_since(self, version: int) -> Sequence[str]:
        """Return the ids that became known after this version."""
        return self._known[bisect_right(self._known_at, version) :]

    def pools_changed_since(self, version: int) -> Collection[str]:
        """Return the pools that changed after this version: by a new or retired member, or one that moved in or out."""
        changed = []
        for pool_id, at in reversed(self._changed_at.items()):
            if at <= version:
                break
            changed.append(pool_id)
        return changed

    def apply(self, key: bytes | None, value: bytes | None) -> Artwork | Refusal:
        """Apply one record. A refused one (bad JSON, or an ordinal that changed or was reused) changes nothing."""
        try:
            artwork_id = _ID.validate_python((key or b"").decode())
            record = ArtworkRecord.model_validate(orjson.loads(value)) if value is not None else None
        except (ValidationError, ValueError) as error:
            return Refusal(repr(key), f"not an artwork record: {error}".split("\n", 1)[0])
        if record is None:
            return self._retire(artwork_id)
        if record.artwork_id not in ("", artwork_id):
            return Refusal(artwork_id, "the value names a different artwork than the key")
        ordinal = self.ordinal(artwork_id)
        if ordinal not in (None, record.ordinal):
            return Refusal(artwork_id, f"ordinal {ordinal} can't become {record.ordinal}")
        owner = self._owners.get(record.ordinal, artwork_id)
        if owner != artwork_id:
            return Refusal(artwork_id, f"ordinal {record.ordinal} belongs to {owner}")
        return self._put(Artwork(artwork_id, record.ordinal, record.pool_id, record.retired))

    def _retire(self, artwork_id: str) -> Artwork | Refusal:
        old = self._artworks.get(artwork_id)
        if old is None:
            return Refusal(artwork_id, "a tombstone for an artwork that never existed")
        return self._put(replace(old, retired=True))

    def _put(self, artwork: Artwork) -> Artwork:
        old = self._artworks.get(artwork.artwork_id)
        if old is not None:
            pool = self._pools[old.pool_id]
            pool.members.discard(old.ordinal)
            pool.active.discard(old.ordinal)
            pool.former.add(old.ordinal)
            self._changed(old.pool_id)
            if old.pool_id != artwork.pool_id:
                self._former.setdefault(old.ordinal, set()).add(old.pool_id)
        else:
            self._known.append(artwork.artwork_id)
            self._known_at.append(self.version + 1)
        pool = self._pools.setdefault(artwork.pool_id, Pool())
        pool.members.add(artwork.ordinal)
        pool.former.discard(artwork.ordinal)
        if not artwork.retired:
            pool.active.add(artwork.ordinal)
        self._artworks[artwork.artwork_id] = artwork
        self._owners[artwork.ordinal] = artwork.artwork_id
        self._changed(artwork.pool_id)
        self.version += 1
        return artwork

    def _changed(self, pool_id: str) -> None:
        self._changed_at.pop(pool_id, None)
        self._changed_at[pool_id] = self.version + 1
