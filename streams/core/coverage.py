"""What a user has seen, against the catalogue: ids become ordinals, and pools' coverage becomes rows (contract §4.5).

Both cost what changed: an artwork that the user saw, or a pool of theirs.
"""

from collections.abc import Collection, Iterable

from pyroaring import BitMap

from streams.core import rows
from streams.core.catalogue import Catalogue
from streams.core.digests import Digests
from streams.core.rows import Coverage
from streams.core.seen import Seen

_NONE = BitMap()


def absorb(seen: Seen, catalogue: Catalogue) -> None:
    """Replace the user's seen ids by ordinals where the catalogue knows them by now."""
    since, seen.checked = seen.checked, catalogue.version
    waiting = seen.uncatalogued
    if not waiting:
        return
    if isinstance(waiting, Digests):
        ids: Iterable[str] = catalogue.new_since(since)
    else:
        # At least one change of the catalogue made each new id known.
        few = since >= 0 and catalogue.version - since < len(waiting)
        ids = catalogue.new_since(since) if few else list(waiting)
    for artwork_id in ids:
        ordinal = catalogue.ordinal(artwork_id)
        if ordinal is not None and artwork_id in waiting:
            seen.forget(artwork_id)
            # The value may hold both entries: then the id has been absorbed before.
            if ordinal not in seen.ordinals:
                seen.add(artwork_id, ordinal)


def changed_rows(user_id: str, seen: Seen, catalogue: Catalogue, updated_at: int) -> list[tuple[str, Coverage | None]]:
    """Return the pools whose row changed for the user since the last call, with the row; None: there is none any more.

    Looks at the pools of the user's fresh artworks, and at those that the catalogue changed. After the user was read
    from the store, every pool of theirs has changed.
    """
    ordinals, written = seen.ordinals, seen.rows
    changed: list[tuple[str, Coverage | None]] = []
    for pool_id in _changed_pools(seen, catalogue):
        pool = catalogue.pool(pool_id)
        active = pool.active
        count = ordinals.intersection_cardinality(active)
        if count or ordinals.intersect(pool.members):
            row = (count, len(active))
            if written.get(pool_id) != row:
                written[pool_id] = row
                changed.append((pool_id, rows.coverage(user_id, pool_id, *row, updated_at)))
        elif ordinals.intersect(pool.former) and written.get(pool_id, ()) is not None:
            # Everything the user saw of this pool has moved to other pools: delete the row, if there is one.
            written[pool_id] = None
            changed.append((pool_id, None))
    seen.covered = catalogue.version
    return changed


def _changed_pools(seen: Seen, catalogue: Catalogue) -> Collection[str]:
    """Return the pools whose row may have changed, each once and in a fixed order."""
    if seen.covered < 0:
        pools, more = _pools_of(seen.ordinals, catalogue), catalogue.formers(seen.ordinals)
    else:
        pools = _pools_of(seen.fresh, catalogue)
        more = catalogue.pools_changed_since(seen.covered) if seen.covered != catalogue.version else ()
    return sorted({*pools, *more}) if more else pools


def _pools_of(ordinals: Iterable[int], catalogue: Catalogue) -> Collection[str]:
    """Return the pools that these artworks are in now, in their order."""
    pools: dict[str, None] = {}
    members = _NONE
    for ordinal in ordinals:
        if ordinal not in members:  # of the pool of the one before
            pool_id = catalogue.pool_of(ordinal)
            assert pool_id is not None, "the catalogue has all ordinals that the state uses: State.load checks it"
            pools[pool_id] = None
            members = catalogue.pool(pool_id).members
    return pools
