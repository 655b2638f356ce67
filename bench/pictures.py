"""The two tables as pictures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt

from bench.kills.kill import Outcome
from bench.lib.figures import save
from bench.lib.systems import OURS
from bench.throughput.report import Row

# Inches per system, and for title and axis.
LINE, REST = 0.28, 1.1
WIDTH = 10.0
MINE, OTHERS = "tab:blue", "0.35"
SMALL = 8
TITLE: dict[str, Any] = {"fontsize": 9, "loc": "left"}


def throughput(rows: Sequence[Row], folder: Path) -> Path:
    """Draw each system's speed and CPU time at each size, on logarithmic axes; return the file."""
    sizes = sorted({row.size for row in rows})
    most = max(len([row for row in rows if row.size == size]) for size in sizes)
    height = len(sizes) * (most * LINE + REST)
    _, grid = plt.subplots(len(sizes), 2, squeeze=False, sharex="col", figsize=(WIDTH, height), layout="constrained")
    for size, (left, right) in zip(sizes, grid, strict=True):
        found = [row for row in rows if row.size == size]
        _dots(left, found, [row.rate for row in found], [row.rate_range for row in found])
        _dots(right, found, [row.cpu for row in found], [(row.cpu, row.cpu) for row in found])
        left.set_title("1 impression a record" if size == 1 else f"about {size} impressions a record", **TITLE)
        right.tick_params(labelleft=False)
    grid[-1][0].set_xlabel("impressions/s, logarithmic", fontsize=SMALL)
    grid[-1][1].set_xlabel("CPU s per million impressions, logarithmic", fontsize=SMALL)
    return save(grid[0][0], "throughput", folder)


def kills(outcomes: Sequence[Outcome], folder: Path) -> Path:
    """Draw how long each system's output paused after each kill, and what it lost; return the file."""
    _, axes = plt.subplots(figsize=(WIDTH, len(outcomes) * LINE + REST + LINE), layout="constrained")
    for at, outcome in enumerate(outcomes):
        colour = _colour(outcome.system.name)
        axes.plot(outcome.moved_after, [at] * len(outcome.moved_after), "o", color=colour)
        output = outcome.output
        text = f"{output.missing:,} lost, {output.extra:,} doubled, coverage of {output.wrong_coverage:,} users wrong"
        axes.text(1.02, at, text, va="center", fontsize=SMALL, color=colour, transform=axes.get_yaxis_transform())
    _names(axes, [outcome.system.title for outcome in outcomes])
    axes.set_xlim(left=0)
    axes.set_title("From a SIGKILL until the output moves again, two kills each", **TITLE)
    axes.set_xlabel("seconds", fontsize=SMALL)
    return save(axes, "kills", folder)


def _dots(axes: Any, rows: Sequence[Row], values: Sequence[float], ranges: Sequence[tuple[float, float]]) -> None:
    for at, (row, value, (low, high)) in enumerate(zip(rows, values, ranges, strict=True)):
        colour = _colour(row.system.name)
        axes.plot([low, high], [at, at], color=colour, linewidth=1)
        axes.plot([value], [at], "o", color=colour)
        text = f"{value:,.0f}" if value >= 100 else f"{value:,.1f}"
        axes.annotate(text, (high, at), (6, 0), textcoords="offset points", va="center", fontsize=SMALL, color=colour)
    _names(axes, [row.system.title for row in rows])
    axes.set_xscale("log")
    axes.margins(x=0.2)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")


def _names(axes: Any, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names, fontsize=SMALL)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(axis="x", alpha=0.3)
    axes.tick_params(axis="x", labelsize=SMALL)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _colour(name: str) -> str:
    return MINE if name == OURS else OTHERS
