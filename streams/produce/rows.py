"""What a file of impressions is turned into."""

from dataclasses import dataclass
from typing import Any, Literal

Format = Literal["csv", "ndjson", "parquet"]


@dataclass(slots=True, eq=False)
class Envelope:
    """The flush that rows were read from: its fields except the impressions, and its number of rows."""

    header: dict[str, Any]
    size: int


@dataclass(slots=True)
class Row:
    """One impression of a file, valid by the contract. `number` is its line (CSV, NDJSON) or row (Parquet), from 1.

    `seen_at` is in ms since the epoch; `fields` are the impression's other fields, without absent ones.
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
    """A part of a file that is not an impression, and why."""

    source: str
    number: int
    reason: str

    def __str__(self) -> str:
        return f"{self.source}:{self.number}: {self.reason}"


@dataclass(frozen=True, slots=True)
class OtherEvent:
    """A record of a log of several kinds of events that is not one of the impressions."""

    source: str
    number: int
    kind: str


Item = Row | BadRow | OtherEvent
