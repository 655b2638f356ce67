"""Expositions: what is read of them, what has grown between two, and quantiles as Prometheus computes them."""

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from streams.top import samples
from streams.top.samples import Samples, parse


def test_values_are_summed_and_grouped_by_their_labels() -> None:
    read = parse('impressions_a_total{p="0",q="x"} 3\nimpressions_a_total{p="1",q="x"} 4\nfaust_b 9\n')
    assert read.total("impressions_a_total") == 7
    assert read.total("impressions_a_total", p="1") == 4
    assert read.most("impressions_a_total") == 4
    assert read.by("impressions_a_total", "p") == {"0": 3, "1": 4}
    assert read.total("impressions_c") == read.most("impressions_c") == 0
    assert "impressions_a_total" in read
    assert "faust_b" not in read


def test_a_counter_that_began_again_has_grown_by_what_it_is() -> None:
    before, now = parse("impressions_a_total 100\n"), parse("impressions_a_total 30\nimpressions_b_total 5\n")
    grown = now.since(before)
    assert (grown.total("impressions_a_total"), grown.total("impressions_b_total")) == (30, 5)
    assert parse("impressions_a_total 130\n").since(before).total("impressions_a_total") == 30


def test_the_sum_of_two_processes() -> None:
    both = parse('impressions_a{p="0"} 1\n').plus(parse('impressions_a{p="0"} 2\nimpressions_a{p="1"} 5\n'))
    assert both.by("impressions_a", "p") == {"0": 3, "1": 5}


def test_quantiles_of_a_histogram() -> None:
    registry = CollectorRegistry()
    histogram = Histogram("impressions_h", "h", buckets=(1, 2, 4), registry=registry)
    for value in (0.5, 1.5, 1.5, 3.0):
        histogram.observe(value)
    read = parse(generate_latest(registry).decode())
    assert read.quantile("impressions_h", 0.5) == pytest.approx(1.5)
    assert read.quantile("impressions_h", 1.0) == 4
    histogram.observe(100)
    assert parse(generate_latest(registry).decode()).quantile("impressions_h", 0.99) == 4
    assert read.quantile("impressions_other", 0.5) is None
    assert Samples({}).quantile("impressions_h", 0.5) is None


def test_what_counts_nothing_has_no_quantile() -> None:
    read = parse('impressions_h_bucket{le="1.0"} 5\nimpressions_h_bucket{le="+Inf"} 5\n')
    assert read.since(read).quantile("impressions_h", 0.5) is None


@pytest.mark.parametrize("text", ["<html>no</html>", "impressions_a{p= 3", "impressions_a x"])
def test_what_is_no_exposition_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse(text)


def test_an_exposition_without_an_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "MOST", 10)
    registry = CollectorRegistry()
    counter = Counter("impressions_a", "a", ("p",), registry=registry)
    for number in range(11):
        counter.labels(str(number))
    with pytest.raises(ValueError, match="more than 10 samples"):
        parse(generate_latest(registry).decode())
