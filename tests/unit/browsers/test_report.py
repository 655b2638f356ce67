"""Results are kept, compared and shown: what is lost, double, not as expected, or not run."""

from pathlib import Path
from typing import Any

import pytest

from tests.browsers import report
from tests.browsers.results import Result, Run, differences, load


def result(scenario: str = "tab closed", engine: str = "chromium", **more: Any) -> Result:
    usual = {"group": "exit", "subject": "recorder", "ok": True, "recorded": 5, "arrived": 5, "source": "facts: exits"}
    return Result(scenario=scenario, engine=engine, **{**usual, **more})


def run(*results: Result, **engines: str) -> Run:
    return Run("recorder", "1.0.0", engines or {"chromium": "Chromium 1", "firefox": "Firefox 2"}, list(results))


def test_a_cell_shows_lost_and_double_bold_if_unexpected_and_a_dash_if_not_run() -> None:
    assert report.cell(result()) == "0 / 0"
    assert report.cell(result(lost=2, double=1, ok=False)) == "**2 / 1**"
    assert report.cell(result(lost=2)) == "2 / 0"
    assert report.cell(result(skipped=True, ok=False)) == report.cell(None) == "-"


def test_a_scenario_is_a_row_with_a_cell_for_each_engine() -> None:
    found = run(result(), result(engine="webkit", lost=1, ok=False), result("idle", group="life"))
    columns, rows = report.by_scenario(found, "exit")
    assert columns == ("scenario", "from", "Chromium", "Firefox", "WebKitGTK")
    assert rows == [("tab closed", "facts", "0 / 0", "-", "**1 / 0**")]
    assert report.groups(found) == ["exit", "life"]


def test_sums_count_what_was_played() -> None:
    found = run(result(sends=10), result("idle", sends=5, lost=1, ok=False), result("slow", skipped=True, recorded=0))
    columns, (chromium, firefox) = report.sums(found)
    assert columns[1:] == ("scenarios", "recorded", "lost", "double", "sent for each recorded", "as expected")
    assert chromium == ("Chromium 1", "2", "10", "1", "0", "1.5", "1 of 2")
    assert firefox == ("Firefox 2", "0", "0", "0", "0", "0.0", "0 of 0")


def test_what_is_expected_to_be_lost_has_its_reason_and_what_is_wrong_has_its_own() -> None:
    kept = result("storage denied", reason="Nothing outlives the page.", expected_lost=(0, 3), lost=2)
    wrong = result("idle", engine="webkit", ok=False, why="lost 1 of 5")
    assert report.exceptions(run(kept, kept, wrong)) == ["- storage denied: 0 to 3 lost. Nothing outlives the page."]
    assert report.wrong(run(kept, wrong)) == ["- idle, WebKitGTK: lost 1 of 5"]


def test_losses_name_only_scenarios_that_lost_or_doubled() -> None:
    found = [result(), result("idle", lost=5, ok=False), result("idle", engine="firefox"), result("b", double=1)]
    assert report.losses(found) == [("idle", "5 / 0", "0 / 0", "-"), ("b", "0 / 1", "-", "-")]


def test_a_run_is_kept_and_merged_with_what_was_played_before(tmp_path: Path) -> None:
    path = run(result(lost=1), result("idle"), chromium="Chromium 1").save(tmp_path)
    assert run(result(), result(engine="firefox"), firefox="Firefox 2").save(tmp_path) == path
    kept = load(path)
    assert kept.engines == {"chromium": "Chromium 1", "firefox": "Firefox 2"}
    assert [(each.key, each.lost) for each in kept.results] == [
        (("idle", "chromium"), 0),
        (("tab closed", "chromium"), 0),
        (("tab closed", "firefox"), 0),
    ]


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ([result(), result("idle")], []),
        ([result(seconds=9.0, sends=7), result("idle")], []),
        ([result(lost=1), result("idle")], ["tab closed on chromium: recorded, lost, double and right were"]),
        ([result()], ["idle on chromium: only in the first run"]),
        ([result(), result("idle"), result("new")], ["new on chromium: only in the second run"]),
        ([result(), result("idle", skipped=True)], ["idle on chromium: only in the first run"]),
    ],
)
def test_two_runs_differ_by_what_was_recorded_lost_or_double(other: list[Result], said: list[str]) -> None:
    found = differences([result(), result("idle")], other)
    assert len(found) == len(said)
    assert all(one.startswith(beginning) for one, beginning in zip(found, said, strict=True))
