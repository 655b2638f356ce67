"""Plays files without a broker, as `impressions produce --dry-run FILE` does."""

import gzip
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from streams.produce import run as player
from streams.produce.columns import Columns
from streams.produce.csvfile import Dialect
from streams.produce.options import ProduceOptions
from streams.produce.readers import read
from streams.produce.rows import BadRow, Row
from streams.produce.tally import Tally
from streams.settings import Settings

NOWHERE = Settings(kafka_bootstrap="127.0.0.1:1")


@dataclass(frozen=True)
class Played:
    """What a dry run said and counted."""

    rows: list[Row]
    bad: list[str]
    tally: Tally
    said: str
    code: int

    @property
    def users(self) -> list[str]:
        """The users, row by row."""
        return [row.user_id for row in self.rows]

    @property
    def artworks(self) -> list[str]:
        """The artworks, row by row."""
        return [row.fields["artwork_id"] for row in self.rows]


def write(path: Path, content: str | bytes | list[Any]) -> Path:
    """Write a file: text, bytes, or objects as NDJSON; gzipped if it is called so."""
    if isinstance(content, list):
        content = "".join(json.dumps(each) + "\n" for each in content)
    data = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def load(path: Path, columns: Columns | None = None, dialect: Dialect | None = None) -> tuple[list[Row], list[str]]:
    """Read a file: its rows and what is said of the bad ones."""
    bad: list[BadRow] = []
    rows = list(read([path], columns, dialect=dialect, on_bad=bad.append))
    return rows, [str(each) for each in bad]


def dry_run(path: Path, **options: Any) -> Played:
    """Play a file without a broker, and read it once more for its rows."""
    chosen = ProduceOptions.parse(dry_run=True, **options)
    out = io.StringIO()
    report = player.run([path], chosen, NOWHERE, Console(file=out, width=40))
    bad: list[str] = []
    how: dict[str, Any] = {"dialect": chosen.dialect, "file_format": chosen.file_format}
    rows = list(read([path], chosen.columns, on_bad=lambda each: bad.append(str(each)), **how))
    assert len(rows) == report.tally.impressions
    assert report.tally.rows == report.tally.outcomes
    assert report.tally.problems == []
    return Played(rows, bad, report.tally, out.getvalue(), report.exit_code)
