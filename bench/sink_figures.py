"""Figures of several runs in one file: each run replaces its own section."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.latency_figures import RESULTS, commit, write

SECTIONS = "runs"


def write_section(name: str, section: str, figures: Mapping[str, Any], folder: Path = RESULTS) -> Path:
    """Write a section of `<folder>/<name>.json`, with when it was measured, and keep the others; return the file."""
    path = folder / f"{name}.json"
    before = json.loads(path.read_text())[SECTIONS] if path.exists() else {}
    measured = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "commit": commit()}
    return write(name, {SECTIONS: {**before, section: {"measured": measured, **figures}}}, folder)
