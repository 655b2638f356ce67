"""The view: it fits into the terminal, shows what matters in any, and is lines where there is no terminal."""

import io
from collections.abc import Sequence

import pytest
from rich.console import Console

from streams.top.figures import Figures, Watch
from streams.top.lines import Lines
from streams.top.screen import render
from streams.top.target import Answer
from tests.support.expositions import answer, sink, worker


def figures(*extra: Answer, problems: int = 0, pools: int = 1) -> Figures:
    """The figures of two looks at a worker, a sink and others."""
    watch = Watch()
    more = {f'impressions_pool_artworks{{pool="p{n}"}}': 10.0 + n for n in range(pools - 1)}
    for at, count in ((0, 1_000.0), (2, 9_000.0)):
        seen = [answer("worker-0", at, worker(count) | more), answer("sink-0", at, sink(count)), *extra]
        seen += [answer(f"sink-{n}", at, None, "nothing listens there " * 9) for n in range(1, problems + 1)]
        made = watch.figures(seen)
    return made


def drawn(shown: Figures, width: int, height: int) -> list[str]:
    """The lines of a terminal of this size."""
    console = Console(width=width, height=height, file=io.StringIO(), record=True, force_terminal=True)
    console.print(render(shown, width, height, 2.0))
    return console.export_text().splitlines()


@pytest.mark.parametrize(("width", "height"), [(80, 24), (80, 50), (120, 24), (120, 40), (200, 60)])
@pytest.mark.parametrize("problems", [0, 1, 3, 20])
def test_it_fits_into_the_terminal(width: int, height: int, problems: int) -> None:
    lines = drawn(figures(problems=problems, pools=30), width, height)
    assert max(map(len, lines)) <= width
    assert len(lines) <= height
    assert any(line.startswith("Process") for line in lines)


@pytest.mark.parametrize(("width", "height"), [(40, 10), (20, 3), (500, 200)])
def test_a_terminal_of_any_size_is_no_error(width: int, height: int) -> None:
    assert max(map(len, drawn(figures(problems=9, pools=9), width, height))) <= width


@pytest.mark.parametrize("width", [80, 120])
def test_rates_duplicates_lag_latency_coverage_and_errors_are_on_the_first_screen(width: int) -> None:
    text = "\n".join(drawn(figures(), width, 24))
    for words in (
        "received 4,000 per s",
        "duplicate",
        "10.0 %",
        "behind",
        "err/s",
        "coverage",
        "25.0 %",
        "Latency",
        "late",
    ):
        assert words in text
    assert "…" not in text
    assert "No problems; 2 of 2 processes answer." in text


def test_partitions_and_pools_without_room_are_counted() -> None:
    text = "\n".join(drawn(figures(pools=30), 80, 24))
    assert "... 2 more" in text  # of four partitions, those furthest behind
    assert "75 s" in text
    assert "... 29 more" in text


def test_what_a_server_sends_cannot_control_the_terminal() -> None:
    evil = worker(1) | {'impressions_kpi_users{pool="\x1b[2Jmain"}': 1.0}
    lines = drawn(figures(answer("worker-1", 2, evil, not_ready="[red]\x1b]0;title\x07")), 120, 40)
    assert not any("\x1b" in line or "\x07" in line for line in lines)
    assert any("[red]" in line for line in lines)


def said(*looks: Sequence[Answer]) -> list[str]:
    watch, lines = Watch(), Lines()
    return [line.split(" ", 1)[1] for look in looks for line in lines.of(watch.figures(look))]


def test_a_line_a_look_with_names_and_values() -> None:
    first, second = said(
        [answer("worker-0", 0, worker(0)), answer("sink-0", 0, sink(0))],
        [answer("worker-0", 2, worker(1_000)), answer("sink-0", 2, sink(9))],
    )
    assert "received" not in first
    values = dict(pair.split("=") for pair in second.split())
    assert (values["received/s"], values["duplicate/s"], values["processes"]) == ("500.0", "50.0", "2/2")
    assert (values["worker_lag_s"], values["sink_lag"], values["coverage_main"]) == ("1.5", "9", "0.2500")
    assert (values["decided_p95_s"], values["problems"]) == ("0.910", "0")


def test_a_problem_is_a_line_when_it_begins_and_when_it_is_over() -> None:
    away, well = [answer("worker-0", 0, None, "nothing listens there")], [answer("worker-0", 2, worker(0))]
    lines = said(away, away, well)
    assert [line.split(" ", 1)[0] for line in lines] == [
        "problem",
        "processes=0/1",
        "processes=0/1",
        "over",
        "processes=1/1",
    ]
    assert "nothing listens there" in lines[0]
