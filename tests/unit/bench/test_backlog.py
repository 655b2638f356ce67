"""The bench's input is the same in every run, and its oracles are right on handmade cases."""

import dataclasses
import math
from collections import Counter
from itertools import groupby

import orjson
import pytest

from bench.kills.kill import lasted, reached
from bench.lib.backlog import RETRY_WITHIN, SPAN_MS, Record, Seen, records
from bench.lib.expected import WINDOW_MS, Output, compare, first_places, near, slice_of, tumbling
from bench.lib.measure import Sample, steady, total
from bench.lib.tree import Usage
from bench.lib.trial import SLICE_FROM, Backlog
from streams.core.decode import DecodedFlush, InvalidImpression, decode

START = 2_000 * WINDOW_MS
IMPRESSIONS = 12_000


def flush(*seen: Seen, number: int = 0) -> Record:
    return Record(number, seen)


def test_the_backlog_is_the_same_in_every_run() -> None:
    first = [record.value() for record in records(2_000, 10, START)]
    assert first == [record.value() for record in records(2_000, 10, START)]
    assert first != [record.value() for record in records(2_000, 10, START, seed=1)]


@pytest.mark.parametrize("size", [1, 10])
def test_the_backlog_holds_what_was_asked_for(size: int) -> None:
    made = list(records(IMPRESSIONS, size, START))
    assert sum(len(record.impressions) for record in made) == IMPRESSIONS
    assert abs(IMPRESSIONS / len(made) - size) < 0.2
    last = max(seen.seen_at for record in made for seen in record.impressions)
    assert last < START + SPAN_MS + 2 * WINDOW_MS, "nothing is in the future"


def test_one_record_in_ten_is_an_exact_retry_soon_after_its_original() -> None:
    made = list(records(30_000, 1, START))
    order = sorted(range(len(made)), key=lambda at: (made[at].number, at))
    sent = [list(places) for _, places in groupby(order, key=lambda at: made[at].number)]
    assert Counter(map(len, sent)).keys() == {1, 2}
    retried = [places for places in sent if len(places) == 2]
    assert 0.09 < len(retried) / len(made) < 0.11
    assert all(0 < again - once <= RETRY_WITHIN for once, again in retried)
    assert all(made[once].value() == made[again].value() for once, again in retried)


def test_every_flush_is_valid() -> None:
    for record in records(500, 10, START):
        decoded = decode(record.value())
        assert isinstance(decoded, DecodedFlush)
        assert not any(isinstance(each, InvalidImpression) for each in decoded.impressions)
        assert orjson.loads(record.value())["user_id"] == record.user_id


@pytest.mark.parametrize(
    ("apart", "by_rule_2", "by_tumbling"),
    [(0, 1, 1), (1, 1, 2), (WINDOW_MS - 1, 1, 2), (WINDOW_MS, 2, 2), (WINDOW_MS + 1, 2, 2)],
)
def test_oracles_around_a_window_boundary(apart: int, by_rule_2: int, by_tumbling: int) -> None:
    last_of_a_window = START - 1
    backlog = [flush(Seen(1, 1, last_of_a_window)), flush(Seen(1, 1, last_of_a_window + apart))]
    assert len(list(near(backlog))) == by_rule_2
    assert len(list(tumbling(backlog))) == by_tumbling


def test_rule_2_looks_both_ways_and_only_at_what_was_accepted() -> None:
    late, early = Seen(1, 1, START + 900_000), Seen(1, 1, START)
    between, other_user, other_artwork = Seen(1, 1, START + 500_000), Seen(2, 1, START), Seen(1, 2, START)
    backlog = [flush(late, early, between), flush(other_user), flush(other_artwork)]
    assert [seen for _, seen in near(backlog)] == [late, early, other_user, other_artwork]
    # An impression between two is near both; without the later one it is still near the earlier one.
    dropped_first = [flush(early, between, Seen(1, 1, START + 700_000))]
    assert [seen.seen_at for _, seen in near(dropped_first)] == [START, START + 700_000]


def test_comparison_counts_losses_and_duplicates() -> None:
    a, b, c = (Seen(1, artwork, START) for artwork in range(3))
    assert compare([a, b], Output({0: [a], 1: [b]})).equal
    found = compare([a, b], Output({0: [a, a, c]}))
    assert (found.expected, found.found, found.missing, found.extra) == (2, 3, 1, 2)


def test_coverage_counts_artworks_and_not_impressions() -> None:
    again = [Seen(1, 1, START), Seen(1, 1, START + WINDOW_MS), Seen(1, 2, START), Seen(2, 1, START)]
    output = Output({0: again}, {1: 2, 2: 1})
    assert compare(again, output).wrong_coverage == 0
    assert compare(again, Output({0: again}, {1: 3, 2: 1})).wrong_coverage == 1
    assert compare(again, Output({0: again}, {1: 2})).wrong_coverage == 1, "a user without any is wrong, too"
    assert compare(again, Output({0: again})).wrong_coverage == 0, "a system that writes none is held to none"


def test_comparing_windows_accepts_any_impression_of_a_window() -> None:
    first, other, later = Seen(1, 1, START), Seen(1, 1, START + 5_000), Seen(1, 1, START + WINDOW_MS)
    backlog = Backlog([flush(first, number=0), flush(other, number=1), flush(later, number=2)], 1, 3, 4)
    assert backlog.compare_windows(Output({0: [other, later]})).equal
    assert not backlog.compare(tumbling, Output({0: [other, later]}), whole=True).equal
    found = backlog.compare_windows(Output({0: [first, other]}))
    assert (found.missing, found.extra) == (1, 1)


def test_a_slice_ends_at_the_last_row_of_each_partition() -> None:
    seen = [Seen(user, artwork, START) for artwork in range(3) for user in (0, 1)]
    backlog = [flush(each) for each in seen]
    output = Output({0: [Seen(0, 0, START), Seen(0, 1, START)], 1: [Seen(1, 0, START)]})
    expected = slice_of(near(backlog), first_places(backlog), lambda user: user, output)
    assert expected == [Seen(0, 0, START), Seen(1, 0, START), Seen(0, 1, START)]
    lost = Output({0: [Seen(0, 1, START)]})
    found = compare(slice_of(near(backlog), first_places(backlog), lambda user: user, lost), lost)
    assert (found.missing, found.extra) == (1, 0)


def at(seconds: float, impressions: int, cpu: float, mib: int, broker: float = 0.0) -> Sample:
    return Sample(seconds, impressions, Usage(cpu, 0, mib << 20), broker)


def test_steady_state_leaves_out_the_start_but_the_peak_covers_the_whole_run() -> None:
    ramp = [at(0.0, 0, 5.0, 9), at(10.0, 100, 6.0, 2, 1.0), at(14.0, 1_100, 9.0, 3, 1.5), at(99.0, 1_100, 9.5, 3, 7.0)]
    found = steady(ramp, 50, 1_100)
    assert dataclasses.astuple(found) == (1_000, 4.0, 3.0, 0.5, 9.0)
    assert (found.rate, found.cpu_per_million, found.broker_per_million) == (250.0, 3_000.0, 500.0)
    with pytest.raises(ValueError, match="no two samples"):
        steady(ramp, 50, 2_000)


def test_a_life_ends_once_its_share_is_decided_or_nothing_more_arrives() -> None:
    ramp = [at(float(second), impressions, 0.0, 1) for second, impressions in enumerate([0, 0, 0, 50, 90, 90, 90])]
    assert [reached(50, math.inf)(ramp[:count]) for count in range(8)] == [False] * 4 + [True] * 4
    assert not reached(91, math.inf)(ramp)
    assert reached(91, idle=1.5)(ramp)
    assert not reached(91, idle=2.0)(ramp), "not longer than that"
    assert not reached(91, idle=1.0)(ramp[:3]), "one that hasn't begun isn't at its end"


def test_a_slice_of_a_life_begins_after_the_start() -> None:
    ramp = [at(float(second), impressions, 0.0, 1) for second, impressions in enumerate([0, 0, SLICE_FROM + 1, 5_000])]
    assert not lasted(1.0)([])
    assert not lasted(1.0)(ramp[:3])
    assert lasted(1.0)(ramp)


def test_a_metric_is_summed_over_its_labels() -> None:
    exposition = '# HELP n_total x\nn_total{outcome="a"} 3.0\nn_total{outcome="b"} 1e+03\nn_total_created 7\n'
    assert total(exposition, "n_total") == 1_003.0
    assert total(exposition, "absent") == 0.0
