"""Decide a chunk: a run of consecutive records of one partition, line by line in log order.

Where a chunk begins or ends changes nothing in what is accepted, rejected and forwarded, nor in the state.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple, Protocol

import orjson

from streams.core import rows, window
from streams.core.catalogue import Catalogue
from streams.core.decode import DecodedFlush, InvalidImpression, RefusedLine, decode
from streams.core.judge import Rules, Verdict, judge
from streams.core.lines import split
from streams.core.partition import partition_of
from streams.core.rows import Line, Tally
from streams.core.seen import Seen
from streams.core.window import Bucket
from streams.model.flush import Impression


class SourceRecord(NamedTuple):
    """A record of `impressions.v1`: offset, A (ms) and its bytes."""

    offset: int
    appended_at: int
    value: bytes | None


class Tables(Protocol):
    """The state of one partition. What `bucket` and `seen` return is changed in place, and then marked."""

    def bucket(self, user_id: str, start: int) -> Bucket:
        """The user's bucket of the window that starts at `start` (ms); empty when there is none."""
        ...

    def seen(self, user_id: str) -> Seen:
        """All that the user has seen."""
        ...

    def bucket_changed(self, user_id: str, start: int) -> None:
        """The bucket is not what it was."""
        ...

    def seen_changed(self, user_id: str) -> None:
        """The user's seen artworks are not what they were."""
        ...

    def pin(self, artwork_id: str, ordinal: int | None) -> int | None:
        """Return the ordinal that the state knows the artwork by: the first one it was given, for ever."""
        ...


class Forward(NamedTuple):
    """A line that belongs to another partition, and where it came from."""

    partition: int
    user_id: str
    line: bytes
    origin: bytes


@dataclass(slots=True)
class Outputs:
    """What a chunk's lines became: rows as JSON, in log order."""

    accepted: list[bytes] = field(default_factory=list)
    ledger: list[bytes] = field(default_factory=list)
    rejected: list[tuple[str, bytes]] = field(default_factory=list)  # (user_id or "", row)
    forwards: list[Forward] = field(default_factory=list)
    coverage: list[tuple[str, bytes | None]] = field(default_factory=list)  # (user_id|pool_id, row; None: no more)
    total: Tally = field(default_factory=Tally)  # of all lines


class LineError(Exception):
    """Our own error on a line, with its place: the line is not to blame, but it will fail again."""

    def __init__(self, offset: int, line: int) -> None:
        super().__init__(f"deciding line {line} of offset {offset} failed")
        self.offset, self.line = offset, line


@dataclass(slots=True)
class Decider:
    """Decides the chunks of one source partition, one after the other."""

    topic_id: str
    partition: int
    partitions: int
    rules: Rules
    tables: Tables
    catalogue: Catalogue
    poisoned: frozenset[tuple[int, int]] = frozenset()  # (offset, line) of lines that failed too often

    def decide(self, records: Iterable[SourceRecord], now: int) -> Outputs:
        """Judge every line; change the tables; return the outputs. `now` (ms) only becomes `processed_at`.

        Raises LineError on a defect of ours: the tables are then half changed, and must be dropped.
        """
        outputs = Outputs()
        touched: dict[str, int] = {}  # user -> A of the newest record that touched it
        for record in records:
            for number, text in enumerate(split(record.value)):
                line = Line(self.topic_id, self.partition, record.offset, number, record.appended_at, text)
                try:
                    self._line(line, outputs, touched, now)
                except Exception as error:
                    raise LineError(record.offset, number) from error
        outputs.coverage = list(self._coverage(touched))
        return outputs

    def _line(self, line: Line, outputs: Outputs, touched: dict[str, int], now: int) -> None:
        if (line.offset, line.number) in self.poisoned:
            decoded: DecodedFlush | RefusedLine = RefusedLine("malformed", "deciding this line failed repeatedly")
        else:
            decoded = decode(line.text)
        if isinstance(decoded, RefusedLine):
            outputs.rejected.append((decoded.user_id, rows.rejected_line(line, decoded)))
            outputs.ledger.append(rows.ledger_refused(line, decoded, now))
            outputs.total.add(Tally(received=1, rejected=1))
            return
        flush, tally = decoded.flush, Tally(received=len(decoded.impressions))
        home = partition_of(flush.user_id, self.partitions)
        if home != self.partition:
            outputs.forwards.append(Forward(home, flush.user_id, line.text, line.origin()))
            tally.forwarded = tally.received
        else:
            touched[flush.user_id] = line.appended_at
            self._impressions(line, decoded, tally, outputs)
        outputs.ledger.append(rows.ledger(line, flush, tally, now))
        outputs.total.add(tally)

    def _impressions(self, line: Line, decoded: DecodedFlush, tally: Tally, outputs: Outputs) -> None:
        user_id = decoded.flush.user_id
        seen = self._absorb(user_id)
        bucket_at = partial(self.tables.bucket, user_id)
        for index, impression in enumerate(decoded.impressions):
            if isinstance(impression, InvalidImpression):
                row = rows.rejected_impression(line, index, user_id, "invalid", impression.detail, impression.payload)
                outputs.rejected.append((user_id, row))
                tally.rejected += 1
                continue
            ordinal = self.tables.pin(impression.artwork_id, self.catalogue.ordinal(impression.artwork_id))
            verdict = judge(
                impression,
                line.appended_at,
                self.rules,
                seen,
                ordinal,
                bucket_at,
            )
            match verdict:
                case Verdict.FRESH | Verdict.REPEAT:
                    fresh = verdict is Verdict.FRESH
                    self._accept(user_id, seen, impression, ordinal, fresh)
                    outputs.accepted.append(rows.accepted(line, index, decoded.flush, impression, fresh, self.rules))
                    tally.accepted += 1
                    tally.fresh += fresh
                case Verdict.DUPLICATE:
                    tally.duplicates += 1
                case Verdict.FUTURE | Verdict.LATE:
                    outputs.rejected.append((user_id, self._untimely(line, index, user_id, impression, verdict)))
                    tally.rejected += 1

    def _accept(self, user_id: str, seen: Seen, impression: Impression, ordinal: int | None, fresh: bool) -> None:
        if fresh:
            seen.add(impression.artwork_id, ordinal)
            self.tables.seen_changed(user_id)
        start = window.start_of(impression.seen_at, self.rules.window_ms)
        self.tables.bucket(user_id, start)[impression.artwork_id] = impression.seen_at - start
        self.tables.bucket_changed(user_id, start)

    def _untimely(self, line: Line, index: int, user_id: str, impression: Impression, verdict: Verdict) -> bytes:
        apart = abs(line.appended_at - impression.seen_at)
        where = "ahead of" if verdict is Verdict.FUTURE else "behind"
        detail = f"seen_at is {apart} ms {where} the time of arrival"
        return rows.rejected_impression(line, index, user_id, verdict.name.lower(), detail, line.span(index))

    def _absorb(self, user_id: str) -> Seen:
        """Return the user's seen artworks, with the ids that the catalogue has learned of turned into ordinals."""
        seen = self.tables.seen(user_id)
        if seen.checked == self.catalogue.version:
            return seen
        seen.checked = self.catalogue.version
        for artwork_id in list(seen.uncatalogued):
            ordinal = self.tables.pin(artwork_id, self.catalogue.ordinal(artwork_id))
            if ordinal is not None:
                seen.uncatalogued.remove(artwork_id)
                seen.ordinals.add(ordinal)
                self.tables.seen_changed(user_id)
        return seen

    def _coverage(self, touched: dict[str, int]) -> Iterator[tuple[str, bytes | None]]:
        for user_id, updated_at in touched.items():
            seen = self._absorb(user_id)
            for pool_id, pool in self.catalogue.pools():
                if seen.ordinals.intersect(pool.members):
                    count = seen.ordinals.intersection_cardinality(pool.active)
                    size = len(pool.active)
                    coverage = count / size if size else 0.0
                    yield (
                        f"{user_id}|{pool_id}",
                        orjson.dumps(
                            {
                                "user_id": user_id,
                                "pool_id": pool_id,
                                "seen": count,
                                "pool_size": size,
                                "coverage": coverage,
                                "freshness": 1 - coverage,
                                "updated_at": updated_at,
                            }
                        ),
                    )
                elif seen.ordinals.intersect(pool.former):
                    # What the user saw of this pool has moved to others: a row that there may be holds no more.
                    yield f"{user_id}|{pool_id}", None
