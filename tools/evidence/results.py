"""The measurements, and how to write them into a table."""

import json
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "bench" / "results"
MIB = 2**20


@cache
def load(name: str) -> dict[str, Any]:
    """Return a file of bench/results."""
    return dict(json.loads((RESULTS / f"{name}.json").read_text()))


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a Markdown table."""
    return [line(columns), line(["---"] * len(columns)), *map(line, rows)]


def line(cells: Sequence[str]) -> str:
    """Return a row of a Markdown table; an empty cell is a single space."""
    return "|" + "|".join(f" {cell} " if cell else " " for cell in cells) + "|"


def size_name(size: int) -> str:
    """Return text for how many impressions a record holds, on average."""
    return "1" if size == 1 else f"about {size}"


def mib(size: float) -> str:
    """Format bytes as whole MiB."""
    return f"{size / MIB:,.0f}"
