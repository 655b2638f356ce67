"""What the demo counts by itself, in addition to the oracle: by the words of the KPI page."""

import re
from pathlib import Path
from typing import Any

import pytest

from demo import figures
from demo.figures import recounted
from demo.invariants import duplicates_left
from demo.player import Deliveries
from oracle import Expected
from oracle.rows import Coverage, LedgerRow, Rejected
from tests.support.imaginary_play import RULES, plan_of, result_of

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "reference" / "kpis.md").read_text()


def line(**values: Any) -> LedgerRow:
    """A row of the ledger that stands for one line, with nothing in it but these values."""
    row = LedgerRow("t", 0, 0, 0, "f", "u", 0, 0, 0, 0, 0, 0, "sdk", "manual", "free", {}, "", 0, 0, 0, 0, 10, 0, 0, 1)
    return row._replace(**values)


def test_duplicates_left_counts_impressions_within_the_window_of_another() -> None:
    assert duplicates_left([("u", "a", 20), ("u", "a", 0), ("u", "a", 10), ("u", "b", 0)], 10) == 0
    assert duplicates_left([("u", "a", 19), ("u", "a", 0), ("u", "a", 10), ("u", "b", 9), ("v", "a", 9)], 10) == 1


def test_the_95th_percentile_is_one_of_the_values() -> None:
    assert Deliveries().p95_ms == 0
    assert Deliveries([7.0]).p95_ms == 7
    assert Deliveries([float(number) for number in range(100, 0, -1)], ["lost"]).p95_ms == 95


def test_batch_success_is_1_minus_failed_attempts_of_all_attempts_with_the_pages_caps() -> None:
    honest = [line(attempts=3, failures=1), line(attempts=1)]
    assert recounted(Expected([], honest, [], []), 10).kpis[figures.SUCCESS] == pytest.approx(1 - 1 / 4)
    # More failures than attempts, and more attempts than a line may have.
    absurd = [line(attempts=1, failures=5), line(attempts=2**53 - 1, failures=2**53 - 1)]
    assert recounted(Expected([], absurd, [], []), 10).kpis[figures.SUCCESS] == 0


def test_without_events_a_rate_is_none() -> None:
    kpis = dict(recounted(Expected([], [], [], []), 10).kpis)
    assert kpis.pop(figures.UNBALANCED) == 0
    assert set(kpis.values()) == {None}


def test_counts_and_reasons_count_every_line_that_a_row_stands_for() -> None:
    refused = Rejected("t", 0, 0, 0, -1, "malformed", "", "", 0, 0, True, 3)
    got = recounted(Expected([], [line(received=3, rejected=3, lines=3)], [refused], []), 10)
    assert (got.counts.lines, got.counts.received, got.counts.rejected) == (3, 3, 3)
    assert got.rejected == {"malformed": 3}


def test_freshness_and_exhaustion_are_means_over_users_and_pools() -> None:
    coverage = [Coverage("u", "main", 19, 20, 0.95, 0.05), Coverage("u", "extra", 0, 10, 0.0, 1.0)]
    kpis = recounted(Expected([], [], [], coverage), 10).kpis
    assert kpis[figures.FRESHNESS] == pytest.approx(0.525)
    assert kpis[figures.EXHAUSTION] == pytest.approx(0.5)


def test_every_kpi_of_the_demo_is_on_the_kpi_page_under_the_same_name() -> None:
    named = set(re.findall(r"^\| ([A-Za-z0-9 ]+?) \|", PAGE, re.MULTILINE)) - {"KPI"}
    shown = {*recounted(Expected([], [], [], []), 10).kpis, figures.LATENCY}
    assert named - shown == {"cost per impression"}
    assert shown <= named


def test_the_demos_batch_success_is_not_100_percent() -> None:
    """Some of its producers report failed attempts, as the dashboard shows."""
    result = result_of(plan_of(1))
    got = recounted(Expected(result.accepted, result.ledger, result.rejected, result.coverage), RULES.window_ms)
    success = got.kpis[figures.SUCCESS]
    assert success is not None
    assert 0.9 < success < 1
    assert got.kpis[figures.DUPLICATES] == 0
    assert got.kpis[figures.UNBALANCED] == 0
    assert sum(got.rejected.values()) == got.counts.rejected
