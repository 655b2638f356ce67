"""The compact catalogue is a dictionary of artworks, whatever is applied to it and in whatever order."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyroaring import BitMap

from streams.core.artwork_record import Refusal
from streams.core.catalogue import Artwork, Catalogue

IDS = [f"a{n}" for n in range(12)]
POOLS = ["p", "q", "r"]
# Dense ones, in which an ordinal may be its slot, and wild ones.
ORDINALS = [*range(8), 41, 63, 64, 1_000_000, 2**31, 2**32 - 2, 2**32 - 1]
Change = tuple[str, tuple[str, int, bool] | None]
changes = st.lists(
    st.tuples(
        st.sampled_from(IDS),
        st.none() | st.tuples(st.sampled_from(POOLS), st.sampled_from(ORDINALS), st.booleans()),
    ),
    max_size=60,
)


@dataclass
class Model:
    """The same, as plainly as possible."""

    artworks: dict[str, Artwork] = field(default_factory=dict)
    former: set[tuple[str, int]] = field(default_factory=set)

    def apply(self, artwork_id: str, said: tuple[str, int, bool] | None) -> bool:
        """Apply a record; return whether it was taken."""
        known = self.artworks.get(artwork_id)
        if said is None:
            if known is None:
                return False
            pool_id, ordinal, retired = known.pool_id, known.ordinal, True
        else:
            pool_id, ordinal, retired = said
            if known is not None and known.ordinal != ordinal:
                return False
            if any(each.ordinal == ordinal for each in self.artworks.values() if each.artwork_id != artwork_id):
                return False
        if known is not None:
            self.former.add((known.pool_id, ordinal))
        self.former.discard((pool_id, ordinal))
        self.artworks[artwork_id] = Artwork(artwork_id, ordinal, pool_id, retired)
        return True

    def sets(self) -> dict[str, tuple[set[int], set[int], set[int]]]:
        """Return members, active and former ordinals of each pool that has, or had, a member."""
        found: dict[str, tuple[set[int], set[int], set[int]]] = {}
        for each in self.artworks.values():
            members, active, _ = found.setdefault(each.pool_id, (set(), set(), set()))
            members.add(each.ordinal)
            if not each.retired:
                active.add(each.ordinal)
        for pool_id, ordinal in self.former:
            found.setdefault(pool_id, (set(), set(), set()))[2].add(ordinal)
        return found


def sets(catalogue: Catalogue) -> dict[str, tuple[set[int], set[int], set[int]]]:
    return {name: (set(pool.members), set(pool.active), set(pool.former)) for name, pool in catalogue.pools()}


def apply(catalogue: Catalogue, artwork_id: str, said: tuple[str, int, bool] | None) -> Artwork | Refusal:
    return catalogue.retire(artwork_id) if said is None else catalogue.put(artwork_id, *said)


@given(changes)
@settings(max_examples=500)
def test_it_holds_what_a_dictionary_would(happened: list[Change]) -> None:
    catalogue, model = Catalogue(), Model()
    for artwork_id, said in happened:
        taken = apply(catalogue, artwork_id, said)
        assert isinstance(taken, Artwork) == model.apply(artwork_id, said)
        if isinstance(taken, Artwork):
            assert taken == model.artworks[artwork_id]
    assert sets(catalogue) == model.sets()
    with pytest.raises(KeyError):
        catalogue.pool("none")
    for ordinals in (BitMap(ORDINALS[:4]), BitMap(ORDINALS[4:])):
        formers = catalogue.formers(ordinals)
        assert sorted(formers) == sorted({pool_id for pool_id, ordinal in model.former if ordinal in ordinals})
    assert len(catalogue) == len(model.artworks)
    assert catalogue.active == sum(not each.retired for each in model.artworks.values())
    for artwork_id in IDS:
        known = model.artworks.get(artwork_id)
        assert catalogue.get(artwork_id) == known
        assert catalogue.ordinal(artwork_id) == (known.ordinal if known else None)
    owners = {each.ordinal: each for each in model.artworks.values()}
    for ordinal in ORDINALS:
        owner = owners.get(ordinal)
        assert catalogue.id_of(ordinal) == (owner.artwork_id if owner else None)
        assert catalogue.pool_of(ordinal) == (owner.pool_id if owner else None)


@given(changes, changes)
@settings(max_examples=500)
def test_it_tells_exactly_what_changed_since_a_version(first: list[Change], second: list[Change]) -> None:
    catalogue = Catalogue()
    for change in first:
        apply(catalogue, *change)
    version, before, known = catalogue.version, sets(catalogue), len(catalogue)
    touched: set[str] = set()
    for change in second:
        last, was = catalogue.version, sets(catalogue)
        apply(catalogue, *change)
        changed = {name for name, now in sets(catalogue).items() if was.get(name) != now}
        assert set(catalogue.pools_changed_since(last)) == changed
        assert (catalogue.version > last) == bool(changed)
        touched |= changed
    found = catalogue.pools_changed_since(version)
    assert (set(found), len(found)) == (touched, len(touched))
    assert {name for name, now in sets(catalogue).items() if before.get(name) != now} <= touched
    new = catalogue.new_since(version)
    assert len(new) == len(catalogue) - known
    assert list(catalogue.new_since(-1))[known:] == list(new)
    assert not catalogue.new_since(catalogue.version)
    assert not catalogue.pools_changed_since(catalogue.version)


def test_many_artworks_are_found_again() -> None:
    # Enough that every table grows several times.
    catalogue = Catalogue()
    for n in range(20_000):
        assert isinstance(catalogue.put(f"a{n}", f"p{n % 7}", n * 2_654_435_761 % 2**32, n % 3 == 0), Artwork)
    for n in range(20_000):
        ordinal = n * 2_654_435_761 % 2**32
        assert catalogue.get(f"a{n}") == Artwork(f"a{n}", ordinal, f"p{n % 7}", n % 3 == 0)
        assert catalogue.id_of(ordinal) == f"a{n}"
    assert catalogue.ordinal("a20000") is None
    assert catalogue.id_of(1) is None
