"""The demo's summary: for the terminal, as a picture, and as JSON."""

import io
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from demo.kpis import Kpis
from oracle import Difference

# Fits both halves side by side; also the width of piped output, which has no terminal to ask.
WIDTH = 92


@dataclass(frozen=True, slots=True)
class Summary:
    """Everything that the demo reports at its end."""

    seed: int
    impressions: int
    injected: Counter[str]
    worker_kills: int
    kpis: Kpis
    comparisons: list[Difference]
    invariants: dict[str, int]
    seconds: dict[str, float]

    @property
    def problems(self) -> list[str]:
        """Return a sentence for each problem, with examples; empty if everything is right."""
        sentences = []
        for each in self.comparisons:
            if each.found:
                sentences.append(f"{each.what}: {each.rows} rows differ from the recount.")
                sentences += [f"  {text}" for text in each.examples]
        sentences += [f"{count} rows: {name}." for name, count in self.invariants.items() if count]
        if self.kpis.batch_success < 1:
            sentences.append(f"Only {self.kpis.batch_success:.2%} of the records were acknowledged.")
        return sentences

    def as_json(self) -> dict[str, Any]:
        """Return the summary as JSON values."""
        return {
            "seed": self.seed,
            "impressions_in_log": self.impressions,
            "injected": dict(self.injected),
            "worker_kills": self.worker_kills,
            "kpis": asdict(self.kpis),
            "comparisons": [_as_json(each) for each in self.comparisons],
            "invariants": self.invariants,
            "seconds": self.seconds,
            "ok": not self.problems,
        }


def render(summary: Summary) -> RenderableType:
    """Return the summary as tables: injected faults and result side by side, the comparison below."""
    sides = Table.grid(padding=(0, 4))
    sides.add_row(_injected(summary), Group(_result(summary.kpis), Text(), _comparison(summary)))
    times = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in summary.seconds.items())
    return Group(
        sides, Text(), Text(f"{times} - together {sum(summary.seconds.values()):.1f} s", style="dim"), _verdict(summary)
    )


def console() -> Console:
    """Return the console that the demo writes to: the terminal's width, or a fixed one when piped."""
    plain = Console()
    return plain if plain.is_terminal else Console(width=WIDTH)


def write_svg(summary: Summary, path: Path) -> None:
    """Write the summary as a picture."""
    recorder = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    recorder.print(render(summary))
    picture = recorder.export_svg(title="make demo", unique_id="demo")
    # Drop the font that a browser would fetch from elsewhere; the reader's own monospace font is good enough.
    path.write_text(re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL))


def group_kinds(injected: Mapping[str, int]) -> dict[str, int]:
    """Sum the kinds that have the same text before their colon, and name how many kinds there are."""
    groups: dict[str, list[int]] = {}
    for kind, count in injected.items():
        groups.setdefault(kind.partition(":")[0], []).append(count)
    return {
        name if len(counts) == 1 else f"{name}, {len(counts)} kinds": sum(counts) for name, counts in groups.items()
    }


def _as_json(comparison: Difference) -> dict[str, Any]:
    return {
        "table": comparison.what,
        "expected": comparison.expected,
        "found": comparison.actual,
        "missing": comparison.missing,
        "unexpected": comparison.extra - comparison.repeated,
        "repeated": comparison.repeated,
        "different": comparison.wrong,
        "examples": comparison.examples,
        "differences": comparison.rows,
    }


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim")
    table.add_column(columns[0], no_wrap=True)
    for column in columns[1:]:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _injected(summary: Summary) -> Table:
    table = _table(f"Injected faults (seed {summary.seed})", "", "")
    table.show_header = False
    for name, count in group_kinds(summary.injected).items():
        table.add_row(name, f"{count:,}")
    if summary.worker_kills:
        table.add_row("worker killed (SIGKILL)", f"{summary.worker_kills:,}")
    table.add_section()
    table.add_row(Text("impressions in the real log", style="bold"), Text(f"{summary.impressions:,}", style="bold"))
    return table


def _result(kpis: Kpis) -> Table:
    table = _table("Result in ClickHouse", "", "")
    table.show_header = False
    table.add_row("received", f"{kpis.received:,}")
    table.add_row("  accepted", f"{kpis.accepted:,}")
    table.add_row("    of these fresh", f"{kpis.fresh:,}")
    table.add_row("  duplicates dropped", f"{kpis.duplicates:,}")
    table.add_row("  rejected", f"{kpis.rejected:,}")
    for reason, count in kpis.rejected_by_reason.items():
        table.add_row(f"    {reason}", f"{count:,}")
    table.add_row("  forwarded to their partition", f"{kpis.forwarded:,}")
    table.add_row("duplicate rate in the result", _good(f"{kpis.duplicate_rate:.2%}", kpis.duplicate_rate == 0))
    table.add_row("mean coverage / freshness", f"{kpis.mean_coverage:.1%} / {kpis.mean_freshness:.1%}")
    table.add_row(f"users at 95 % of a pool, of {kpis.users:,}", f"{kpis.users_exhausted:.1%}")
    table.add_row(
        f"batch success, {kpis.records:,} records", _good(f"{kpis.batch_success:.2%}", kpis.batch_success == 1)
    )
    table.add_row("P95 sent -> acknowledged", f"{kpis.p95_acknowledged_ms:.0f} ms")
    table.add_row("P95 appended -> decided", f"{kpis.p95_decided_ms:.0f} ms")
    return table


def _comparison(summary: Summary) -> Table:
    table = _table("Row for row against the recount", "", "recount", "found", "differ")
    for each in summary.comparisons:
        differences = _good(f"{each.rows:,}", not each.found)
        table.add_row(each.what, f"{each.expected:,}", f"{each.actual:,}", differences)
    for name, count in summary.invariants.items():
        table.add_row(name, "", "", _good(f"{count:,}", count == 0))
    return table


def _verdict(summary: Summary) -> Text:
    if summary.problems:
        return Text("\n".join(["Not as it must be:", *summary.problems]), style="bold red")
    return Text("No duplicate, no loss: every row is as the recount says.", style="bold green")


def _good(text: str, good: bool) -> Text:
    return Text(text, style="bold green" if good else "bold red")
