"""The tables show what was measured, and the exit code whether our output was right."""

from pathlib import Path

import pytest

from bench import pictures
from bench.kills import run as kills
from bench.kills.kill import Outcome
from bench.lib.expected import Comparison
from bench.lib.figures import RESULTS
from bench.lib.measure import Steady
from bench.lib.systems import KILLED, QUICK, SYSTEMS
from bench.lib.trial import Result
from bench.throughput import run as throughput
from bench.throughput.report import rows, table, tidy, verdict

RIGHT = Comparison(900, 900, 0, 0, 0)
LOST, DOUBLED, MISCOUNTED = Comparison(900, 899, 1, 0, 0), Comparison(900, 901, 0, 1, 0), Comparison(900, 900, 0, 0, 1)


def result(name: str, rate: float, cpu: float, output: Comparison | None = RIGHT, size: int = 1) -> Result:
    steady = Steady(1_000_000, 1_000_000 / rate, cpu, 2.0, 100.0)
    return Result(SYSTEMS[name], size, steady, 70.0, 5.0, None, output)


def test_medians_are_shown_and_every_figure_is_compared_with_ours() -> None:
    found = [result("quix", 30_000, 60.0), *(result("ours", each, each / 1e3) for each in (90_000, 60_000, 10_000))]
    ours, quix = rows(found)
    assert ours.system.name == "ours"
    assert [ours.rate, ours.cpu] == pytest.approx([60_000, 60.0])
    assert list(ours.rate_range) == pytest.approx([10_000, 90_000])
    lines = list(table([ours, quix]))
    assert len({len(line) for line in lines}) == 1
    assert [cell.strip() for cell in lines[3].split("|")[2:8]] == [
        "Quix Streams", "at least once", "30,000", "0.50", "60.0", "1.00",
    ]  # fmt: skip


def test_one_wrong_measurement_of_several_is_reported() -> None:
    (row,) = rows([result("quix", 2e4, 1.0), result("quix", 3e4, 1.0, DOUBLED), result("quix", 4e4, 1.0)])
    assert verdict(row.worst) == "no: of 900, 0 missing and 1 too many"


def test_wrong_coverage_is_reported_even_if_the_output_is_right() -> None:
    assert verdict(result("quix", 1e4, 1.0, MISCOUNTED)) == "yes (900); coverage of 1 users wrong"
    assert verdict(result("ceiling", 1e6, 1.0, None)) == "-"


@pytest.mark.parametrize(("output", "code"), [(RIGHT, 0), (LOST, 1), (DOUBLED, 1), (MISCOUNTED, 1)])
def test_the_exit_code_depends_on_our_output_alone(output: Comparison, code: int) -> None:
    wrong = [result("quix", 1e4, 1.0, LOST), result("ceiling", 1e6, 1.0, None)]
    assert throughput.code([*wrong, result("ours", 1e4, 1.0, output), result("ours", 1e4, 1.0, size=10)]) == code
    killed = [Outcome(SYSTEMS["quix"], LOST), Outcome(SYSTEMS["ours"], output)]
    assert kills.code(killed) == code
    assert throughput.code(wrong) == 0


def test_the_kills_table_shows_what_was_lost_and_how_long_it_took() -> None:
    outcome = Outcome(SYSTEMS["quix"], Comparison(900, 970, 5, 75, 12), [300, 650], [3.25, 44.0])
    (_, _, line) = kills.table([outcome])
    assert [cell.strip() for cell in line.split("|")[1:-1]] == [
        "Quix Streams", "at least once", "5", "75", "12", "3.2, 44.0",
    ]  # fmt: skip


def test_figures_are_rounded_to_their_significant_digits() -> None:
    assert tidy({"a": [1.23456789, (2, 123_456.7)], "b": None}) == {"a": [1.2346, [2, 123_460.0]], "b": None}


def test_no_two_systems_share_a_topic_and_the_short_lists_name_systems() -> None:
    outputs = [system.output for system in SYSTEMS.values() if system.output]
    assert len(set(outputs)) == len(outputs)
    assert {*QUICK, *KILLED} <= SYSTEMS.keys()


def test_pictures_are_drawn_of_one_size_and_of_two(tmp_path: Path) -> None:
    found = [result(name, 1e4, 10.0, size=size) for size in (1, 10) for name in ("ours", "quix")]
    for chosen in (found[:2], found):
        path = pictures.throughput(rows(chosen), tmp_path)
        assert path.read_bytes().startswith(b"\x89PNG")
    assert pictures.kills([Outcome(SYSTEMS["ours"], RIGHT, [1, 2], [3.0, 4.0])], tmp_path).exists()


def test_results_go_into_the_folder_of_the_committed_ones() -> None:
    assert (RESULTS / "throughput.json").is_file()
