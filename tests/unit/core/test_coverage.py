"""What coverage costs: what changed, and neither the whole catalogue nor everything that a user ever saw."""

from collections import Counter
from collections.abc import Callable

import pytest

from streams.core.catalogue import Catalogue, Pool
from streams.core.coverage import absorb, changed_rows
from streams.core.digests import Digests
from streams.core.seen import Seen
from tests.support.flushes import put


class Counting(Catalogue):
    """A catalogue that counts what it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: Counter[str] = Counter()

    def ordinal(self, artwork_id: str) -> int | None:
        self.asked["ordinal"] += 1
        return super().ordinal(artwork_id)

    def pool(self, pool_id: str) -> Pool:
        self.asked["pool"] += 1
        return super().pool(pool_id)


def catalogue_of(count: int, pools: int = 1) -> Counting:
    """Return a catalogue of a0 in pool p0, a1 in p1 and so on, over and over."""
    catalogue = Counting()
    for n in range(count):
        put(catalogue, f"a{n}", pool_id=f"p{n % pools}", ordinal=n)
    return catalogue


def user(*artworks: str | int) -> Seen:
    """Return a user who saw artworks, given by id or by ordinal."""
    seen = Seen()
    for each in artworks:
        seen.add(*((f"a{each}", each) if isinstance(each, int) else (each, None)))
    return seen


def absorbed(seen: Seen, catalogue: Counting) -> int:
    """Absorb; return how many artworks were looked up."""
    catalogue.asked.clear()
    absorb(seen, catalogue)
    return catalogue.asked["ordinal"]


def rows(seen: Seen, catalogue: Catalogue) -> dict[str, tuple[int, int] | None]:
    """Return the changed rows: seen and size by pool."""
    changed = changed_rows("u", seen, catalogue, 5)
    assert len(changed) == len({pool_id for pool_id, _ in changed})
    return {pool_id: None if row is None else (row.seen, row.pool_size) for pool_id, row in changed}


def test_ids_become_ordinals_once_the_catalogue_knows_them() -> None:
    catalogue, seen = catalogue_of(2), user("a1", "a2", "a3")
    absorbed(seen, catalogue)
    assert (list(seen.ordinals), seen.uncatalogued) == ([1], {"a2", "a3"})
    put(catalogue, "a3", pool_id="p", ordinal=9)
    absorbed(seen, catalogue)
    assert (list(seen.ordinals), seen.uncatalogued) == ([1, 9], {"a2"})


def test_an_id_that_was_absorbed_before_is_dropped_and_not_written_again() -> None:
    """Its entry stays in the log, and is read again."""
    catalogue, seen = catalogue_of(2), user("a1", 1)
    size = len(seen.entries)
    absorbed(seen, catalogue)
    assert (list(seen.ordinals), seen.uncatalogued, len(seen.entries)) == ([1], set(), size)


def test_a_user_with_many_unknown_ids_pays_for_what_the_catalogue_learned() -> None:
    catalogue, seen = catalogue_of(1), user(*(f"b{n}" for n in range(5_000)))
    assert absorbed(seen, catalogue) == 5_000, "the first time, as after a restart"
    assert absorbed(seen, catalogue) == 0
    put(catalogue, "b77", pool_id="p0", ordinal=1)
    put(catalogue, "c", pool_id="p0", ordinal=2)
    put(catalogue, "a0", pool_id="p1", ordinal=0)
    assert absorbed(seen, catalogue) <= 3
    assert list(seen.ordinals) == [1]


def test_a_user_with_few_unknown_ids_pays_for_them_however_much_the_catalogue_learned() -> None:
    catalogue, seen = catalogue_of(1), user("a700", "b")
    absorbed(seen, catalogue)
    for n in range(1, 1_000):
        put(catalogue, f"a{n}", pool_id="p0", ordinal=n)
    assert absorbed(seen, catalogue) <= 2
    assert list(seen.ordinals) == [700]


def test_many_ids_are_kept_as_digests_once_they_were_looked_up() -> None:
    catalogue, seen = catalogue_of(1), user(*(f"b{n}" for n in range(3_000)))
    seen.compact()
    assert isinstance(seen.uncatalogued, set), "not looked up yet"
    absorbed(seen, catalogue)
    memory = seen.memory
    seen.compact()
    assert isinstance(seen.uncatalogued, Digests)
    assert seen.memory < memory / 2
    put(catalogue, "b77", pool_id="p0", ordinal=1)
    put(catalogue, "c", pool_id="p0", ordinal=2)
    assert absorbed(seen, catalogue) == 2
    assert (list(seen.ordinals), len(seen.uncatalogued)) == ([1], 2_999)
    seen.add("new", None)
    assert [each in seen.uncatalogued for each in ("b0", "b77", "new", "c")] == [True, False, True, False]


def test_a_user_without_unknown_ids_pays_nothing() -> None:
    assert absorbed(user(1, 2), catalogue_of(10)) == 0


def test_rows_are_those_of_pools_that_changed() -> None:
    catalogue, seen = catalogue_of(6, pools=3), user(0, 1, 3)
    assert rows(seen, catalogue) == {"p0": (2, 2), "p1": (1, 2)}
    assert rows(seen, catalogue) == {}, "nothing changed"
    seen.add("a4", 4)
    assert rows(seen, catalogue) == {"p1": (2, 2)}
    put(catalogue, "a6", pool_id="p0", ordinal=6)
    put(catalogue, "a7", pool_id="p2", ordinal=7)
    assert rows(seen, catalogue) == {"p0": (2, 3)}, "nothing of p2 was seen"


def test_a_row_that_says_the_same_is_left_out() -> None:
    catalogue, seen = catalogue_of(2), user(0)
    rows(seen, catalogue)
    put(catalogue, "a1", pool_id="p0", ordinal=1)
    assert rows(seen, catalogue) == {}
    put(catalogue, "a1", pool_id="p0", ordinal=1, retired=True)
    assert rows(seen, catalogue) == {"p0": (1, 1)}


def test_a_pool_that_lost_all_that_a_user_saw_loses_its_row_once() -> None:
    catalogue, seen = catalogue_of(2), user(0)
    rows(seen, catalogue)
    put(catalogue, "a0", pool_id="q", ordinal=0)
    assert rows(seen, catalogue) == {"p0": None, "q": (1, 1)}
    put(catalogue, "a1", pool_id="p0", ordinal=1, retired=True)
    assert rows(seen, catalogue) == {}
    assert rows(user(0), catalogue) == {"p0": None, "q": (1, 1)}, "the same user, read from the store"
    put(catalogue, "a0", pool_id="p0", ordinal=0)
    assert rows(seen, catalogue) == {"p0": (1, 0 + 1), "q": None}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda seen, _: seen.add("a3", 3), id="an artwork seen"),
        pytest.param(lambda _, catalogue: put(catalogue, "x", pool_id="p3", ordinal=50_000), id="a pool that grew"),
        pytest.param(lambda seen, _: setattr(seen, "covered", -1), id="read from the store"),
    ],
)
def test_the_pools_of_the_catalogue_are_not_walked(change: Callable[[Seen, Catalogue], object]) -> None:
    catalogue, seen = catalogue_of(2_000, pools=1_000), user(1, 2, 1_001)
    rows(seen, catalogue)
    seen.pack()
    change(seen, catalogue)
    catalogue.asked.clear()
    rows(seen, catalogue)
    assert catalogue.asked["pool"] <= 6
