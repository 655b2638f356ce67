"""Contract section 4, rule 5: which catalogue records count, and a user's coverage of a pool."""

import json
from typing import Any

import pytest

from oracle.rows import Coverage
from tests.support.flushes import WINDOW, A, impression, line, seen
from tests.support.judging import Artworks, Implementation, log

GOOD = {"pool_id": "p", "ordinal": 2}


def record(key: str, ordinal: int, pool_id: str = "p", **more: Any) -> tuple[bytes, bytes]:
    return key.encode(), json.dumps({"pool_id": pool_id, "ordinal": ordinal, **more}).encode()


def gone(artwork_id: str) -> tuple[bytes, None]:
    return artwork_id.encode(), None


REFUSED: dict[str, tuple[bytes | None, bytes | None]] = {
    "another ordinal": record("a", 9),
    "another artwork's ordinal": record("b", 1),
    "a tombstone for an unknown artwork": gone("b"),
    "a tombstone without a key": (None, None),
    "no key": (None, json.dumps(GOOD).encode()),
    "empty key": record("", 2),
    "key that is not an id": record("a b", 2),
    "key that is not UTF-8": (b"\xff", json.dumps(GOOD).encode()),
    "empty value, which is not a tombstone": (b"a", b""),
    "not JSON": (b"b", b"{"),
    "nonsense": (b"a", b"nonsense"),
    "not an object": (b"b", b"[]"),
    "null": (b"a", b"null"),
    "the value names a different artwork": record("b", 2, artwork_id="c"),
    "no pool": (b"b", b'{"ordinal":2}'),
    "no ordinal": (b"b", b'{"pool_id":"p"}'),
    "a number beyond a double's range": (b"b", b'{"pool_id":"p","ordinal":2,"dna":[1e999]}'),
    "a giant in dna": (b"b", b'{"pool_id":"p","ordinal":2,"dna":[' + b"9" * 400 + b"]}"),
}
BAD_FIELDS: dict[str, list[Any]] = {
    "pool_id": ["", "a b", 1, None],
    "ordinal": [-1, 1.0, True, "1", None, 2**32],
    "created_at": [-1, 1.5, None, 10_000_000_000_000],
    "retired": [0, 1, "true", None],
    "dna": [None, {}, "x", [True], ["1"], [None]],
}
REFUSED["above 1 MiB"] = (b"b", json.dumps(GOOD).encode().ljust(2**20 + 1))
for name, values in BAD_FIELDS.items():
    for value in values:
        REFUSED[f"{name}={value!r}"] = (b"b", json.dumps(GOOD | {name: value}).encode())


@pytest.mark.parametrize("refused", REFUSED.values(), ids=REFUSED)
def test_a_refused_record_changes_nothing(judge: Implementation, refused: tuple[bytes | None, bytes | None]) -> None:
    found = judge([], [record("a", 1), refused])
    assert (found.refused, found.artworks) == (1, {"a": ("p", 1, False)})


HISTORIES: dict[str, tuple[Artworks, dict[str, tuple[str, int, bool]]]] = {
    "the latest counts": ([record("a", 1, dna=[1]), record("a", 1, "q", dna=[0.5])], {"a": ("q", 1, False)}),
    "all optional fields": (
        [record("a", 0, artwork_id="a", created_at=1, retired=True, dna=[1, 0.5, -2e-9], unknown=[1])],
        {"a": ("p", 0, True)},
    ),
    "limits": ([record("a", 2**32 - 1, created_at=9_999_999_999_999, dna=[])], {"a": ("p", 2**32 - 1, False)}),
    "1 MiB": ([(b"a", json.dumps(GOOD).encode().ljust(2**20))], {"a": ("p", 2, False)}),
    "a tombstone retires": ([record("a", 1), gone("a")], {"a": ("p", 1, True)}),
    "a second tombstone changes nothing": ([record("a", 1), gone("a"), gone("a")], {"a": ("p", 1, True)}),
    "a retired artwork can return": ([record("a", 1, retired=True), record("a", 1)], {"a": ("p", 1, False)}),
    "an artwork can return after a tombstone": ([record("a", 1), gone("a"), record("a", 1)], {"a": ("p", 1, False)}),
}


@pytest.mark.parametrize(("artworks", "known"), HISTORIES.values(), ids=HISTORIES)
def test_the_latest_record_of_an_artwork_counts(
    judge: Implementation, artworks: Artworks, known: dict[str, tuple[str, int, bool]]
) -> None:
    found = judge([], artworks)
    assert (found.refused, found.artworks) == (0, known)


def test_ordinals_are_unique_for_ever(judge: Implementation) -> None:
    found = judge(
        [],
        [
            record("a", 0),
            record("b", 0),  # another artwork's ordinal
            record("a", 1),  # a second ordinal
            gone("a"),
            record("a", 2),  # a second ordinal after the tombstone
            record("c", 0),  # another artwork's ordinal after its tombstone
            record("b", 1),
            record("a", 0, "extra"),
        ],
    )
    assert (found.refused, found.artworks) == (4, {"a": ("extra", 0, False), "b": ("p", 1, False)})


COVERAGES: dict[str, tuple[Artworks, list[str], set[tuple[str, int, int, float]]]] = {
    "an uncatalogued artwork has no pool": ([record("a", 0)], ["x"], set()),
    "a pool of which nothing was seen has no row": ([record("a", 0), record("b", 1, "q")], ["a"], {("p", 1, 1, 1)}),
    "one of two": ([record("a", 0), record("b", 1)], ["a", "x"], {("p", 1, 2, 0.5)}),
    "distinct artworks count": ([record("a", 0), record("b", 1)], ["a", "a"], {("p", 1, 2, 0.5)}),
    "two pools": (
        [record("a", 0), record("b", 1), record("c", 2, "q")],
        ["a", "c"],
        {("p", 1, 2, 0.5), ("q", 1, 1, 1)},
    ),
    "retired artworks count neither as seen nor in the pool": (
        [record("a", 0), record("b", 1), record("c", 2, retired=True)],
        ["a", "c"],
        {("p", 1, 2, 0.5)},
    ),
    "a pool without active artworks": ([record("a", 0), gone("a")], ["a"], {("p", 0, 0, 0)}),
    "an artwork that moved counts in its new pool": (
        [
            *(record("a", 0), record("b", 1), record("c", 2), record("d", 3, "q"), record("c", 2, "q")),
            *(record("b", 1, retired=True), record("e", 4)),
        ],
        ["a", "b", "c", "unknown"],
        {("p", 1, 2, 0.5), ("q", 1, 2, 0.5)},
    ),
}


@pytest.mark.parametrize(("artworks", "artwork_ids", "rows"), COVERAGES.values(), ids=COVERAGES)
def test_coverage_counts_distinct_active_artworks_of_the_catalogues_pool(
    judge: Implementation, artworks: Artworks, artwork_ids: list[str], rows: set[tuple[str, int, int, float]]
) -> None:
    impressions = [
        impression(artwork_id=artwork_id, pool_id="elsewhere", seen_at=A - n * WINDOW)
        for n, artwork_id in enumerate(artwork_ids)
    ]
    found = judge(log(line(impressions=impressions)), artworks)
    assert found.coverage == {Coverage("u1", pool, count, size, share, 1 - share) for pool, count, size, share in rows}


def test_coverage_is_per_user_and_needs_an_accepted_impression(judge: Implementation) -> None:
    values = [*seen(("a", A)), *seen(("b", A), user_id="u2"), *seen(("a", A + 10**9), user_id="u3")]
    found = judge(log(*values), [record("a", 0), record("b", 1), record("c", 2)])
    assert {(row.user_id, row.seen, row.pool_size) for row in found.coverage} == {("u1", 1, 3), ("u2", 1, 3)}
