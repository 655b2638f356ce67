"""What the demo counts by itself, in addition to the oracle."""

from demo.invariants import duplicates_left
from demo.kpis import percentile_95


def test_duplicates_left_counts_impressions_within_the_window_of_another() -> None:
    assert duplicates_left([("u", "a", 20), ("u", "a", 0), ("u", "a", 10), ("u", "b", 0)], 10) == 0
    assert duplicates_left([("u", "a", 19), ("u", "a", 0), ("u", "a", 10), ("u", "b", 9), ("v", "a", 9)], 10) == 1


def test_the_95th_percentile_is_one_of_the_values() -> None:
    assert percentile_95([]) == 0
    assert percentile_95([7.0]) == 7
    assert percentile_95([float(number) for number in range(100, 0, -1)]) == 95
