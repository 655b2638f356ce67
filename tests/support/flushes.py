"""Flushes as producers send them, and what the pure core makes of them."""

import base64
from typing import Any

import orjson

from streams.core.catalogue import Artwork, Catalogue
from streams.core.chunk import Decider, Outputs
from streams.core.judge import Rules
from streams.core.pieces import pieces
from streams.state.memory import MemoryStore
from streams.state.partition_state import State

A = 1_732_431_600_000  # 2024-11-24 07:00:00 UTC, where a ten-minute window begins
WINDOW, LATENESS, TOLERANCE = 600_000, 86_400_000, 300_000
RULES = Rules(WINDOW, LATENESS, TOLERANCE)
TOPIC_ID = "topic-1"

Row = dict[str, Any]


def impression(**fields: Any) -> Row:
    """A valid impression, with `fields` replaced."""
    return {"impression_id": "i1", "artwork_id": "a1", "seen_at": A} | fields


def flush(**fields: Any) -> Row:
    """A valid flush of one impression, with `fields` replaced."""
    return {"v": 1, "flush_id": "f1", "user_id": "u1", "sent_at": A, "impressions": [impression()]} | fields


def line(**fields: Any) -> bytes:
    """The flush as a line."""
    return orjson.dumps(flush(**fields))


def without(row: Row, *names: str) -> Row:
    """The row without these fields."""
    return {name: value for name, value in row.items() if name not in names}


class Outcome:
    """A chunk's outputs, parsed."""

    def __init__(self, outputs: Outputs) -> None:
        self.accepted: list[Row] = _parsed(outputs.accepted)
        self.ledger: list[Row] = _parsed(outputs.ledger)
        self.rejected: list[Row] = [orjson.loads(row) for _, row in outputs.rejected]
        self.coverage = {key: None if row is None else orjson.loads(row) for key, row in outputs.coverage}
        self.forwards = outputs.forwards
        self.summary = outputs.summary

    @property
    def letters(self) -> str:
        """One letter per line of one impression: fresh, repeat, duplicate, or x for rejected."""
        return "".join(
            "f" if row["fresh"] else "r" if row["accepted"] else "d" if row["duplicates"] else "x"
            for row in self.ledger
        )

    @property
    def reasons(self) -> list[str]:
        """The reasons of the rejections."""
        return [row["reason"] for row in self.rejected]


def _parsed(lines: list[bytes]) -> list[Row]:
    return [orjson.loads(line) for line in b"".join(lines).splitlines()]


def payload(row: Row) -> bytes:
    """The bytes that a rejected row keeps."""
    text: str = row["payload"]
    return base64.b64decode(text) if row["payload_encoding"] == "base64" else text.encode()


def decider(catalogue: Catalogue | None = None, **fields: Any) -> Decider:
    """A decider with empty state; it has the only partition unless `fields` says otherwise."""
    defaults = {"topic_id": TOPIC_ID, "partition": 0, "partitions": 1, "rules": RULES, "tables": State(MemoryStore())}
    return Decider(**{**defaults, "catalogue": catalogue or Catalogue(), **fields})


def decide(*values: bytes | None, by: Decider | None = None, at: int = A, first: int = 0) -> Outcome:
    """Decide one chunk: one record per value, all appended at `at`, with offsets from `first`."""
    records = [piece for n, value in enumerate(values) for piece in pieces(first + n, at, value)]
    return Outcome((by or decider()).decide(records, now=at + 5))


def seen(*impressions: tuple[str, int], user_id: str = "u1") -> list[bytes]:
    """One line for each (artwork_id, seen_at)."""
    return [
        line(user_id=user_id, impressions=[impression(artwork_id=artwork_id, seen_at=at, impression_id=f"i{n}")])
        for n, (artwork_id, at) in enumerate(impressions)
    ]


def catalogue_of(**artworks: Row) -> Catalogue:
    """A catalogue of valid records."""
    catalogue = Catalogue()
    for artwork_id, record in artworks.items():
        put(catalogue, artwork_id, **record)
    return catalogue


def put(catalogue: Catalogue, artwork_id: str, /, **record: Any) -> Artwork:
    """Apply a valid record."""
    outcome = catalogue.apply(artwork_id.encode(), orjson.dumps(record))
    assert isinstance(outcome, Artwork), outcome
    return outcome
