"""Lost and double, with and without the key by which a vendor drops duplicates."""

from tests.browsers.trackers.stub import Count, count


def test_what_arrived_once_is_neither_lost_nor_double() -> None:
    assert count(["a", "b"], {"a": ["1"], "b": ["2"]}) == Count(recorded=2, lost=0, double_raw=0, double=0)


def test_what_never_arrived_is_lost() -> None:
    assert count(["a", "b", "c"], {"b": ["1"], "c": []}) == Count(recorded=3, lost=2, double_raw=0, double=0)


def test_a_second_arrival_with_the_same_key_is_double_only_before_the_vendor_drops_it() -> None:
    assert count(["a"], {"a": ["1", "1", "1"]}) == Count(recorded=1, lost=0, double_raw=2, double=0)


def test_a_second_arrival_with_another_key_is_double() -> None:
    assert count(["a"], {"a": ["1", "2", "2"]}) == Count(recorded=1, lost=0, double_raw=2, double=1)


def test_without_a_key_each_arrival_counts() -> None:
    assert count(["a"], {"a": ["", ""]}) == Count(recorded=1, lost=0, double_raw=1, double=1)
