"""The recount's own reading of the catalogue, and coverage by rule 5 of the contract."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from demo.check.recount_fields import is_id, is_integer, is_time
from demo.check.recount_json import Malformed, decode
from demo.check.recount_types import Artwork, CatalogueRecord, Coverage

# Bitmaps of ordinals hold 32 bits (schemas/artworks.v1.json).
MAX_ORDINAL = 2**32 - 1


def read_catalogue(records: Iterable[CatalogueRecord]) -> tuple[dict[str, Artwork], int]:
    """Return each artwork as of its latest valid record, and how many records were refused.

    Refused are records that can't be read, that change an artwork's ordinal or that use another's: ordinals are
    unique for ever (rule 5), so an artwork keeps its own after a tombstone too.
    """
    artworks: dict[str, Artwork] = {}
    owner: dict[int, str] = {}
    refused = 0
    for record in records:
        key = (record.key or b"").decode("utf-8", "replace")
        if record.value is None:
            if key in artworks:
                artworks[key] = replace(artworks[key], retired=True)
            continue
        artwork = _artwork(key, record.value)
        changes = artwork is not None and key in artworks and artworks[key].ordinal != artwork.ordinal
        if artwork is None or changes or owner.setdefault(artwork.ordinal, key) != key:
            refused += 1
        else:
            artworks[key] = artwork
    return artworks, refused


def _artwork(key: str, value: bytes) -> Artwork | None:
    """Return the record's artwork, or None where a field is wrong (section 2, `artworks.v1`)."""
    try:
        fields = decode(value)
    except Malformed:
        return None
    pool_id, ordinal = fields.get("pool_id"), fields.get("ordinal")
    created_at, retired = fields.get("created_at", 0), fields.get("retired", False)
    dna = fields.get("dna", [])
    if not (is_id(key) and fields.get("artwork_id", key) == key and is_id(pool_id) and is_integer(ordinal)):
        return None
    if ordinal > MAX_ORDINAL:
        return None
    if not (is_time(created_at) and isinstance(retired, bool) and isinstance(dna, list)):
        return None
    numbers = [number for number in dna if isinstance(number, int | float) and not isinstance(number, bool)]
    if len(numbers) != len(dna) or not all(math.isfinite(number) for number in numbers):
        return None
    return Artwork(key, pool_id, ordinal, created_at, retired, tuple(float(number) for number in numbers))


def coverage_of(seen: Mapping[str, set[str]], artworks: Mapping[str, Artwork]) -> list[Coverage]:
    """Return rule 5's rows: one a user and pool in which the catalogue knows an artwork the user has seen.

    `seen` holds each user's distinct accepted artwork ids. Which pool the impression named plays no part.
    """
    active: dict[str, set[str]] = defaultdict(set)
    for artwork in artworks.values():
        if not artwork.retired:
            active[artwork.pool_id].add(artwork.artwork_id)
    rows = []
    for user_id, artwork_ids in seen.items():
        for pool_id in {artworks[artwork_id].pool_id for artwork_id in artwork_ids if artwork_id in artworks}:
            in_pool = active[pool_id]
            count, size = len(artwork_ids & in_pool), len(in_pool)
            share = count / size if size else 0.0
            rows.append(Coverage(user_id, pool_id, count, size, share, 1 - share))
    return rows
