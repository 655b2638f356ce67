"""The catalogue as rule 5 reads it, and how much of each pool users have seen."""

from collections import Counter
from collections.abc import Iterable, Mapping

from oracle.fields import is_artwork, is_id
from oracle.jsontext import Malformed, parse_object
from oracle.rows import Artwork, Coverage
from oracle.rules import Record

_LONGEST_RECORD = 2**20


class Catalogue:
    """One log of the catalogue. Its records are read in order; one that changes or reuses an ordinal is refused."""

    def __init__(self) -> None:
        self.artworks: dict[str, Artwork] = {}
        self._owner_of: dict[int, str] = {}
        # The artwork and the offset of each record that was not refused.
        self.taken: list[tuple[str, int]] = []

    def read(self, record: Record) -> None:
        """Accept the next record, or refuse it."""
        artwork_id = _text(record.key)
        if not is_id(artwork_id) or len(record.value or b"") > _LONGEST_RECORD:
            return
        known = self.artworks.get(artwork_id)
        if record.value is None:
            if known is not None:
                self.artworks[artwork_id] = known._replace(retired=True)
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
        dna = tuple(map(float, said.get("dna", [])))
        created_at, retired = said.get("created_at", 0), said.get("retired", False)
        self.artworks[artwork_id] = Artwork(artwork_id, said["pool_id"], ordinal, created_at, retired, dna)
        self.taken.append((artwork_id, record.offset))

    def coverage(self, seen: Mapping[str, Iterable[str]]) -> Iterable[Coverage]:
        """Yield the rows of `user_coverage`. `seen` has the artworks that each user has an accepted impression of."""
        sizes = Counter(each.pool_id for each in self.artworks.values() if not each.retired)
        for user_id, artworks in seen.items():
            active: Counter[str] = Counter()
            for known in (self.artworks[each] for each in artworks if each in self.artworks):
                active[known.pool_id] += not known.retired
            for pool_id, count in active.items():
                share = count / sizes[pool_id] if sizes[pool_id] else 0.0
                yield Coverage(user_id, pool_id, count, sizes[pool_id], share, 1 - share)


def _text(key: bytes | None) -> str:
    return (key or b"").decode("utf-8", "replace")
