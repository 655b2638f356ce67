"""Decide a chunk: a run of consecutive records of one partition, line by line in log order.

What is accepted, rejected and forwarded, and what the state says, don't depend on where chunks begin or end.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from msgspec import Struct

from streams.core import rows, window
from streams.core.catalogue import Catalogue
from streams.core.coverage import absorb, changed_rows
from streams.core.decode import DecodedFlush, InvalidImpression, RefusedLine, decode
from streams.core.decode_fast import read
from streams.core.judge import Rules, Verdict, judge
from streams.core.line import Line
from streams.core.lines import split
from streams.core.partitioner import partition_of
from streams.core.rows import Accepted, Flush, Impression, Ledger, Tally, as_lines
from streams.core.seen import Seen
from streams.core.summary import Summary
from streams.errors import StateUnreadableError

# Hoisted: looking up an enum member costs as much as applying a rule.
FRESH, REPEAT = Verdict.FRESH, Verdict.REPEAT

# Records that are decoded, judged and turned into rows together: few enough that each step finds the results of the
# previous one in the processor's cache.
PART_RECORDS = 128


class SourceRecord(Struct, frozen=True, gc=False):
    """A record of `impressions.v1`, or a piece of a long one: its offset, its append time A (ms) and its lines.

    `line` is the number of its first line: above 0 for the later pieces of a long record.
    """

    offset: int
    appended_at: int
    value: bytes | None
    line: int = 0


class User(Protocol):
    """What the state holds about one user."""

    @property
    def seen(self) -> Seen:
        """Everything the user has seen. Only `see` adds to it."""
        ...

    def see(self, artwork_id: str, ordinal: int | None) -> None:
        """Add an artwork to those that the user has seen: by its ordinal, or by its id if it has none yet."""
        ...

    def times(self, start: int) -> Mapping[str, int]:
        """Return the impressions in the window that starts at `start` (ms): by artwork, ms after the start."""
        ...

    def accept(self, start: int, artwork_id: str, offset: int) -> None:
        """Add an accepted impression to a window's bucket, `offset` ms after the window's start."""
        ...


class Tables(Protocol):
    """The state of one partition."""

    def user(self, user_id: str) -> User:
        """Return the state of one user."""
        ...


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
class Slice:
    """Rows of a part of a chunk that are not in the outputs yet."""

    outputs: Outputs
    touched: dict[str, int]  # user -> A of the newest record that touched them
    now: int
    accepted: list[Accepted] = field(default_factory=list)
    ledger: list[Ledger] = field(default_factory=list)

    def close(self) -> None:
        """Move the rows to the outputs."""
        if self.accepted:
            self.outputs.accepted.append(as_lines(self.accepted))
        self.outputs.ledger.append(as_lines(self.ledger))
        self.outputs.summary.add(self.accepted, self.ledger)


class LineError(Exception):
    """A defect of ours hit by a line, with the line's place. The line is not to blame, but will fail again."""

    def __init__(self, offset: int, line: int) -> None:
        super().__init__(f"deciding line {line} of offset {offset} failed")
        self.offset, self.line = offset, line


@dataclass(slots=True)
class Decider:
    """Decides the chunks of one source partition, one after another."""

    topic_id: str
    partition: int
    partitions: int
    rules: Rules
    tables: Tables
    catalogue: Catalogue
    poisoned: frozenset[tuple[int, int]] = frozenset()  # (offset, line) of lines that failed too often
    # Windows that start before this (ms) may be gone: what was seen, and could be their match, is late for ever.
    swept: int = 0
    newest: int = -1  # the newest A so far (ms)

    def decide(self, records: Sequence[SourceRecord], now: int) -> Outputs:
        """Judge every line, change the tables and return the outputs. `now` (ms) is used for `processed_at` only.

        Raises LineError on a defect of ours: the tables are then half changed and must be discarded.
        """
        outputs = Outputs()
        touched: dict[str, int] = {}
        for part in _cut(records):
            piece = Slice(outputs, touched, now)
            self._decide(part, piece)
            piece.close()
        self._cover(touched, outputs)
        return outputs

    def _decide(self, records: Sequence[SourceRecord], piece: Slice) -> None:
        lines = [
            Line(self.topic_id, self.partition, record.offset, number, record.appended_at, text)
            for record in records
            for number, text in enumerate(split(record.value))
        ]
        for line, flush in zip(lines, read([line.text for line in lines]), strict=True):
            if line.appended_at > self.newest:
                self._sweep(line.appended_at)
            try:
                if flush is None or self.poisoned:
                    self._carefully(line, piece)
                else:
                    self._flush(line, flush, flush.impressions, piece)
            except StateUnreadableError:
                raise  # the state is to blame, and not the line
            except Exception as error:
                raise LineError(line.offset, line.number) from error

    def _sweep(self, appended_at: int) -> None:
        """Give up the windows that only late impressions could match, by the newest A and this lateness."""
        self.newest = appended_at
        horizon = appended_at - self.rules.lateness_ms - 2 * self.rules.window_ms
        self.swept = max(self.swept, window.start_of(horizon, self.rules.window_ms))

    def _carefully(self, line: Line, piece: Slice) -> None:
        """Decide a line that the fast path left, or that may have failed too often."""
        if (line.offset, line.number) in self.poisoned:
            decoded: DecodedFlush | RefusedLine = RefusedLine("malformed", "deciding this line failed repeatedly")
        else:
            decoded = decode(line.text)
        if isinstance(decoded, RefusedLine):
            piece.outputs.reject(decoded.user_id, decoded.reason, rows.rejected_line(line, decoded))
            piece.ledger.append(rows.ledger_refused(line, decoded, piece.now))
        else:
            self._flush(line, decoded.flush, decoded.impressions, piece)

    def _flush(
        self, line: Line, flush: Flush, impressions: Sequence[Impression | InvalidImpression], piece: Slice
    ) -> None:
        outputs = piece.outputs
        user_id = flush.user_id
        row = rows.ledger(line, flush, len(impressions), piece.now)
        piece.ledger.append(row)
        home = partition_of(user_id, self.partitions)
        if home != self.partition:
            outputs.forwards.append(Forward(home, user_id, line.text, line.origin()))
            row.forwarded = row.received
            return
        piece.touched[user_id] = appended_at = line.appended_at
        user, catalogue, window_ms, swept = self.tables.user(user_id), self.catalogue, self.rules.window_ms, self.swept
        seen = user.seen
        if seen.checked != catalogue.version:
            absorb(seen, catalogue, user.see)
        for index, impression in enumerate(impressions):
            if isinstance(impression, InvalidImpression):
                detail, payload = impression.detail, impression.payload
                rejected = rows.rejected_impression(line, index, user_id, "invalid", detail, payload)
                outputs.reject(user_id, "invalid", rejected)
                row.rejected += 1
                continue
            artwork_id = impression.artwork_id
            ordinal = catalogue.ordinal(artwork_id)
            verdict = judge(impression, appended_at, self.rules, seen, ordinal, user.times, swept + window_ms)
            if verdict is FRESH or verdict is REPEAT:
                if verdict is FRESH:
                    user.see(artwork_id, ordinal)
                    row.fresh += 1
                start = window.start_of(impression.seen_at, window_ms)
                if start >= swept:
                    user.accept(start, artwork_id, impression.seen_at - start)
                piece.accepted.append(rows.accepted(line, index, flush, impression, verdict is FRESH, self.rules))
                row.accepted += 1
            elif verdict is Verdict.DUPLICATE:
                row.duplicates += 1
            else:
                reason = verdict.name.lower()
                outputs.reject(user_id, reason, self._untimely(line, index, user_id, impression, verdict))
                row.rejected += 1

    def _untimely(self, line: Line, index: int, user_id: str, impression: Impression, verdict: Verdict) -> bytes:
        apart = abs(line.appended_at - impression.seen_at)
        where = "ahead of" if verdict is Verdict.FUTURE else "behind"
        detail = f"seen_at is {apart} ms {where} the time of arrival"
        return rows.rejected_impression(line, index, user_id, verdict.name.lower(), detail, line.span(index))

    def _cover(self, touched: dict[str, int], outputs: Outputs) -> None:
        """Write the coverage rows of touched users that changed."""
        catalogue, version = self.catalogue, self.catalogue.version
        for user_id, updated_at in touched.items():
            seen = self.tables.user(user_id).seen
            if seen.fresh or seen.covered != version:
                for pool_id, row in changed_rows(user_id, seen, catalogue, updated_at):
                    outputs.coverage.append((f"{user_id}|{pool_id}", None if row is None else rows.encode(row)))
                    if row is not None:
                        outputs.summary.coverage.append((pool_id, row.coverage))


def _cut(records: Sequence[SourceRecord]) -> Iterator[Sequence[SourceRecord]]:
    """Cut a chunk into parts that fit into the processor's cache."""
    for start in range(0, len(records), PART_RECORDS):
        yield records[start : start + PART_RECORDS]
