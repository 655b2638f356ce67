"""Large values in parts."""

import pytest

from streams.state import large_values

P = large_values.PART_BYTES


@pytest.mark.parametrize(
    ("size", "count"), [(0, 1), (1, 1), (P - 1, 1), (P, 1), (P + 1, 2), (2 * P, 2), (2 * P + 1, 3), (9 * P, 9)]
)
def test_values_round_trip_in_as_many_parts_as_they_need(size: int, count: int) -> None:
    value = (bytes(range(256)) * (size // 256 + 1))[:size]
    stored = dict(large_values.split(b"key", value))
    assert len(stored) == count
    assert all(len(part) <= P + 2 for part in stored.values())
    assert large_values.join(b"key", stored[b"key"], stored.get) == value


def test_parts_sort_after_their_key_and_before_the_next_id() -> None:
    keys = [key for key, _ in large_values.split(b"user", bytes(3 * P))]
    assert keys == sorted(keys)
    assert keys[0] == b"user"
    assert keys[-1] < b"user-"  # the smallest byte that an id may contain


def test_a_value_that_shrank_ignores_its_old_parts() -> None:
    stored = dict(large_values.split(b"key", bytes(3 * P))) | dict(large_values.split(b"key", b"small"))
    assert len(stored) == 3
    assert large_values.join(b"key", stored[b"key"], stored.get) == b"small"


def test_a_missing_part_raises_instead_of_shortening_the_value() -> None:
    stored = dict(large_values.split(b"key", bytes(3 * P)))
    del stored[large_values.part_key(b"key", 1)]
    with pytest.raises(KeyError):
        large_values.join(b"key", stored[b"key"], stored.get)
