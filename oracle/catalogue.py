"""The catalogue as rule 5 reads it, and what users have seen of each pool."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from oracle.fields import is_artwork, is_id
from oracle.jsontext import Malformed, parse_object
from oracle.rules import Record

Row = tuple[Any, ...]

ARTWORK_COLUMNS = ["artwork_id", "pool_id", "ordinal", "created_at", "retired", "dna"]
COVERAGE_COLUMNS = ["user_id", "pool_id", "seen", "pool_size", "coverage", "freshness"]
ARTWORK_KEY, COVERAGE_KEY = 1, 2


@dataclass
class Artwork:
    """The latest that the log says about an artwork."""

    pool_id: str
    ordinal: int
    created_at: int = 0
    retired: bool = False
    dna: list[float] = field(default_factory=list)


class Catalogue:
    """One log of the catalogue: records in their order, those that change or reuse an ordinal refused."""

    def __init__(self) -> None:
        self.artworks: dict[str, Artwork] = {}
        self._owner_of: dict[int, str] = {}
        # Of each record that was not refused: its artwork and its offset.
        self.taken: list[tuple[str, int]] = []

    def read(self, record: Record) -> None:
        """Take the next record, or refuse it."""
        artwork_id = _text(record.key)
        if not is_id(artwork_id):
            return
        known = self.artworks.get(artwork_id)
        if record.value is None:
            if known is not None:
                known.retired = True
                self.taken.append((artwork_id, record.offset))
            return
        try:
            said = parse_object(record.value)
        except Malformed:
            return
        if not is_artwork(said) or said.get("artwork_id", artwork_id) != artwork_id:
            return
        ordinal = said["ordinal"]
        if known is not None and known.ordinal != ordinal:
            return
        if self._owner_of.setdefault(ordinal, artwork_id) != artwork_id:
            return
        self.artworks[artwork_id] = Artwork(
            said["pool_id"], ordinal, said.get("created_at", 0), said.get("retired", False), said.get("dna", [])
        )
        self.taken.append((artwork_id, record.offset))

    def rows(self) -> Iterable[Row]:
        """What the view `artworks` must hold."""
        for artwork_id, known in self.artworks.items():
            dna = tuple(map(float, known.dna))
            yield artwork_id, known.pool_id, known.ordinal, known.created_at, known.retired, dna

    def coverage(self, seen: Mapping[str, Iterable[str]]) -> Iterable[Row]:
        """What `user_coverage` must hold, given the artworks that each user has an accepted impression of."""
        sizes = Counter(each.pool_id for each in self.artworks.values() if not each.retired)
        for user_id, artworks in seen.items():
            active: Counter[str] = Counter()
            for known in (self.artworks[each] for each in artworks if each in self.artworks):
                active[known.pool_id] += not known.retired
            for pool_id, count in active.items():
                share = count / sizes[pool_id] if sizes[pool_id] else 0.0
                yield user_id, pool_id, count, sizes[pool_id], share, 1 - share


def _text(key: bytes | None) -> str:
    return (key or b"").decode("utf-8", "replace")
