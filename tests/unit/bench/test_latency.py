"""The latency bench computes its figures correctly, and its traffic is as specified."""

import json
import math
from collections import Counter
from pathlib import Path

import pytest

from bench.latency.run import Step, rows
from bench.lib.backlog import Seen
from bench.lib.figures import Quantiles, quantiles, table, write
from bench.lib.follow import Arrivals, Matcher, longest_silence
from bench.lib.traffic import Sent, Traffic
from streams.core.decode import DecodedFlush, InvalidImpression, decode

START = 1_732_431_600_000


def arrivals(*rows: tuple[float, int, int]) -> Arrivals:
    found = Arrivals()
    for row in rows:
        found.add(*row)
    return found


def test_a_quantile_is_the_least_value_that_enough_do_not_exceed() -> None:
    assert quantiles(range(100, 0, -1)) == Quantiles(100, 50, 95, 99, 100)
    assert quantiles([7.0]) == Quantiles(1, 7.0, 7.0, 7.0, 7.0)
    assert quantiles([]).count == 0
    assert math.isnan(quantiles([]).p95)


def test_a_table_is_aligned() -> None:
    lines = list(table(("a", "bc"), [("1", "2"), ("long", "3")]))
    assert lines == ["| a    | bc |", "|------|----|", "| 1    | 2  |", "| long | 3  |"]


def test_figures_record_where_they_were_measured(tmp_path: Path) -> None:
    written = json.loads(write("latency", {"steps": [1]}, tmp_path).read_text())
    assert written["steps"] == [1]
    assert written["measured"].keys() == {"at", "commit", "command"}
    assert written["machine"]["cores"] >= 1
    assert {"python", "kafka", "confluent-kafka"} <= written["versions"].keys()


def test_only_what_was_appended_in_time_counts() -> None:
    found = arrivals((110.0, 100, 0), (215.0, 200, 1), (330.0, 300, 0))
    assert list(found.latencies(100, 300)) == [10.0, 15.0]
    assert list(found.latencies(101, math.inf)) == [15.0, 30.0]
    assert found.times(0) == [110.0, 330.0]
    assert found.times() == [110.0, 215.0, 330.0]


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([10, 20, 90, 100], (20, 90)),  # between two rows
        ([10, 55, 70, 99], (10, 55)),  # a silence that began before counts
        ([10, 20, 30], (30, 100)),  # to the end
        ([], (15, 100)),  # nothing at all
        ([1, 5, 200], (5, 100)),  # a later row does not shorten it
    ],
)
def test_the_longest_silence(times: list[float], expected: tuple[float, float]) -> None:
    assert tuple(longest_silence(times, since=15, until=100)) == expected


def test_a_coverage_row_covers_its_users_older_rows_but_not_newer_ones() -> None:
    matcher = Matcher()
    for appended in (100, 110, 130):
        matcher.accepted("u", appended, 2)
    matcher.accepted("v", 100, 3)
    matcher.coverage("u", 110, 150.0, 2)
    assert list(matcher.covered.latencies(0, math.inf)) == [50.0, 40.0]
    assert matcher.waiting == 2
    matcher.coverage("u", 130, 160.0, 2)
    assert list(matcher.covered.latencies(0, math.inf)) == [50.0, 40.0, 30.0]
    assert matcher.waiting == 1


def test_a_coverage_row_may_come_before_the_accepted_one() -> None:
    matcher = Matcher()
    matcher.coverage("u", 100, 120.0, 0)
    matcher.accepted("u", 90, 0)
    matcher.accepted("u", 100, 0)
    matcher.accepted("u", 101, 0)
    assert list(matcher.covered.latencies(0, math.inf)) == [30.0, 20.0]
    assert matcher.waiting == 1


def step(p95: float, p99: float, coverage_p95: float = 1.0) -> Step:
    accepted, coverage = Quantiles(9, 1.0, p95, p99, p99), Quantiles(9, 1.0, coverage_p95, coverage_p95, coverage_p95)
    return Step(1_700.0, 1, 60.0, accepted, coverage, 0, 0.5, 100.0, Sent(1, 1, 0.0))


def test_a_target_is_met_only_by_both_rows() -> None:
    assert step(99, 249).met
    assert not step(100, 249).met
    assert not step(99, 250).met
    assert not step(99, 249, coverage_p95=120).met
    assert [row[-1] for row in rows([step(99, 249, coverage_p95=120)])] == ["met", "missed"]


def test_a_rate_is_broken_by_high_latency_or_if_nothing_arrived() -> None:
    assert not step(1_000, 1_000).broken
    assert step(1_001, 1_001).broken
    assert step(math.nan, math.nan).broken


@pytest.mark.parametrize("size", [1, 10])
def test_traffic_lasts_as_long_in_event_time_as_it_takes_to_arrive(size: int) -> None:
    traffic = Traffic(rate=500.0, seconds=4.0, size=size, start_ms=START)
    made = list(traffic.records())
    assert sum(len(record.impressions) for record in made) == traffic.impressions == 2_000
    times = [seen.seen_at for record in made for seen in record.impressions]
    assert min(times) >= START
    # A few seconds of the backlog's hour correspond to some milliseconds here.
    assert START + 3_900 < max(times) < START + 4_100
    for record in made[:50]:
        decoded = decode(record.value())
        assert isinstance(decoded, DecodedFlush)
        assert not any(isinstance(each, InvalidImpression) for each in decoded.impressions)


def test_traffic_is_the_same_each_time_and_holds_exact_retries() -> None:
    traffic = Traffic(rate=1_000.0, seconds=8.0, size=1, start_ms=START)
    made = [(record.number, record.value()) for record in traffic.records()]
    assert made == [(record.number, record.value()) for record in traffic.records()]
    sent = Counter(number for number, _ in made)
    retried = {number for number, count in sent.items() if count == 2}
    assert 0.05 < len(retried) / len(made) < 0.11
    assert len({value for number, value in made if number in retried}) == len(retried)
    other = Traffic(rate=1_000.0, seconds=8.0, size=1, start_ms=START, seed=1)
    assert [seen.user for seen in users(traffic)] != [seen.user for seen in users(other)]


def users(traffic: Traffic) -> list[Seen]:
    return [record.impressions[0] for record in traffic.records()]
