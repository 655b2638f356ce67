"""The end-to-end bench computes its figures correctly, and its search ends."""

from dataclasses import replace

import pytest

from bench.end_to_end.clickhouse import Ledger, Look, Verdict, readable
from bench.end_to_end.machine import Reading, cores, peak_mib, rest
from bench.end_to_end.pictures import p95_by_time, used_by_time
from bench.end_to_end.steps import CLOSE, Step, grows, next_rate, thirds
from bench.lib.backlog import Seen
from bench.lib.expected import Output as Found
from bench.lib.expected import compare
from bench.lib.follow import Arrivals
from bench.lib.tree import Usage
from streams.errors import UserError


def test_a_row_is_readable_at_the_first_look_that_shows_its_partition_so_far() -> None:
    accepted = Arrivals()
    for appended, partition in ((100, 0), (110, 1), (150, 0), (300, 0), (400, 2)):
        accepted.add(appended + 5.0, appended, partition)
    looks = [Look(200.0, {0: 120}), Look(450.0, {0: 150, 1: 500}), Look(700.0, {0: 300, 1: 500})]
    assert list(readable(accepted, looks, since=0)) == [(100, 100.0), (110, 340.0), (150, 300.0), (300, 400.0)]
    assert list(readable(accepted, looks, since=150)) == [(150, 300.0), (300, 400.0)]


SEEN = [Seen(1, artwork, 1_000) for artwork in range(3)]
RIGHT = Verdict(4, Ledger(4, 3, 1, 0, 0), compare(SEEN, Found({0: SEEN})), 0)


def test_a_run_is_right_only_if_nothing_is_missing_doubled_or_wrong() -> None:
    assert RIGHT.right
    assert not replace(RIGHT, sent=5).right
    assert not replace(RIGHT, ledger=Ledger(4, 3, 0, 0, 0)).right
    assert not replace(RIGHT, ledger=Ledger(4, 4, 0, 0, 0)).right
    assert not replace(RIGHT, rows=compare(SEEN, Found({0: SEEN[1:]}))).right
    assert not replace(RIGHT, rows=compare(SEEN, Found({0: [*SEEN, SEEN[0]]}))).right
    assert not replace(RIGHT, wrong_coverage=1).right


def test_only_a_lag_that_grows_for_the_whole_step_counts() -> None:
    assert grows((1.0, 2.0, 3.0))
    assert not grows((1.0, 1.4, 1.9)), "a shared machine is not that even"
    assert not grows((1.0, 4.0, 3.0)), "it caught up"
    assert not grows((4.0, 3.0, 6.0))
    assert thirds([1, 1, 9, 2, 3, 4, 5, 5, 6, 7]) == (1, 3, 5.5)
    with pytest.raises(UserError, match="too short"):
        thirds([1.0, 2.0])


def step(rate: float, held: bool) -> Step:
    return Step(rate, (1.0, 1.0, 1.0) if held else (1.0, 3.0, 5.0), 0.0, {})


def test_a_rate_that_could_not_be_sent_is_not_held() -> None:
    assert step(1.0, held=True).held
    assert not replace(step(1.0, held=True), sender_behind=2.0).held


def test_the_search_doubles_and_then_closes_in() -> None:
    limit, base = 11_300.0, 1_667.0
    steps: list[Step] = []
    while (rate := next_rate(steps, base)) is not None:
        steps.append(step(rate, held=rate <= limit))
    rates = [each.rate for each in steps]
    assert rates[:3] == [2 * base, 4 * base, 8 * base]
    held = max(each.rate for each in steps if each.held)
    assert limit / CLOSE < held <= limit
    assert len(steps) < 10
    assert next_rate([step(base * 1.04, held=False)], base) is None


def reading(at: float, cpu: float, mib: int) -> Reading:
    return Reading(at, {"kafka": Usage(cpu, mib << 20), "sink-0": Usage(0.0, 0)})


def test_cores_are_averaged_over_the_readings_within_the_given_time() -> None:
    readings = [reading(0, 0.0, 1), reading(1_000, 1.0, 9), reading(3_000, 2.0, 5), reading(9_000, 9.0, 2)]
    assert cores(readings, 500, 3_000) == {"kafka": 0.5, "sink-0": 0.0}
    assert cores(readings, 500, 2_000) == {}
    assert peak_mib(readings) == {"kafka": 9.0, "sink-0": 0.0}
    assert used_by_time(readings[:3], "kafka", 0) == [(1 / 60, 1.0), (0.05, 0.5)]


def test_the_benchs_own_usage_leaves_out_the_programs() -> None:
    assert rest(Usage(10.0, 900), [Usage(4.0, 300), Usage(5.0, 100)]) == Usage(1.0, 500)


def test_latency_over_time_is_the_p95_of_each_bin() -> None:
    curve = [(float(at), float(at % 10_000)) for at in range(0, 20_000, 100)] + [(35_000.0, 7.0)]
    assert p95_by_time(curve) == [(5_000.0, 9_400.0), (15_000.0, 9_400.0), (35_000.0, 7.0)]
