"""The summary fits its terminal, says of each row whether it is right, and its verdict decides the exit code."""

import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from demo.figures import LATENCY
from demo.report import WIDE, render, write_svg
from demo.summary import Row, Summary, Verdict
from oracle import Difference
from tests.unit.demo.summaries import EXPECTED, KPIS, SUMMARY, with_found

LEDGER = Difference("I1", "ledger", missing=1, extra=3, examples=["missing line=0"], expected=3, actual=5, repeated=2)
WRONG_TABLE = replace(SUMMARY, comparisons=[LEDGER])
SLOW = with_found(kpis={**KPIS, LATENCY: 246.0})
PICTURE = Path(__file__).resolve().parents[3] / "docs" / "demo.svg"


def lines_of(summary: Summary, width: int = 80, encoding: str = "utf-8") -> list[str]:
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    Console(file=out, width=width).print(render(summary))
    out.seek(0)
    return [line.rstrip() for line in out]


def rows_of(summary: Summary) -> list[Row]:
    return [row for section in summary.sections for row in section.rows]


def row(summary: Summary, name: str) -> Row:
    (found,) = [each for each in rows_of(summary) if each.name.strip() == name]
    return found


@pytest.mark.parametrize("summary", [SUMMARY, WRONG_TABLE, SLOW], ids=["right", "wrong", "slow"])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("width", [40, 72, 80, 119, 120, 200])
def test_no_line_is_wider_than_the_terminal(width: int, encoding: str, summary: Summary) -> None:
    assert max(map(cell_len, lines_of(summary, width, encoding))) <= width


@pytest.mark.parametrize("width", [80, 120])
def test_every_row_is_on_one_line_with_both_values_and_a_mark(width: int) -> None:
    text = "\n".join(lines_of(SUMMARY, width))
    for each in rows_of(SUMMARY):
        pattern = rf"(^|  ){re.escape(each.name)} +{re.escape(each.expected)} +{re.escape(each.found)} \u2713"
        assert re.search(pattern, text, re.MULTILINE), each
    for name, number, outcome in SUMMARY.faults:
        assert re.search(rf"{re.escape(name)} +{number:,} +{re.escape(outcome)}", text), name


def test_from_120_columns_on_it_fits_a_usual_screen() -> None:
    assert len(lines_of(SUMMARY, 120)) < 35 < len(lines_of(SUMMARY, 80))
    assert WIDE <= 120


def test_a_piped_summary_is_plain_text() -> None:
    text = "\n".join(lines_of(SUMMARY))
    assert "\x1b" not in text
    assert text.endswith("No duplicate, no loss: every row is as the recount says.")


def test_ascii_has_words_for_marks() -> None:
    text = "\n".join(lines_of(with_found(kpis={**KPIS, LATENCY: 1.0, "freshness": 0.5}), encoding="ascii"))
    assert text.isascii()
    assert re.search(r"freshness +72\.1% +50\.0% NO$", text, re.MULTILINE)
    assert re.search(r"batch success +97\.8% +97\.8% ok$", text, re.MULTILINE)


def test_every_row_is_right_when_what_came_is_what_was_expected() -> None:
    assert {each.verdict for each in rows_of(SUMMARY)} == {Verdict.RIGHT}
    assert SUMMARY.problems == []
    assert SUMMARY.as_json()["ok"] is True


def test_a_wrong_count_is_marked_and_named() -> None:
    wrong = with_found(counts=EXPECTED.counts._replace(accepted=9507))
    assert row(wrong, "accepted") == Row("  accepted", "9,508", "9,507", Verdict.WRONG)
    assert wrong.problems == ["accepted: 9,508 expected, 9,507 found."]
    assert wrong.as_json()["ok"] is False


def test_a_reason_that_nobody_expects_is_a_row_of_its_own() -> None:
    wrong = with_found(rejected={**EXPECTED.rejected, "whim": 1, "late": 149})
    assert row(wrong, "whim: ?").verdict is Verdict.WRONG
    assert row(wrong, "late: old, and seen before").verdict is Verdict.WRONG


def test_kpis_that_differ_in_a_digit_that_is_not_shown_show_all_digits() -> None:
    wrong = with_found(kpis={**KPIS, LATENCY: 1.0, "batch success": 0.97811})
    assert row(wrong, "batch success") == Row("batch success", "0.9781", "0.97811", Verdict.WRONG)


def test_the_last_digit_of_a_sum_of_shares_is_no_difference() -> None:
    assert with_found(kpis={**KPIS, LATENCY: 1.0, "freshness": 0.7213 + 1e-15}).problems == []


def test_a_kpi_that_did_not_come_is_wrong() -> None:
    missing = with_found(kpis={})
    assert row(missing, "batch success") == Row("batch success", "97.8%", "none", Verdict.WRONG)
    assert row(missing, LATENCY).verdict is Verdict.WRONG


def test_a_slow_machine_is_marked_and_is_no_problem() -> None:
    assert row(SLOW, LATENCY) == Row(LATENCY, "< 100 ms", "246 ms", Verdict.SLOW)
    assert SLOW.problems == []
    assert "P95 latency includes the wait for the killed worker" in "\n".join(lines_of(SLOW))
    assert "P95 latency depends on this machine's load" in "\n".join(lines_of(replace(SLOW, worker_kills=0)))


def test_a_wrong_table_is_named_with_the_number_and_examples() -> None:
    assert WRONG_TABLE.problems == ["ledger: 4 rows differ from the recount.", "  missing line=0"]
    assert "  missing line=0" in lines_of(WRONG_TABLE)
    assert row(WRONG_TABLE, "ledger").verdict is Verdict.WRONG
    assert WRONG_TABLE.as_json()["comparisons"] == [
        {
            "table": "ledger",
            "expected": 3,
            "found": 5,
            "missing": 1,
            "unexpected": 1,
            "repeated": 2,
            "different": 0,
            "examples": ["missing line=0"],
            "differences": 4,
        }
    ]


@pytest.mark.parametrize("name", SUMMARY.invariants)
def test_a_broken_invariant_is_a_problem(name: str) -> None:
    assert replace(SUMMARY, invariants={**SUMMARY.invariants, name: 2}).problems == [f"{name}: 0 expected, 2 found."]


def test_a_lost_record_is_a_problem() -> None:
    assert replace(SUMMARY, acknowledged=2989).problems == ["records not acknowledged: 0 expected, 1 found."]


def test_the_picture_is_an_svg_of_the_summary(tmp_path: Path) -> None:
    path = tmp_path / "demo.svg"
    write_svg(SUMMARY, path)
    assert path.read_text().startswith("<svg")
    assert "make&#160;demo" in path.read_text()
    assert "url(http" not in path.read_text().replace('"', "")


def test_the_readmes_picture_shows_the_rows_of_today(tmp_path: Path) -> None:
    """`python -m demo --svg docs/demo.svg` makes it anew."""
    text = PICTURE.read_text().replace("&#160;", " ")
    for each in rows_of(SUMMARY):
        assert each.name in text, each.name
    assert SUMMARY.faults[0][0] in text
    assert "every row is as the recount says" in text
