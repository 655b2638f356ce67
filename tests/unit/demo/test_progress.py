"""Long work shows progress: a bar that fits the terminal, and a few plain lines elsewhere."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from demo.progress import LINE_WIDTH, Phases, progress
from demo.screen import line_printer
from tests.support.terminal import Terminal

SECONDS = 30.0
ROOT = Path(__file__).resolve().parents[3]
# All that the demo shows, with another summary's numbers.
SHOWN = """
from demo.progress import Phases
from demo.report import render
from demo.screen import console, line_printer
from tests.unit.demo.summaries import SUMMARY
out = console()
phases = Phases(out, 2)
with phases.phase("play", "a real log, with faults, as apps and servers send it", "records") as update:
    for done in range(1235):
        update(done, 1234)
with phases.phase("check", "every row against an independent recount of the topic", "") as update:
    out.print("h\\u00e9, amid it", highlight=False)
line_printer(out)("A sentence that is longer than any of the terminals here, " * 3 + "and ends.")
out.print(render(SUMMARY))
"""


@pytest.mark.parametrize("width", [80, 120])
def test_nothing_is_wider_than_a_real_terminal_and_words_stay_whole(width: int) -> None:
    with Terminal([sys.executable, "-c", SHOWN], width, environment={"PYTHONPATH": str(ROOT)}) as terminal:
        assert terminal.wait(SECONDS) == 0
    assert max(map(cell_len, terminal.lines)) <= width
    text = "\n".join(line.rstrip() for line in terminal.lines)
    assert "1,234 of 1,234" in text
    assert "h\u00e9, amid it" in text
    assert "1/2 play   a real log, with faults, as apps and servers send it" in text
    assert text.rstrip().endswith("No duplicate, no loss: every row is as the recount says.")
    assert "longer than any" in text.replace("\n  ", " ")


def test_no_color_is_honoured_and_a_dumb_terminal_gets_lines() -> None:
    coloured = "\x1b[32m"
    for environment, has_colour, has_bar in (
        ({}, True, True),
        ({"NO_COLOR": "1"}, False, True),
        ({"TERM": "dumb"}, False, False),
    ):
        with Terminal(
            [sys.executable, "-c", SHOWN], 80, environment={"PYTHONPATH": str(ROOT), **environment}
        ) as terminal:
            assert terminal.wait(SECONDS) == 0
        assert (coloured in terminal.output) == has_colour, environment
        assert ("\u2501" in terminal.output) == has_bar, environment
        assert ("    records: 0 of 1,234" in terminal.lines) != has_bar, environment


@pytest.mark.parametrize("environment", [{"LC_ALL": "C"}, {"LC_ALL": "POSIX"}, {"PYTHONIOENCODING": "latin-1"}])
def test_a_locale_without_utf_8_gets_marks_and_bars_that_it_has(environment: dict[str, str]) -> None:
    with Terminal([sys.executable, "-c", SHOWN], 80, environment={"PYTHONPATH": str(ROOT), **environment}) as terminal:
        assert terminal.wait(SECONDS) == 0
    assert "\u2713" not in terminal.output
    assert "\u2501" not in terminal.output
    assert " ok" in "\n".join(terminal.lines)
    if "LC_ALL" in environment:
        assert terminal.output.isascii()
        assert "h\\xe9, amid it" in terminal.output


def test_without_a_terminal_there_are_plain_lines() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        [sys.executable, "-c", SHOWN], env=environment, capture_output=True, encoding="utf-8", check=True
    )
    assert "\x1b" not in done.stdout
    assert "\r" not in done.stdout
    assert done.stdout.splitlines()[:8] == [
        "1/2 play   a real log, with faults, as apps and servers send it",
        "    records: 0 of 1,234",
        "    records: 309 of 1,234",
        "    records: 617 of 1,234",
        "    records: 926 of 1,234",
        "    records: 1,234 of 1,234",
        "    done in 0.0 s",
        "2/2 check  every row against an independent recount of the topic",
    ]
    sentence = done.stdout.splitlines()[10]
    assert sentence.endswith("and ends.")
    assert len(sentence) > LINE_WIDTH


def test_progress_without_a_terminal_is_a_few_lines() -> None:
    out = io.StringIO()
    with progress(Console(file=out), "playing") as update:
        for done in range(1001):
            update(done, 1000)
    assert out.getvalue().splitlines()[0] == "playing: 0 of 1,000"
    assert out.getvalue().splitlines()[-1] == "playing: 1,000 of 1,000"
    assert len(out.getvalue().splitlines()) == 5


def test_the_time_of_each_phase_is_kept_in_order() -> None:
    phases = Phases(Console(file=io.StringIO()), 2)
    for name in ("first", "second"):
        with phases.phase(name, "something", "things"):
            assert name not in phases.seconds
    assert list(phases.seconds) == ["first", "second"]


def test_a_long_word_is_not_cut() -> None:
    """A path that is cut can't be copied."""
    out, path = io.StringIO(), "/" + "x" * 200
    line_printer(Console(file=out, width=80, force_terminal=True))(f"The data is in {path} and stays there.")
    assert path in out.getvalue().splitlines()[1]
