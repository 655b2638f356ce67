"""Rule 2 at its boundary, and the window table's codec."""

import pytest

from streams.core import window
from streams.core.window import Bucket

W = 600_000
START = 1_732_431_600_000


def table_of(*accepted: tuple[str, int]) -> dict[int, Bucket]:
    table: dict[int, Bucket] = {}
    for artwork_id, seen_at in accepted:
        start = window.start_of(seen_at, W)
        table.setdefault(start, Bucket()).accept(artwork_id, seen_at - start)
    return table


def is_duplicate(seen_at: int, *accepted: tuple[str, int]) -> bool:
    table = table_of(*accepted)
    return window.is_duplicate(
        "a", seen_at, W, lambda start, artwork_id: table.get(start, Bucket()).time_of(artwork_id)
    )


@pytest.mark.parametrize("sign", [1, -1], ids=["after", "before"])
@pytest.mark.parametrize(
    ("distance", "duplicate"),
    [(0, True), (1, True), (W - 1, True), (W, False), (W + 1, False), (2 * W - 1, False)],
)
@pytest.mark.parametrize("phase", [0, 1, W // 2, W - 1], ids=lambda ms: f"{ms} ms into its window")
def test_closer_than_the_window_is_a_duplicate_across_every_boundary(
    phase: int, distance: int, duplicate: bool, sign: int
) -> None:
    seen_at = START + phase
    assert is_duplicate(seen_at + sign * distance, ("a", seen_at)) == duplicate


@pytest.mark.parametrize("neighbour", [-W + 1, W - 1])
def test_another_artwork_is_not_a_duplicate(neighbour: int) -> None:
    assert not is_duplicate(START, ("b", START), ("b", START + neighbour))


def test_an_impression_in_either_neighbouring_window_makes_a_duplicate() -> None:
    assert is_duplicate(START + W // 2, ("a", START - 1), ("a", START + W))
    assert not is_duplicate(START + W // 2, ("a", START - W // 2), ("a", START + 3 * W // 2))


@pytest.mark.parametrize("seen_at", [0, 1, W - 1])
def test_the_very_first_window_has_no_neighbour_before_it(seen_at: int) -> None:
    assert not is_duplicate(seen_at)
    assert is_duplicate(seen_at, ("a", 0))


@pytest.mark.parametrize(("seen_at", "start"), [(0, 0), (W - 1, 0), (W, W), (START - 1, START - W), (START, START)])
def test_windows_are_aligned_to_the_epoch(seen_at: int, start: int) -> None:
    assert window.start_of(seen_at, W) == start


def bucket_of(**artworks: int) -> Bucket:
    bucket = Bucket()
    for artwork_id, offset in artworks.items():
        bucket.accept(artwork_id, offset)
    return bucket


@pytest.mark.parametrize("artworks", [{}, {"a": 0}, {"a" * 128: 86_399_999, "b": 1}], ids=["empty", "one", "limits"])
def test_buckets_round_trip(artworks: dict[str, int]) -> None:
    bucket = bucket_of(**artworks)
    assert window.decode(bucket.entries) == bucket.times() == artworks


def test_a_decoded_bucket_can_grow() -> None:
    bucket = Bucket(bytes(bucket_of(a=1, b=2).entries))
    bucket.accept("c", 3)
    assert bucket.times() == {"a": 1, "b": 2, "c": 3}
    bucket.accept("d", 4)
    assert bucket.times() == window.decode(bucket.entries)


def test_the_packed_form_is_fixed() -> None:
    assert bucket_of(a0042=599_000).entries.hex() == "05000923d86130303432"


@pytest.mark.parametrize("cut", [1, 4, 5, 6])
def test_a_cut_value_is_refused(cut: int) -> None:
    with pytest.raises((ValueError, IndexError)):
        window.decode(bucket_of(a=1, bbb=2).entries[:-cut])
