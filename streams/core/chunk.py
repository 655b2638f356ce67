"""Decide a chunk: a run of consecutive records of one partition, line by line in log order.

What is accepted, rejected and forwarded, and what the state says, don't depend on where chunks begin or end.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Protocol

from streams.core import decode_fast, rows, window
from streams.core.catalogue import Catalogue
from streams.core.coverage import absorb, changed_rows
from streams.core.decode import DecodedFlush, InvalidImpression, RefusedLine, decode
from streams.core.decode_fast import read
from streams.core.judge import Rules, Verdict, judge
from streams.core.line import Line
from streams.core.lines import repeats, split
from streams.core.outputs import MERGED_FROM, Forward, Outputs, Slice, Touched
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
# Artworks whose ordinals are at hand, per partition: about 1.5 MB. The catalogue is larger than a dict, and slower.
KNOWN = 10_000
# Stands for a line's bucket before its first accepted impression.
NO_BUCKET = Bucket()

_LINE, _OMITTED = attrgetter("line"), attrgetter("omitted")

# Called with the offset and the number of each line before it is decided.
Mark = Callable[[int, int], None]


class User(Protocol):
    """What the state holds about one user."""

    @property
    def seen(self) -> Seen:
        """Everything the user has seen."""
        ...

    def time_of(self, start: int, artwork_id: str) -> int | None:
        """Return the artwork's impression in the window that starts at `start` (ms), in ms after the start."""
        ...

    def bucket(self, start: int) -> Bucket:
        """Return what was accepted in the window that starts at `start` (ms)."""
        ...


class Tables(Protocol):
    """The state of one partition."""

    def user(self, user_id: str) -> User:
        """Return the state of one user."""
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
    # Windows that start before this (ms) may be gone: what was seen, and could be their match, is late for ever.
    swept: int = 0
    sweeps_at: int = -1  # the A (ms) from which another window may be gone
    known: dict[str, int] = field(default_factory=dict)  # ordinals of artworks seen lately: they never change

    def decide(self, records: Sequence[SourceRecord], now: int, mark: Mark | None = None) -> Outputs:
        """Judge every line, change the tables and return the outputs. `now` (ms) is used for `processed_at` only.

        Raises LineError on a defect of ours, and a KnownError that no line is to blame for, such as a state that can't
        be read. The tables are then half changed and must be discarded.
        """
        outputs = Outputs()
        touched: dict[str, Touched] = {}
        for part in _cut(records):
            piece = Slice(outputs, touched, now)
            if mark or not self._is_alike(part, piece):
                self._decide(part, piece, mark)
            piece.close()
        self._cover(touched, outputs)
        return outputs

    def _decide(self, records: Sequence[SourceRecord], piece: Slice, mark: Mark | None) -> None:
        lines = self._lines(records)
        if records[0].omitted:
            lines[0].omitted = records[0].omitted
        texts = [line.text for line in lines]
        if self.poisoned:  # reading them may be what fails
            texts = [b"" if (line.offset, line.number) in self.poisoned else line.text for line in lines]
        flushes = _marked(lines, texts, mark) if mark else read(texts)
        for line, flush in zip(lines, flushes, strict=True):
            if line.appended_at >= self.sweeps_at:
                self._sweep(line.appended_at)
            try:
                if flush is None or self.poisoned or line.omitted:
                    self._carefully(line, piece)
                else:
                    self._flush(line, flush, flush.impressions, piece)
            except KnownError:
                raise  # such as a state that can't be read: no line is to blame
            except Exception as error:
                raise LineError(line.offset, line.number) from error

    def _lines(self, records: Sequence[SourceRecord]) -> list[Line]:
        topic_id, partition = self.topic_id, self.partition
        lines: list[Line] = []
        for record in records:
            offset, appended_at, value = record.offset, record.appended_at, record.value
            if value and b"\n" not in value:  # as almost all
                lines.append(Line(topic_id, partition, offset, record.line, appended_at, value))
            else:
                for number, text in enumerate(split(value), record.line):
                    lines.append(Line(topic_id, partition, offset, number, appended_at, text))
        return lines

    def _sweep(self, appended_at: int) -> None:
        """Give up the windows that only late impressions could match, by the newest A and this lateness."""
        window_ms = self.rules.window_ms
        kept_ms = self.rules.lateness_ms + 2 * window_ms
        start = window.start_of(appended_at - kept_ms, window_ms)
        self.swept = max(self.swept, start)
        self.sweeps_at = start + window_ms + kept_ms

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
        user, known, rules, swept = self.tables.user(user_id), self.known, self.rules, self.swept
        seen, appended_at, window_ms = user.seen, line.appended_at, rules.window_ms
        kept_since = swept + window_ms
        bucket, bucket_start = NO_BUCKET, -1
        piece.touched[user_id] = (seen, appended_at)
        if seen.checked != self.catalogue.version:
            absorb(seen, self.catalogue)
        for index, impression in enumerate(impressions):
            if isinstance(impression, InvalidImpression):
                detail, payload = impression.detail, impression.payload
                rejected = rows.rejected_impression(line, index, user_id, "invalid", detail, payload)
                outputs.reject(user_id, "invalid", rejected)
                row.rejected += 1
                continue
            artwork_id = impression.artwork_id
            ordinal = known.get(artwork_id)
            if ordinal is None:
                ordinal = self._ordinal(artwork_id)
            verdict = judge(impression, appended_at, rules, seen, ordinal, user.time_of, kept_since)
            if verdict is FRESH or verdict is REPEAT:
                if verdict is FRESH:
                    seen.add(artwork_id, ordinal)
                    row.fresh += 1
                if ordinal is None:
                    outputs.summary.uncatalogued.append(artwork_id)
                seen_at = impression.seen_at
                start = seen_at - seen_at % window_ms
                if start >= swept:
                    if start != bucket_start:
                        bucket, bucket_start = user.bucket(start), start
                    bucket.accept(artwork_id, seen_at - start)
                piece.accepted.append(rows.accepted(line, index, flush, impression, verdict is FRESH, rules))
                row.accepted += 1
            elif verdict is Verdict.DUPLICATE:
                row.duplicates += 1
            else:
                reason = verdict.name.lower()
                outputs.reject(user_id, reason, self._untimely(line, index, user_id, impression, verdict))
                row.rejected += 1

    def _ordinal(self, artwork_id: str) -> int | None:
        ordinal = self.catalogue.ordinal(artwork_id)
        if ordinal is not None:
            if len(self.known) >= KNOWN:
                self.known.clear()
            self.known[artwork_id] = ordinal
        return ordinal

    def _untimely(self, line: Line, index: int, user_id: str, impression: Impression, verdict: Verdict) -> bytes:
        apart = abs(line.appended_at - impression.seen_at)
        where = "ahead of" if verdict is Verdict.FUTURE else "behind"
        detail = f"seen_at is {apart} ms {where} the time of arrival"
        return rows.rejected_impression(line, index, user_id, verdict.name.lower(), detail, line.span(index))

    def _cover(self, touched: dict[str, Touched], outputs: Outputs) -> None:
        """Write the coverage rows of touched users that changed."""
        catalogue, version = self.catalogue, self.catalogue.version
        for user_id, (seen, updated_at) in touched.items():
            if seen.fresh or seen.covered != version:
                for pool_id, row in changed_rows(user_id, seen, catalogue, updated_at):
                    outputs.coverage.append((f"{user_id}|{pool_id}", None if row is None else rows.encode(row)))
                    if row is not None:
                        outputs.summary.coverage.append((pool_id, row.coverage))


def _cut(records: Sequence[SourceRecord]) -> Iterator[Sequence[SourceRecord]]:
    """Cut a chunk into parts that fit into the processor's cache. A later piece of a record is a part of its own."""
    start = 0
    while start < len(records):
        part = records[start : start + PART_RECORDS]
        if any(map(_LINE, part)) or any(map(_OMITTED, part)):
            alone = next(at for at, record in enumerate(part) if record.line or record.omitted)
            part = part[: alone or 1]
        yield part
        start += len(part)


def _marked(lines: Sequence[Line], texts: Sequence[bytes], mark: Mark) -> Iterator[decode_fast.Flush | None]:
    """Read one line after another, each once it is marked."""
    for line, text in zip(lines, texts, strict=True):
        mark(line.offset, line.number)
        yield read([text])[0]
