"""The trackers' tables: the same scenarios and engines for everyone, and nothing counted that was not played."""

from typing import Any

import pytest

from tests.browsers.play import EARLY, RAW
from tests.browsers.results import Result, Run
from tests.browsers.trackers import report


def result(scenario: str, engine: str = "chromium", **more: Any) -> Result:
    return Result(scenario, "exit", engine, "", **{"recorded": 5, **more})


def run(*results: Result) -> Run:
    return Run("", "", {"chromium": "Chromium 1", "firefox": "Firefox 1"}, list(results))


RUNS = {
    "plausible": run(result("closed", lost=2, facts={RAW: 1}), result("killed", skipped=True, why="about x")),
    "recorder": run(result("closed"), result("closed", "firefox"), result("token"), result("killed", lost=1)),
    "segment": run(result("closed", double=1, facts={RAW: 4}), result("killed", lost=5, facts={EARLY: "why"})),
}


def test_the_columns_stand_in_their_order_whatever_the_runs_do() -> None:
    assert list(report.beside(RUNS)) == ["recorder", "segment", "plausible"]


def test_ours_counts_only_where_a_tracker_was_tried() -> None:
    assert [each.key for each in report.beside(RUNS)["recorder"]] == [("closed", "chromium"), ("killed", "chromium")]


def test_the_totals() -> None:
    assert report.totals(RUNS)[1] == [
        ("ours", "2", "10", "1", "1", "0", "-"),
        ("segment", "2", "10", "5", "1", "1", "4"),
        ("plausible", "1", "5", "2", "1", "0", "1"),
    ]


def test_a_row_for_each_scenario_that_a_tracker_was_tried_in() -> None:
    columns, rows = report.by_scenario(RUNS, "exit")
    assert columns == ("scenario", "ours", "segment", "plausible")
    assert rows == [("closed", "0/5", "0/5 +1", "2/5"), ("killed", "1/5", "5/5*", "-")]


def test_a_column_for_each_engine() -> None:
    columns, rows = report.by_engine(RUNS)
    assert columns == ("subject", "Chromium", "Firefox")
    assert rows[0] == ("ours", "1 of 10", "-")


def test_what_was_left_out_is_named_with_its_reason() -> None:
    assert report.left_out(RUNS) == ["- about x: killed."]


def test_a_scenario_that_recorded_nothing_did_not_begin() -> None:
    assert report.cell([]) == "-"
    assert report.beside({"segment": run(result("closed", recorded=0))}) == {"segment": []}


@pytest.mark.parametrize("line", report.configured())
def test_the_configuration_fits_on_a_screen(line: str) -> None:
    assert len(line) <= report.WIDTH
