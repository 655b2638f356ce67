"""An independent recount: what must be in ClickHouse, computed from the raw log by the contract alone.

Written for obviousness, not for speed, and without a line of the worker's code, so that a misreading of the
contract there shows as a difference. Sections and rules named here are CONTRACT's.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from typing import cast

from demo.check.recount_catalogue import coverage_of, read_catalogue
from demo.check.recount_fields import TELEMETRY, Fields, flush_fault, impression_fault, is_id, is_oversize
from demo.check.recount_json import Malformed, decode, impression_payloads
from demo.check.recount_partition import partition_of
from demo.check.recount_types import Accepted, CatalogueRecord, Config, LedgerRow, Record, Rejected, Result


def recount(records: Iterable[Record], catalogue: Iterable[CatalogueRecord], config: Config) -> Result:
    """Judge every line of the log and return all rows that must result, in log order.

    `records` are all committed records of one `impressions.v1`, forwarded ones included, in any order;
    `catalogue` is `artworks.v1` in log order.
    """
    judge = _Judge(config)
    for record in sorted(records, key=lambda record: (record.partition, record.offset)):
        for number, line in enumerate(split_lines(record.value)):
            judge.line(record, number, line)
    artworks, refused = read_catalogue(catalogue)
    result = judge.result
    seen: dict[str, set[str]] = defaultdict(set)
    for row in result.accepted:
        seen[row.user_id].add(row.artwork_id)
    result.coverage = coverage_of(seen, artworks)
    result.artworks = list(artworks.values())
    result.refused_catalogue_records = refused
    return result


def split_lines(value: bytes | None) -> list[bytes]:
    """Section 3, *Lines*: split at 0x0A only; one at the end ends the last line; no value is one empty line."""
    lines = (value or b"").split(b"\n")
    if len(lines) > 1 and lines[-1] == b"":
        lines.pop()
    return lines


def event_id(user_id: str, artwork_id: str, seen_at: int, window_ms: int) -> str:
    """Rule 4."""
    digest = hashlib.sha256()
    for part in (user_id, artwork_id, str(seen_at // window_ms)):
        data = part.encode("utf-8")
        digest.update(len(data).to_bytes(4, "big") + data)
    return digest.hexdigest()[:32]


class _Judge:
    """Judges lines in log order; the accepted seen_at of each user and artwork are all that it remembers."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.result = Result()
        self.accepted_times: dict[tuple[str, str], list[int]] = defaultdict(list)

    def line(self, record: Record, number: int, line: bytes) -> None:
        """Section 3, *Judging*: the first reason that applies decides; rule 6: one ledger row a line."""
        row = LedgerRow(record.topic_id, record.partition, record.offset, number)
        row.bytes, row.appended_at = len(line), record.appended_at
        self.result.ledger.append(row)
        try:
            flush = decode(line)
        except Malformed as error:
            return self.reject_line(row, line, "malformed", str(error))
        row.flush_id = _id_or_empty(flush.get("flush_id"))
        row.user_id = _id_or_empty(flush.get("user_id"))
        if is_oversize(line, flush):
            return self.reject_line(row, line, "oversize", "above 1 MiB or 500 impressions")
        if fault := flush_fault(flush):
            return self.reject_line(row, line, "invalid", fault)
        _copy_flush_fields(row, flush)
        impressions = cast(list[object], flush["impressions"])
        row.received = len(impressions)
        if partition_of(row.user_id, self.config.partitions) != record.partition:
            row.forwarded = row.received
            return None
        for idx, impression in enumerate(impressions):
            self.impression(row, flush, idx, impression, line)
        return None

    def reject_line(self, row: LedgerRow, line: bytes, reason: str, detail: str) -> None:
        """A line rejected whole counts as one received and one rejected (rule 6)."""
        row.received = row.rejected = 1
        self.add_rejected(row, -1, line, reason, detail)

    def impression(self, row: LedgerRow, flush: Fields, idx: int, impression: object, line: bytes) -> None:
        """Section 3: invalid, future, late, duplicate, accepted, in this order."""
        reason, detail = self.refusal(row, impression)
        if reason:
            row.rejected += 1
            self.add_rejected(row, idx, impression_payloads(line)[idx], reason, detail)
            return
        fields = cast(Fields, impression)
        artwork_id, seen_at = cast(str, fields["artwork_id"]), cast(int, fields["seen_at"])
        times = self.accepted_times[row.user_id, artwork_id]
        if any(abs(seen_at - other) < self.config.window_ms for other in times):  # rule 2
            row.duplicates += 1
            return
        fresh = not times  # rule 3
        times.append(seen_at)
        row.accepted += 1
        row.fresh += fresh
        self.add_accepted(row, flush, idx, fields, fresh)

    def refusal(self, row: LedgerRow, impression: object) -> tuple[str, str]:
        """Return the reason and detail of a rejection, or two empty strings (rule 1 for future and late)."""
        if fault := impression_fault(impression):
            return "invalid", fault
        fields = cast(Fields, impression)
        seen_at = cast(int, fields["seen_at"])
        if seen_at - row.appended_at > self.config.tolerance_ms:
            return "future", "seen after the broker's clock"
        is_old = row.appended_at - seen_at > self.config.lateness_ms
        if is_old and self.accepted_times.get((row.user_id, cast(str, fields["artwork_id"]))):
            return "late", "too old, and seen before"
        return "", ""

    def add_accepted(self, row: LedgerRow, flush: Fields, idx: int, impression: Fields, fresh: bool) -> None:
        """Section 5's row of `impressions`; an absent optional field is null or empty."""
        artwork_id, seen_at = cast(str, impression["artwork_id"]), cast(int, impression["seen_at"])
        accepted = Accepted(
            event_id=event_id(row.user_id, artwork_id, seen_at, self.config.window_ms),
            user_id=row.user_id,
            artwork_id=artwork_id,
            pool_id=cast(str, impression.get("pool_id", "")),
            impression_id=cast(str, impression["impression_id"]),
            flush_id=row.flush_id,
            session_id=cast(str, flush.get("session_id", "")),
            seen_at=seen_at,
            received_at=row.appended_at,
            fresh=fresh,
            dwell_ms=cast(int | None, impression.get("dwell_ms")),
            visible=cast(float | None, impression.get("visible")),
            position=cast(int | None, impression.get("position")),
            surface=cast(str, impression.get("surface", "")),
            transport=row.transport,
            reason=row.reason,
            tier=row.tier,
            experiments=row.experiments,
            source_topic_id=row.source_topic_id,
            source_partition=row.source_partition,
            source_offset=row.source_offset,
            line=row.line,
            idx=idx,
        )
        self.result.accepted.append(accepted)

    def add_rejected(self, row: LedgerRow, idx: int, payload: bytes, reason: str, detail: str) -> None:
        coordinates = (row.source_topic_id, row.source_partition, row.source_offset, row.line, idx)
        rejected = Rejected(reason, detail, row.user_id, payload, *coordinates, row.appended_at)
        self.result.rejected.append(rejected)


def _copy_flush_fields(row: LedgerRow, flush: Fields) -> None:
    """The ledger's copy of the flush's optional fields, with the defaults of section 3."""
    row.transport = cast(str, flush.get("transport", "sdk"))
    row.reason = cast(str, flush.get("reason", "manual"))
    row.tier = cast(str, flush.get("tier", "free"))
    row.experiments = cast(dict[str, str], flush.get("experiments", {}))
    row.sent_at = cast(int, flush["sent_at"])
    telemetry = cast(dict[str, int], flush.get("telemetry", {}))
    row.attempts, row.failures, row.queued, row.dropped = (telemetry.get(name, 0) for name in TELEMETRY)


def _id_or_empty(value: object) -> str:
    return value if is_id(value) else ""
