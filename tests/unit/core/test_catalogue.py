"""The catalogue's pools. tests/unit/rules cover which records count."""

import pytest

from streams.core.artwork_record import Refusal
from streams.core.catalogue import Artwork, Catalogue
from tests.support.flushes import catalogue_of, put


def refused(catalogue: Catalogue, key: bytes | None, value: bytes | None) -> str:
    outcome = catalogue.apply(key, value)
    assert isinstance(outcome, Refusal), outcome
    return outcome.why


def members(catalogue: Catalogue) -> dict[str, tuple[list[int], list[int]]]:
    """Return the ordinals of members and of active artworks, by pool, without empty pools."""
    return {name: (list(p.members), list(p.active)) for name, p in catalogue.pools() if p.members}


def test_the_latest_record_of_an_artwork_counts() -> None:
    catalogue = catalogue_of(a={"pool_id": "p", "ordinal": 1}, b={"pool_id": "p", "ordinal": 2})
    assert members(catalogue) == {"p": ([1, 2], [1, 2])}
    put(catalogue, "a", pool_id="q", ordinal=1)
    assert members(catalogue) == {"p": ([2], [2]), "q": ([1], [1])}
    put(catalogue, "b", pool_id="p", ordinal=2, retired=True)
    assert members(catalogue) == {"p": ([2], []), "q": ([1], [1])}
    put(catalogue, "b", pool_id="p", ordinal=2)
    assert members(catalogue) == {"p": ([2], [2]), "q": ([1], [1])}
    assert catalogue.get("a") == Artwork("a", 1, "q", False)
    assert catalogue.ordinal("b") == 2
    assert len(catalogue) == 2


def test_a_tombstone_retires_and_keeps_pool_and_ordinal() -> None:
    catalogue = catalogue_of(a={"pool_id": "p", "ordinal": 1})
    assert catalogue.apply(b"a", None) == Artwork("a", 1, "p", True)
    assert members(catalogue) == {"p": ([1], [])}
    assert "belongs to a" in refused(catalogue, b"b", b'{"pool_id":"p","ordinal":1}')
    assert "can't become" in refused(catalogue, b"a", b'{"pool_id":"p","ordinal":2}')
    put(catalogue, "a", pool_id="p", ordinal=1)
    assert members(catalogue) == {"p": ([1], [1])}


def test_a_pool_remembers_who_left_it() -> None:
    catalogue = catalogue_of(a={"pool_id": "p", "ordinal": 1})
    put(catalogue, "a", pool_id="q", ordinal=1)
    assert {name: list(pool.former) for name, pool in catalogue.pools()} == {"p": [1], "q": []}
    put(catalogue, "a", pool_id="p", ordinal=1)
    assert {name: list(pool.former) for name, pool in catalogue.pools()} == {"p": [], "q": [1]}


REFUSED: dict[str, tuple[bytes | None, bytes | None]] = {
    "another ordinal": (b"a", b'{"pool_id":"p","ordinal":9}'),
    "another artwork's ordinal": (b"b", b'{"pool_id":"p","ordinal":1}'),
    "a tombstone for an unknown artwork": (b"b", None),
    "not JSON": (b"b", b"{"),
    "a wrong field": (b"b", b'{"pool_id":"p","ordinal":-1}'),
}


@pytest.mark.parametrize(("key", "value"), REFUSED.values(), ids=REFUSED)
def test_a_refused_record_changes_nothing(key: bytes | None, value: bytes | None) -> None:
    catalogue = catalogue_of(a={"pool_id": "p", "ordinal": 1})
    assert refused(catalogue, key, value)
    assert members(catalogue) == {"p": ([1], [1])}
    assert len(catalogue) == 1
    assert catalogue.get("b") is None


def test_all_optional_fields_are_accepted() -> None:
    record = {"artwork_id": "a", "pool_id": "p", "ordinal": 0, "created_at": 1, "retired": True, "dna": [1, 0.5, -2e-9]}
    assert put(Catalogue(), "a", **record, unknown=[1]) == Artwork("a", 0, "p", True)
