"""A benchmark's figures: quantiles, a Markdown table, a JSON file that records where they were measured, pictures."""

import json
import math
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import matplotlib as mpl

from streams.embedded.kafka.jars import kafka_version

mpl.use("Agg")  # needs no screen
import matplotlib.pyplot as plt

RESULTS = Path(__file__).resolve().parents[1] / "results"
PACKAGES = (
    "impression-streams",
    "faust-streaming",
    "aiokafka",
    "confluent-kafka",
    "rocksdict",
    "pydantic",
    "orjson",
    "msgspec",
    "pyroaring",
    "chdb",
    "clickhouse-connect",
)
# The key of the runs in a file of several runs.
SECTIONS = "runs"
# Inches and dots per inch: legible at half a page's width, and at most 60 KB.
SIZE, DOTS = (8.0, 4.5), 110


@dataclass(frozen=True, slots=True)
class Quantiles:
    """The summary of a set of measurements; all in its unit, NaN if there were none."""

    count: int
    p50: float
    p95: float
    p99: float
    max: float


def quantiles(values: Iterable[float]) -> Quantiles:
    """Summarize measurements. The q-th quantile is the least value that at least that share does not exceed."""
    ordered = sorted(values)
    if not ordered:
        return Quantiles(0, math.nan, math.nan, math.nan, math.nan)

    def at(share: float) -> float:
        return ordered[max(0, math.ceil(share * len(ordered)) - 1)]

    return Quantiles(len(ordered), at(0.50), at(0.95), at(0.99), ordered[-1])


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a Markdown table, its columns aligned."""
    cells = [tuple(columns), *map(tuple, rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(columns))]
    for number, row in enumerate(cells):
        yield f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |"
        if number == 0:
            yield f"|{'|'.join('-' * (width + 2) for width in widths)}|"


def write(name: str, figures: Mapping[str, Any], folder: Path = RESULTS, module: str = "") -> Path:
    """Write `<folder>/<name>.json`: the figures with their time, machine and versions; return the file.

    `module` is what was run, if it is another than the bench of that name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    document = {
        "measured": {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "commit": commit(),
            "command": [Path(sys.executable).name, "-m", module or f"bench.{name}", *sys.argv[1:]],
        },
        "machine": {
            "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
            "processor": processor(),
            "system": platform.platform(),
        },
        "versions": {
            "python": platform.python_version(),
            "kafka": kafka_version(),
            **{package: version(package) for package in PACKAGES},
        },
        **figures,
    }
    path.write_text(json.dumps(document, indent=1, allow_nan=True) + "\n")
    return path


def write_section(
    name: str, section: str, figures: Mapping[str, Any], folder: Path = RESULTS, module: str = ""
) -> Path:
    """Write a section of `<folder>/<name>.json` with the time it was measured, keep the others; return the file."""
    path = folder / f"{name}.json"
    before = json.loads(path.read_text())[SECTIONS] if path.exists() else {}
    measured = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "commit": commit()}
    return write(name, {SECTIONS: {**before, section: {"measured": measured, **figures}}}, folder, module)


def commit() -> str:
    """Return the checked-out commit, followed by `+` if files differ from it; "unknown" outside of git."""
    folder = Path(__file__).resolve().parent
    try:
        head = _git(folder, "rev-parse", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{head}+" if changed else head


def _git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, check=True, text=True).stdout.strip()


def processor() -> str:
    """Return the processor's name as the kernel reports it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def axes(title: str, x: str, y: str) -> Any:
    """Return the axes of a new picture; `x` and `y` are their labels, with units."""
    _, drawn = plt.subplots(figsize=SIZE, layout="constrained")
    drawn.set(title=title, xlabel=x, ylabel=y)
    drawn.grid(True, alpha=0.3)
    return drawn


def save(drawn: Any, name: str, folder: Path = RESULTS) -> Path:
    """Write the axes' picture as `<folder>/<name>.png`; return the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.png"
    figure = drawn.get_figure()
    figure.savefig(path, dpi=DOTS, metadata={"Software": None})
    plt.close(figure)
    return path


def say(line: str) -> None:
    """Print a line at once, even into a pipe."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
