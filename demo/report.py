"""The demo's summary as text, within the console's width, and as a picture."""

import io
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console, ConsoleOptions, ConsoleRenderable, Group, RenderResult
from rich.table import Table
from rich.text import Text

from demo.figures import LATENCY
from demo.summary import Section, Summary, Verdict

# From this width on there are two columns.
WIDE = 120
GAP = 3
# Of columns, so that all tables below each other have the same; names are cut only in narrower terminals.
FAULT, OUTCOME, NAME, NUMBER, MANY = 33, 19, 32, 8, 8
STYLES = {Verdict.RIGHT: "green", Verdict.WRONG: "bold red", Verdict.SLOW: "yellow"}
MARKS = {Verdict.RIGHT: "\u2713", Verdict.WRONG: "\u2717", Verdict.SLOW: "!"}
ASCII_MARKS = {Verdict.RIGHT: "ok", Verdict.WRONG: "NO", Verdict.SLOW: "!"}
HEAD, DIM = "bold", "dim"


class Report:
    """The summary: beside each other where there is room, else below each other."""

    def __init__(self, summary: Summary) -> None:
        self._summary = summary

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the tables, and the verdict below them."""
        marks = ASCII_MARKS if options.ascii_only else MARKS
        summary = self._summary
        faults = _faults(summary)
        outcomes, tables, never, kpis = (_section(each, marks) for each in summary.sections)
        if options.max_width >= WIDE:
            sides = Table.grid(padding=(0, GAP, 0, 0))
            sides.add_row(Group(faults, Text(), kpis), Group(outcomes, Text(), tables, Text(), never))
            yield from (sides, Text())
        else:
            for table in (faults, outcomes, tables, never, kpis):
                yield from (table, Text())
        yield from _closing(summary, options.max_width)


def render(summary: Summary) -> ConsoleRenderable:
    """Return what to print."""
    return Report(summary)


def write_svg(summary: Summary, path: Path) -> None:
    """Write the summary as a picture."""
    recorder = Console(record=True, width=WIDE, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    recorder.print(render(summary))
    picture = recorder.export_svg(title="make demo", unique_id="demo")
    # Drop the font that a browser would fetch from elsewhere; the reader's own monospace font is good enough.
    path.write_text(re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL))


def _faults(summary: Summary) -> Table:
    head = Text(f"Faults in {summary.impressions:,} real impressions", style=HEAD)
    table = _table(head, FAULT)
    table.add_column(Text("how many", style=DIM), justify="right", no_wrap=True, overflow="crop", min_width=MANY)
    table.add_column("", min_width=0)
    table.add_column(Text("what must come of it", style=DIM), no_wrap=True, overflow="crop", min_width=OUTCOME)
    for name, count, outcome in summary.faults:
        table.add_row(name, f"{count:,}", "", outcome)
    return table


def _section(section: Section, marks: dict[Verdict, str]) -> Table:
    table = _table(Text(section.title, style=HEAD), NAME)
    for name in ("expected", "found"):
        table.add_column(Text(name, style=DIM), justify="right", no_wrap=True, overflow="crop", min_width=NUMBER)
    table.add_column("", no_wrap=True, overflow="crop", min_width=max(map(len, marks.values())))
    for row in section.rows:
        style = "" if row.verdict is Verdict.RIGHT else STYLES[row.verdict]
        mark = Text(marks[row.verdict], style=STYLES[row.verdict])
        table.add_row(Text(row.name, style=style), row.expected, Text(row.found, style=style), mark)
    return table


def _table(head: Text, width: int) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False, header_style="")
    # A cut name has no dots: the terminal may not have the letter.
    table.add_column(head, no_wrap=True, min_width=width, overflow="crop")
    return table


def _closing(summary: Summary, width: int) -> Iterator[Text]:
    """Yield the lines below the tables: how long it took, and whether everything is right."""
    times = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in summary.seconds.items())
    yield from _lines(f"{times}; together {sum(summary.seconds.values()):.1f} s", width, DIM)
    ms = f"{summary.acknowledged_p95_ms:.0f} ms"
    yield from _lines(f"Kafka acknowledged 95 % of {summary.sent:,} records within {ms}.", width, DIM)
    if summary.slow:
        why = "includes the wait for the killed worker" if summary.worker_kills else "depends on this machine's load"
        yield from _lines(f"{LATENCY} {why}; it is no part of the verdict.", width, "yellow")
    if summary.problems:
        for sentence in ("Not as it must be:", *summary.problems):
            yield from _lines(sentence, width, "bold red")
    else:
        yield from _lines("No duplicate, no loss: every row is as the recount says.", width, "bold green")


def _lines(sentence: str, width: int, style: str) -> Iterator[Text]:
    """Yield the sentence in lines that end after a word; only a single word may be longer than the width."""
    indent = sentence[: len(sentence) - len(sentence.lstrip())]
    for line in textwrap.wrap(
        sentence, width, subsequent_indent=f"{indent}  ", break_long_words=False, break_on_hyphens=False
    ):
        yield Text(line, style=style, no_wrap=True, overflow="ignore")
