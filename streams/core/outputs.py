"""What deciding a chunk leads to: rows as JSON, and lines to forward."""

from dataclasses import dataclass, field
from typing import NamedTuple

from streams.core import rows
from streams.core.decode import RefusedLine
from streams.core.line import Line
from streams.core.rows import Accepted, Ledger, Tally, as_lines
from streams.core.seen import Seen
from streams.core.summary import Summary

# From this line of a record on, consecutive lines of a piece that are rejected alike are one row (contract §4.6). The
# lines before it have a row each, however many of them are wrong: a record of that many lines is rare, and a record of
# millions costs a producer a few bytes.
MERGED_FROM = 1_000


class Forward(NamedTuple):
    """A line that belongs to another partition, and its origin."""

    partition: int
    user_id: str
    line: bytes
    origin: bytes


@dataclass(slots=True)
class Outputs:
    """What a chunk's lines became, in log order: rows as JSON."""

    accepted: list[bytes] = field(default_factory=list)  # each item: any number of rows, each ending in a line feed
    ledger: list[bytes] = field(default_factory=list)  # likewise
    rejected: list[tuple[str, bytes]] = field(default_factory=list)  # (user_id or "", row)
    forwards: list[Forward] = field(default_factory=list)
    coverage: list[tuple[str, bytes | None]] = field(default_factory=list)  # (user_id|pool_id, row; None deletes)
    summary: Summary = field(default_factory=Summary)  # of all lines

    @property
    def total(self) -> Tally:
        """What became of all lines."""
        return self.summary.total

    def reject(self, user_id: str, reason: str, row: bytes) -> None:
        """Add a rejected piece; `user_id` is "" if unknown."""
        self.rejected.append((user_id, row))
        self.summary.reasons[reason] += 1


@dataclass(slots=True)
class Alike:
    """Consecutive lines of a piece that are rejected whole, with one reason, user and flush: their common rows."""

    first: Line
    refused: RefusedLine
    ledger: Ledger
    place: int  # of their row in `Outputs.rejected`
    texts: list[bytes]

    def continues_with(self, line: Line, refused: RefusedLine) -> bool:
        """Return whether the line is the next one, and is rejected alike."""
        mine = self.refused
        return (
            line.number == self.first.number + len(self.texts)
            and line.offset == self.first.offset
            and refused.reason == mine.reason
            and refused.user_id == mine.user_id
            and refused.flush_id == mine.flush_id
        )

    def close(self, outputs: Outputs) -> None:
        """Complete both rows."""
        count, row = len(self.texts), self.ledger
        text = b"\n".join(self.texts) if count > 1 else self.first.text
        row.lines = row.received = row.rejected = count
        row.bytes = len(text) + self.first.omitted
        payload = rows.rejected_line(self.first, self.refused, text, count)
        outputs.rejected[self.place] = (self.refused.user_id, payload)


# What a user has seen, and A (ms) of the last line that touched them.
Touched = tuple[Seen, int]


@dataclass(slots=True)
class Slice:
    """Rows of a part of a chunk that are not in the outputs yet."""

    outputs: Outputs
    touched: dict[str, Touched]  # by user
    now: int
    accepted: list[Accepted] = field(default_factory=list)
    ledger: list[Ledger] = field(default_factory=list)
    alike: Alike | None = None

    def refuse(self, line: Line, refused: RefusedLine, count: int = 1) -> None:
        """Reject a line whole; with `count`, reject it and the next ones, which are equal to it."""
        outputs = self.outputs
        outputs.summary.reasons[refused.reason] += count
        if self.alike is not None and self.alike.continues_with(line, refused):
            self.alike.texts += [line.text] * count
            return
        self._end_alike()
        row = rows.ledger_refused(line, refused, self.now)
        self.ledger.append(row)
        outputs.rejected.append((refused.user_id, b""))
        self.alike = Alike(line, refused, row, len(outputs.rejected) - 1, [line.text] * count)
        if line.number < MERGED_FROM:
            self._end_alike()

    def _end_alike(self) -> None:
        if self.alike is not None:
            self.alike.close(self.outputs)
            self.alike = None

    def close(self) -> None:
        """Move the rows to the outputs."""
        self._end_alike()
        if self.accepted:
            self.outputs.accepted.append(as_lines(self.accepted))
        self.outputs.ledger.append(as_lines(self.ledger))
        self.outputs.summary.add(self.accepted, self.ledger)
