"""What a file of impressions is read as."""

from dataclasses import dataclass
from typing import Any


@dataclass(slots=True, eq=False)
class Envelope:
    """The flush that rows were read from: its fields but for the impressions, and how many rows it has."""

    header: dict[str, Any]
    size: int


@dataclass(slots=True)
class Row:
    """One impression of a file, valid by the contract. `number` is its line (CSV, NDJSON) or row (Parquet), from 1.

    `seen_at` is in ms since the epoch; `fields` are the impression's others, absent ones left out.
    """

    source: str
    number: int
    user_id: str
    seen_at: int
    fields: dict[str, Any]
    session_id: str = ""
    envelope: Envelope | None = None


@dataclass(frozen=True, slots=True)
class BadRow:
    """A piece of a file that is no impression, and why."""

    source: str
    number: int
    reason: str

    def __str__(self) -> str:
        return f"{self.source}:{self.number}: {self.reason}"
