"""The study's pictures, from its results."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt

from bench.lib.figures import SECTIONS, axes, save
from bench.recorder.mix import browser_cpu
from bench.recorder.servers import of_flush
from bench.recorder.settings import FLUSH_SECONDS, Setting

BATCH = 200
SIZE = (8.0, 5.6)
SMALL = 8
CLAIM = 60
TICKS = [f"{seconds:g}" for seconds in FLUSH_SECONDS]
LAST = "flush (s)"


def draw(folder: Path) -> Iterator[Path]:
    """Draw what is measured already; yield the files."""
    runs = json.loads((folder / "recorder.json").read_text())[SECTIONS]
    if "model" in runs:
        yield _flush(runs["model"]["viewers"], runs.get("beside"), folder)
    if "flushing" in runs:
        yield _gzip(runs["flushing"]["compression"], folder)
    if {"replay", "flushing", "model"} <= runs.keys():
        yield _cpu(runs, folder)


def _flush(viewers: Mapping[str, Any], beside: Mapping[str, Any] | None, folder: Path) -> Path:
    """Draw what a longer flush saves, and what it costs."""
    _, grid = plt.subplots(2, 2, figsize=SIZE, layout="constrained")
    for viewer in viewers.values():
        cells = [viewer["settings"][Setting(BATCH, seconds).name] for seconds in FLUSH_SECONDS]
        _line(grid[0][0], [cell["requests"] for cell in cells], viewer["title"])
        _line(grid[0][1], [cell["sent_bytes"] / 1000 for cell in cells], viewer["title"])
        _line(grid[1][0], [cell["at_risk_mean"] for cell in cells], viewer["title"])
    _finish(grid[0][0], "requests of 100 impressions", "requests")
    _finish(grid[0][1], "bodies of 100 impressions, as sent", "kB")
    _finish(grid[1][0], "not acknowledged when the page goes, mean", "impressions")
    if beside:
        cells = [beside["gallery"]["settings"][Setting(BATCH, seconds).name] for seconds in FLUSH_SECONDS]
        for what, quantile, label, style in (
            ("acknowledged", "p50", "acknowledged, P50", "o-"),
            ("covered", "p95", "shown by coverage, P95", "x:"),
        ):
            grid[1][1].plot(TICKS, [cell[what][quantile] / 1000 for cell in cells], style, label=label, markersize=5)
    _finish(grid[1][1], "from seen, real recorders in a gallery", "s")
    return save(grid[0][0], "recorder-flush", folder)


def _line(drawn: Any, values: Sequence[float], label: str) -> None:
    drawn.plot(TICKS, values, "o-", label=label, markersize=4)


def _finish(drawn: Any, title: str, unit: str) -> None:
    drawn.set_title(title, fontsize=9, loc="left")
    drawn.set_xlabel(LAST, fontsize=SMALL)
    drawn.set_ylabel(unit, fontsize=SMALL)
    drawn.tick_params(labelsize=SMALL)
    drawn.grid(True, alpha=0.3)
    drawn.margins(y=0.25)
    drawn.set_ylim(bottom=0)
    if drawn.lines or drawn.containers:
        drawn.legend(fontsize=7)


def _gzip(found: Sequence[Mapping[str, float]], folder: Path) -> Path:
    drawn = axes("What gzip saves of a flush", "impressions in the flush, logarithmic", "% of its bytes")
    sizes = [each["impressions"] for each in found]
    saved = [100 * (1 - each["gzip_bytes"] / each["raw_bytes"]) for each in found]
    sent = [100 * (1 - each["sent_bytes"] / each["raw_bytes"]) for each in found]
    drawn.plot(sizes, saved, "o-", label="if always compressed")
    drawn.plot(sizes, sent, "o:", label="as sent: from 1 kB on")
    drawn.axhline(CLAIM, color="0.5", linewidth=1)
    drawn.annotate("60 %", (sizes[-1], CLAIM), (0, 4), textcoords="offset points", ha="right", fontsize=SMALL)
    drawn.set_xscale("log")
    ticks = (1, 2, 5, 10, 20, 50, 100, 200, 500)
    drawn.set_xticks(ticks, [str(tick) for tick in ticks])
    drawn.minorticks_off()
    drawn.set_ylim(0, 100)
    drawn.legend()
    return save(drawn, "recorder-gzip", folder)


def _cpu(runs: Mapping[str, Any], folder: Path) -> Path:
    """Draw what each end spends on 100 impressions, in a gallery, by flush; the lines show the range."""
    _, (left, right) = plt.subplots(1, 2, figsize=(8.0, 3.6), layout="constrained")
    names = [Setting(BATCH, seconds).name for seconds in FLUSH_SECONDS]
    three = [of_flush(runs["replay"]["cpu"], seconds)["collector"] for seconds in FLUSH_SECONDS]
    around = [[middle - least for least, middle, _ in three], [most - middle for _, middle, most in three]]
    left.bar(TICKS, [middle for _, middle, _ in three], 0.6, yerr=around, label="collector", ecolor="0.4")
    _finish(left, "collector: CPU of 100 impressions", "ms")
    flushes, cells = runs["flushing"]["flushes"], runs["model"]["viewers"]["gallery"]["settings"]
    for name, label in (("both, browser", "all of Chromium"), ("both", "the page's main thread")):
        right.bar(TICKS, [browser_cpu(cells[cell], flushes, name) for cell in names], 0.6, label=label)
    _finish(right, "browser: CPU of 100 impressions", "ms")
    return save(left, "recorder-cpu", folder)
