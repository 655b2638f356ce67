"""A histogram filled in one call equals one filled value by value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from streams.metrics.histogram import Histogram

BOUNDS = (0.5, 1.0, 10.0)


def made() -> Histogram:
    return Histogram("some_seconds", "of something (s)", buckets=BOUNDS, registry=CollectorRegistry())


def samples(histogram: Histogram) -> dict[tuple[str, str], float]:
    (metric,) = histogram.collect()
    return {(each.name, each.labels.get("le", "")): each.value for each in metric.samples if "created" not in each.name}


@given(st.lists(st.one_of(st.sampled_from(BOUNDS), st.integers(-3, 40).map(float))))
def test_observing_all_at_once_equals_observing_one_by_one(values: list[float]) -> None:
    at_once, one_by_one = made(), made()
    at_once.observe_all(values)
    for value in values:
        one_by_one.observe(max(0.0, value))
    assert samples(at_once) == samples(one_by_one)


@given(st.lists(st.integers(60_000, 103_000)))
def test_ages_are_observed_as_one_by_one(times: list[int]) -> None:
    at_once, one_by_one = made(), made()
    at_once.observe_ages(100.0, times)
    for time in times:
        one_by_one.observe(max(0.0, (100_000 - time) / 1000))
    found, expected = samples(at_once), samples(one_by_one)
    assert found.pop(("some_seconds_sum", "")) == pytest.approx(expected.pop(("some_seconds_sum", "")), abs=1e-6)
    assert found == expected


def test_ages_are_seconds_and_never_below_0() -> None:
    histogram = made()
    histogram.observe_ages(100.0, [99_400, 99_000, 100_500])
    found = samples(histogram)
    assert found["some_seconds_bucket", "0.5"] == 1
    assert found["some_seconds_bucket", "1.0"] == 3
    assert found["some_seconds_sum", ""] == pytest.approx(1.6)


def test_labelled_histograms_can_observe_all_at_once_too() -> None:
    parent = Histogram("of_seconds", "of something (s)", ("topic",), buckets=BOUNDS, registry=CollectorRegistry())
    parent.labels("a").observe_all([0.1])
    assert parent.labels("a")._sum.get() == 0.1
