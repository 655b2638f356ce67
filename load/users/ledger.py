"""The users' own ledger: what they have recorded, and what the server has acknowledged. Compact, and kept in a file.

It is the truth that ClickHouse is held against, so nothing in it comes from a server but the acknowledgements.
"""

import json
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from load.users.flush import OF_FLUSHES, OF_IMPRESSIONS, uuid7

# Columns by name, with the type of array: B, H, I unsigned of 1, 2 and 4 bytes, q and d of 8.
IMPRESSIONS = {"user": "I", "number": "I", "artwork": "I", "seen_at": "q", "flush": "I", "first": "B"}
FLUSHES = {"user": "I", "number": "I", "cut_at": "q", "due": "d", "sent": "d", "acked": "d", "attempts": "H"}
# Of different types, which the type checker can't tell by name.
Columns = dict[str, Any]


class Impression(NamedTuple):
    """A recorded impression; `first`: the user's first one of that artwork, and so the one to be accepted."""

    impression_id: str
    user: int
    artwork: int
    seen_at: int
    flush: int
    """The row of its flush."""
    first: bool


class Flush(NamedTuple):
    """A flush, its times in s since the epoch: due, first sent, acknowledged; 0 if not yet. `impressions`: how many."""

    flush_id: str
    user: int
    due: float
    sent: float
    acked: float
    attempts: int
    """Requests that it was in; those after the acknowledgement, sent on purpose, count too."""


class Ledger:
    """Two tables in memory, of 25 and 42 bytes a row, and what happened on the way."""

    def __init__(self) -> None:
        self._impressions: Columns = {name: array(kind) for name, kind in IMPRESSIONS.items()}
        self._flushes: Columns = {name: array(kind) for name, kind in FLUSHES.items()}
        self.statuses: Counter[str] = Counter()
        self.happened: Counter[str] = Counter()
        self.watched: dict[str, list[float]] = {}
        """Seconds, by what was waited for."""

    def see(self, user: int, number: int, artwork: int, seen_at: int, first: bool) -> int:
        """Add an impression that is in no flush yet; return its row."""
        columns = self._impressions
        for name, value in zip(columns, (user, number, artwork, seen_at, 0, first), strict=True):
            columns[name].append(value)
        return len(columns["user"]) - 1

    def cut(self, user: int, number: int, cut_at: int, due: float, impressions: Sequence[int]) -> int:
        """Add a flush of these rows; return its row."""
        columns = self._flushes
        row = len(columns["user"])
        for name, value in zip(columns, (user, number, cut_at, due, 0.0, 0.0, 0), strict=True):
            columns[name].append(value)
        of = self._impressions["flush"]
        for each in impressions:
            of[each] = row
        return row

    def attempt(self, flush: int, at: float) -> None:
        """Note that a flush is sent now (s)."""
        self._flushes["attempts"][flush] += 1
        if not self._flushes["sent"][flush]:
            self._flushes["sent"][flush] = at

    def acknowledge(self, flush: int, at: float) -> float:
        """Note the first acknowledgement of a flush (s); return how long after its due time it came (s)."""
        self._flushes["acked"][flush] = at
        return at - float(self._flushes["due"][flush])

    @property
    def recorded(self) -> int:
        """How many impressions were recorded."""
        return len(self._impressions["user"])

    @property
    def flushed(self) -> int:
        """How many flushes were made."""
        return len(self._flushes["user"])

    def impressions(self) -> Iterator[Impression]:
        """Yield the impressions in the order in which they were recorded."""
        for user, number, artwork, seen_at, flush, first in zip(*self._impressions.values(), strict=True):
            yield Impression(uuid7(seen_at, OF_IMPRESSIONS, user, number), user, artwork, seen_at, flush, bool(first))

    def flushes(self) -> Iterator[Flush]:
        """Yield the flushes in the order of their rows."""
        for user, number, cut_at, due, sent, acked, attempts in zip(*self._flushes.values(), strict=True):
            yield Flush(uuid7(cut_at, OF_FLUSHES, user, number), user, due, sent, acked, attempts)

    def write(self, path: Path) -> None:
        """Write it: a line that says what follows, and the columns."""
        head = {
            "impressions": self.recorded,
            "flushes": self.flushed,
            "statuses": self.statuses,
            "happened": self.happened,
            "watched": self.watched,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.write(json.dumps(head).encode() + b"\n")
            for column in (*self._impressions.values(), *self._flushes.values()):
                column.tofile(file)

    @classmethod
    def read(cls, path: Path) -> "Ledger":
        """Read what `write` wrote on a machine of the same kind. Raises EOFError if a part of it is missing."""
        ledger = cls()
        with path.open("rb") as file:
            head: dict[str, Any] = json.loads(file.readline())
            for columns, rows in ((ledger._impressions, "impressions"), (ledger._flushes, "flushes")):
                for column in columns.values():
                    column.fromfile(file, head[rows])
        ledger.statuses, ledger.happened = Counter(head["statuses"]), Counter(head["happened"])
        ledger.watched = head["watched"]
        return ledger
