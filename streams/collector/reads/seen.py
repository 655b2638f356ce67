"""What a user has seen, in memory: ClickHouse's rows joined with the tail's, exact from then on (contract §4.5).

Both sources hold sets, an artwork once for a user and an event once, so that their union counts nothing twice however
often a row comes. Once the two are joined, the tail's next rows keep it exact, and ClickHouse needn't be asked again.
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

from msgspec import Struct
from pyroaring import BitMap

from streams.collector.reads.recent import Recent
from streams.collector.reads.rows import Row
from streams.core.catalogue import Catalogue

HOUR_MS = 3_600_000
# Estimates, rounded up. Of an artwork: 4 and 8 bytes in the arrays, some room to grow, and 2 or more in two bitmaps.
USER_BYTES, ARTWORK_BYTES, UNCATALOGUED_BYTES, POOL_BYTES = 1_200, 24, 260, 500
_FEW_RECENT = 64
_NONE = BitMap()


class SeenRows(NamedTuple):
    """What ClickHouse has of a user: artworks with received_at, and the last hour's events: id, seen_at, artwork."""

    artworks: Sequence[tuple[str, int]] = ()
    recent: Sequence[tuple[str, int, str]] = ()


class PoolCoverage(NamedTuple):
    """A user's coverage of a pool, as `user_coverage` has it; times are ms since the epoch."""

    pool_id: str
    seen: int
    pool_size: int
    coverage: float
    freshness: float
    impressions_1h: int
    updated_at: int


class _Pool(Struct):
    """Of the artworks that a user has seen: those that are in a pool now, and when the newest was received."""

    ordinals: BitMap
    newest: int = 0


class Seen:
    """One user's artworks by the catalogue's ordinals, and their events of the last hour."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._version = catalogue.version
        self._ordinals = BitMap()
        self._places, self._received = array("I"), array("Q")  # the same artworks, and when each was received (ms)
        self._pools: dict[str, _Pool] = {}
        self._uncatalogued: dict[str, int] = {}
        self._recent = Recent()
        self._trim_at = _FEW_RECENT

    @property
    def bytes(self) -> int:
        """What it takes in memory, estimated."""
        return (
            USER_BYTES
            + ARTWORK_BYTES * len(self._places)
            + UNCATALOGUED_BYTES * len(self._uncatalogued)
            + self._recent.bytes
            + POOL_BYTES * len(self._pools)
        )

    def add(self, row: Row) -> None:
        """Take a row of the tail, which may be one that is known."""
        if row.fresh:
            self._see(((row.artwork_id, row.received_at),))
        self._recent.add(row.event_id, row.seen_at, row.artwork_id, self._catalogue.ordinal(row.artwork_id))
        if len(self._recent) >= self._trim_at:
            # By the broker's clock, and so with room for ours, which may be behind.
            self._forget_before(row.received_at - 2 * HOUR_MS)

    def merge(self, found: SeenRows) -> None:
        """Take what ClickHouse has; rows may come twice."""
        self._see(found.artworks)
        ordinal_of = self._catalogue.ordinal
        for event_id, seen_at, artwork_id in found.recent:
            self._recent.add(event_id, seen_at, artwork_id, ordinal_of(artwork_id))

    def coverage(self, now_ms: int) -> list[PoolCoverage]:
        """Return the user's pools by their names, with the catalogue as it is now."""
        self._catch_up()
        self._forget_before(now_ms - HOUR_MS + 1)
        recent = self._recent_by_pool(now_ms)
        rows = []
        for pool_id, pool in sorted(self._pools.items()):
            active = self._catalogue.pool(pool_id).active
            seen, size = pool.ordinals.intersection_cardinality(active), len(active)
            share = seen / size if size else 0.0
            rows.append(PoolCoverage(pool_id, seen, size, share, 1 - share, recent[pool_id], pool.newest))
        return rows

    def unseen(self, pool_id: str, first: int, most: int) -> list[tuple[str, int]]:
        """Return up to `most` active artworks of a pool that the user has not seen, with their ordinals, in that order.

        The first one's ordinal is at least `first`.
        """
        self._catch_up()
        try:
            active = self._catalogue.pool(pool_id).active
        except KeyError:
            return []
        left = active - self._ordinals
        return [(self._id_of(ordinal), ordinal) for ordinal in islice(left.iter_equal_or_larger(first), most)]

    def _id_of(self, ordinal: int) -> str:
        artwork_id = self._catalogue.id_of(ordinal)
        assert artwork_id is not None, "a pool's ordinals are the catalogue's"
        return artwork_id

    def _see(self, artworks: Iterable[tuple[str, int]]) -> None:
        """Take artworks with received_at. About a microsecond each, since a user may have seen many."""
        new = []
        ordinal_of, ordinals = self._catalogue.ordinal, self._ordinals
        for artwork_id, received_at in artworks:
            ordinal = ordinal_of(artwork_id)
            if ordinal is None:
                self._uncatalogued[artwork_id] = received_at
            elif ordinal not in ordinals:
                ordinals.add(ordinal)
                new.append((ordinal, received_at))
        self._places.extend(ordinal for ordinal, _ in new)
        self._received.extend(received_at for _, received_at in new)
        self._place(new)

    def _place(self, ordinals: Iterable[tuple[int, int]]) -> None:
        members, pool = _NONE, _Pool(_NONE)
        for ordinal, received_at in ordinals:
            if ordinal not in members:  # of the pool of the one before
                pool_id = self._catalogue.pool_of(ordinal)
                assert pool_id is not None, "the ordinal is the catalogue's"
                members = self._catalogue.pool(pool_id).members
                pool = self._pools.setdefault(pool_id, _Pool(BitMap()))
            pool.ordinals.add(ordinal)
            pool.newest = max(pool.newest, received_at)

    def _catch_up(self) -> None:
        """Follow the catalogue: artworks that it knows by now, and those that moved to other pools."""
        catalogue = self._catalogue
        if self._version == catalogue.version:
            return
        self._version = catalogue.version
        known = [each for each in self._uncatalogued if catalogue.ordinal(each) is not None]
        self._see([(each, self._uncatalogued.pop(each)) for each in known])
        self._recent.place(catalogue.ordinal)
        if catalogue.formers(self._ordinals):
            self._pools = {}
            self._place(zip(self._places, self._received, strict=True))

    def _recent_by_pool(self, now_ms: int) -> Counter[str]:
        pools: Counter[str] = Counter()
        for seen_at, ordinal in self._recent:
            # The clock of a device may be ahead.
            if seen_at <= now_ms and (pool_id := self._catalogue.pool_of(ordinal)) is not None:
                pools[pool_id] += 1
        return pools

    def _forget_before(self, horizon_ms: int) -> None:
        self._recent.forget_before(horizon_ms)
        self._trim_at = 2 * len(self._recent) + _FEW_RECENT


def seen_rows(parts: Iterable[tuple[str, list[str], list[int], list[str]]]) -> dict[str, SeenRows]:
    """Return what `statements.seen` answers, by user: arrays of artworks, times, and of events (none: artworks)."""
    found: dict[str, SeenRows] = {}
    for user_id, artworks, times, events in parts:
        known = found.get(user_id, SeenRows())
        if events:
            known = known._replace(recent=list(zip(events, times, artworks, strict=True)))
        else:
            known = known._replace(artworks=list(zip(artworks, times, strict=True)))
        found[user_id] = known
    return found
