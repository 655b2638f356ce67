"""Decide a chunk: a run of consecutive records of one partition, line by line in log order.

What is accepted, rejected and forwarded, and the state, don't depend on where chunks begin or end.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from streams.core import decode_fast, rows, window
from streams.core.catalogue import Catalogue
from streams.core.decode import DecodedFlush, InvalidImpression, RefusedLine, decode
from streams.core.decode_fast import read
from streams.core.judge import Rules, Verdict, judge
from streams.core.line import Line
from streams.core.lines import repeats, split
from streams.core.outputs import MERGED_FROM, Forward, Outputs, Slice
from streams.core.partitioner import partition_of
from streams.core.pieces import SourceRecord
from streams.core.rows import Flush, Impression
from streams.core.seen import Seen
from streams.core.window import Bucket
from streams.errors import KnownError

__all__ = ["Decider", "Forward", "LineError", "Outputs", "SourceRecord", "Tables", "User"]

# Hoisted: looking up an enum member costs as much as applying a rule.
FRESH, REPEAT = Verdict.FRESH, Verdict.REPEAT

# Records that are decoded, judged and turned into rows together: few enough that each step finds the results of the
# previous one in the processor's cache.
PART_RECORDS = 128

# Called with the offset and the number of each line before it is decided.
Mark = Callable[[int, int], None]


class User(Protocol):
    """What the state holds about one user."""

    @property
    def seen(self) -> Seen:
        """Everything the user has seen. After changing it in place, call `seen_changed`."""
        ...

    def seen_changed(self) -> None:
        """Mark the user's seen artworks as changed."""
        ...

    def bucket(self, start: int) -> Bucket:
        """Return the bucket of the window that starts at `start` (ms), empty if the state has none."""
        ...

    def accept(self, start: int, artwork_id: str, offset: int) -> None:
        """Add an accepted impression to a window's bucket, `offset` ms after the window's start."""
        ...


class Tables(Protocol):
    """The state of one partition."""

    def user(self, user_id: str) -> User:
        """Return the state of one user."""
        ...

    def pin(self, artwork_id: str, ordinal_of: Callable[[str], int | None]) -> int | None:
        """Return the artwork's ordinal in the state: the first one it was given, for ever.

        An artwork without one gets the ordinal that `ordinal_of` returns, if any.
        """
        ...


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

    def decide(self, records: Sequence[SourceRecord], now: int, mark: Mark | None = None) -> Outputs:
        """Judge every line, change the tables and return the outputs. `now` (ms) is used for `processed_at` only.

        Raises LineError on a defect of ours, and a KnownError that no line is to blame for, such as a state that can't
        be read. The tables are then half changed and must be discarded.
        """
        outputs = Outputs()
        touched: dict[str, int] = {}
        for part in _cut(records):
            piece = Slice(outputs, touched, now)
            if mark or not self._is_alike(part, piece):
                self._decide(part, piece, mark)
            piece.close()
        self._cover(touched, outputs)
        return outputs

    def _decide(self, records: Sequence[SourceRecord], piece: Slice, mark: Mark | None) -> None:
        lines = [
            Line(self.topic_id, self.partition, record.offset, number, record.appended_at, text)
            for record in records
            for number, text in enumerate(split(record.value), record.line)
        ]
        if records[0].omitted:
            lines[0].omitted = records[0].omitted
        texts = [line.text for line in lines]
        if self.poisoned:  # reading them may be what fails
            texts = [b"" if (line.offset, line.number) in self.poisoned else line.text for line in lines]
        flushes = _marked(lines, texts, mark) if mark else read(texts)
        for line, flush in zip(lines, flushes, strict=True):
            try:
                if flush is None or self.poisoned or line.omitted:
                    self._carefully(line, piece)
                else:
                    self._flush(line, flush, flush.impressions, piece)
            except KnownError:
                raise
            except Exception as error:
                raise LineError(line.offset, line.number) from error

    def _is_alike(self, records: Sequence[SourceRecord], piece: Slice) -> bool:
        """Reject a piece of equal lines at once, if its rows are merged anyway: a record may have millions of them."""
        record = records[0]
        if record.line < MERGED_FROM or self.poisoned or record.omitted:
            return False
        text, count = repeats(record.value or b"")
        if not count:
            return False
        line = Line(self.topic_id, self.partition, record.offset, record.line, record.appended_at, text)
        try:
            decoded = decode(text)
            if isinstance(decoded, RefusedLine):
                piece.refuse(line, decoded, count)
        except Exception as error:
            raise LineError(line.offset, line.number) from error
        return isinstance(decoded, RefusedLine)

    def _carefully(self, line: Line, piece: Slice) -> None:
        """Decide a line that the fast path left, or that may have failed too often."""
        if (line.offset, line.number) in self.poisoned:
            decoded: DecodedFlush | RefusedLine = RefusedLine("malformed", "deciding this line failed repeatedly")
        elif line.omitted:
            size = len(line.text) + line.omitted
            decoded = RefusedLine("oversize", f"the line has {size} bytes, too many to be checked")
        else:
            decoded = decode(line.text)
        if isinstance(decoded, RefusedLine):
            piece.refuse(line, decoded)
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
        user = self._absorb(self.tables.user(user_id))
        seen = user.seen
        for index, impression in enumerate(impressions):
            if isinstance(impression, InvalidImpression):
                detail, payload = impression.detail, impression.payload
                rejected = rows.rejected_impression(line, index, user_id, "invalid", detail, payload)
                outputs.reject(user_id, "invalid", rejected)
                row.rejected += 1
                continue
            artwork_id = impression.artwork_id
            ordinal = self.tables.pin(artwork_id, self.catalogue.ordinal)
            verdict = judge(impression, appended_at, self.rules, seen, ordinal, user.bucket)
            if verdict is FRESH or verdict is REPEAT:
                if verdict is FRESH:
                    seen.add(artwork_id, ordinal)
                    user.seen_changed()
                    row.fresh += 1
                start = window.start_of(impression.seen_at, self.rules.window_ms)
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

    def _absorb(self, user: User) -> User:
        """Replace the user's seen ids by ordinals where the catalogue knows them by now. Return the user."""
        seen = user.seen
        if seen.checked == self.catalogue.version:
            return user
        seen.checked = self.catalogue.version
        for artwork_id in list(seen.uncatalogued):
            ordinal = self.tables.pin(artwork_id, self.catalogue.ordinal)
            if ordinal is not None:
                seen.uncatalogued.remove(artwork_id)
                seen.ordinals.add(ordinal)
                user.seen_changed()
        return user

    def _cover(self, touched: dict[str, int], outputs: Outputs) -> None:
        """Write a coverage row for each pool of each touched user."""
        for user_id, updated_at in touched.items():
            seen = self.tables.user(user_id).seen
            for pool_id, pool in self.catalogue.pools():
                if seen.ordinals.intersect(pool.members):
                    count = seen.ordinals.intersection_cardinality(pool.active)
                    row = rows.coverage(user_id, pool_id, count, len(pool.active), updated_at)
                    outputs.coverage.append((f"{user_id}|{pool_id}", rows.encode(row)))
                    outputs.summary.coverage.append((pool_id, row.coverage))
                elif seen.ordinals.intersect(pool.former):
                    # Everything the user saw of this pool has moved to other pools: delete the row, if there is one.
                    outputs.coverage.append((f"{user_id}|{pool_id}", None))


def _cut(records: Sequence[SourceRecord]) -> Iterator[Sequence[SourceRecord]]:
    """Cut a chunk into parts that fit into the processor's cache. A later piece of a record is a part of its own."""
    start, end = 0, len(records)
    while start < end:
        stop, first = start + 1, records[start]
        if not (first.line or first.omitted):
            most = min(start + PART_RECORDS, end)
            while stop < most and not (records[stop].line or records[stop].omitted):
                stop += 1
        yield records[start:stop]
        start = stop


def _marked(lines: Sequence[Line], texts: Sequence[bytes], mark: Mark) -> Iterator[decode_fast.Flush | None]:
    """Read one line after another, each once it is marked."""
    for line, text in zip(lines, texts, strict=True):
        mark(line.offset, line.number)
        yield read([text])[0]
