"""A user's timeline, newest first: the beginning of it in memory, and pages joined of ClickHouse's rows and the tail's.

Rows are told apart by their event_id, and ordered as in ClickHouse: by (seen_at, event_id). A device may deliver a row
late, and it then belongs further down: a page that was read earlier doesn't show it, the next reading does.
"""

from bisect import bisect_left
from collections.abc import Iterable
from typing import NamedTuple

from streams.collector.reads.rows import Row

Key = tuple[int, str]
# What is kept of a user: two pages of the default length.
MOST = 100
USER_BYTES, HEAD_ROW_BYTES = 600, 700


class Rows(NamedTuple):
    """Some of a user's rows from ClickHouse, the newest below a key; `cut`: there may be more below the last one."""

    rows: list[Row]
    cut: bool


class Timeline:
    """The newest rows of one user, all there are down to `floor`; None: all there are."""

    def __init__(self, most: int = MOST) -> None:
        """Keep at least the newest `most` rows, and at most twice as many."""
        self._most = most
        self._keys: list[Key] = []  # oldest first
        self._rows: list[Row] = []
        self._floor: Key | None = None

    @property
    def bytes(self) -> int:
        """What it takes in memory, estimated."""
        return USER_BYTES + HEAD_ROW_BYTES * len(self._rows)

    def add(self, row: Row) -> None:
        """Take a row of the tail, which may be one that is known."""
        key = row.key
        if self._floor is not None and key < self._floor:
            return
        at = bisect_left(self._keys, key)
        if at < len(self._keys) and self._keys[at] == key:
            return
        self._keys.insert(at, key)
        self._rows.insert(at, row)
        if len(self._keys) > 2 * self._most:
            self._cut(len(self._keys) - self._most)

    def merge(self, found: Rows) -> None:
        """Take ClickHouse's newest rows; rows may come twice."""
        for row in found.rows:
            self.add(row)
        if found.cut:
            floor = min(row.key for row in found.rows)
            if self._floor is None or floor > self._floor:
                self._floor = floor
                self._cut(bisect_left(self._keys, floor))

    def below(self, before: Key | None, most: int) -> list[Row] | None:
        """Return up to `most` rows with a key below `before` (None: all), newest first; None if it doesn't know."""
        end = len(self._keys) if before is None else bisect_left(self._keys, before)
        if end < most and self._floor is not None:
            return None
        return self._rows[max(0, end - most) : end][::-1]

    def _cut(self, count: int) -> None:
        del self._keys[:count], self._rows[:count]
        if self._keys and (self._floor is None or self._keys[0] > self._floor):
            self._floor = self._keys[0]


def join(found: Iterable[Row], tail: Iterable[Row], before: Key | None, most: int) -> list[Row]:
    """Return the newest `most` rows below a key of both sources, newest first, each once.

    `found` are ClickHouse's newest `most` below that key or more, `tail` a copy of the tail's that was taken before.
    """
    rows = {row.key: row for row in found}
    rows.update((row.key, row) for row in tail if before is None or row.key < before)
    return [rows[key] for key in sorted(rows, reverse=True)[:most]]
