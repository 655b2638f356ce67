"""The rows that the worker writes, as JSON. Their models, which the tests hold them to, are in streams.model.rows."""

from base64 import b64encode
from dataclasses import dataclass
from typing import Any

import orjson

from streams.core.decode import RefusedLine
from streams.core.identity import event_id
from streams.core.judge import Rules
from streams.core.lines import impression_spans
from streams.model.flush import Flush, Impression

WHOLE_LINE = -1

# As base64, the largest payload that fits into topics.yaml's 32 MiB for a rejected record. A broker measures
# compressed batches, so a record of 4 MiB on its way in may hold a line of any size.
MAX_PAYLOAD_BYTES = 23 * 1024 * 1024
CUT_PAYLOAD_BYTES = 1024 * 1024


@dataclass(slots=True)
class Line:
    """A line with its coordinates."""

    topic_id: str
    partition: int
    offset: int
    number: int
    appended_at: int
    text: bytes
    _spans: list[bytes] | None = None

    def span(self, index: int) -> bytes:
        """The bytes of an impression of the line, as the producer wrote them."""
        if self._spans is None:
            self._spans = impression_spans(self.text)
        return self._spans[index]

    def origin(self) -> bytes:
        """The header that a forwarded line carries."""
        return orjson.dumps(
            {
                "topic_id": self.topic_id,
                "partition": self.partition,
                "offset": self.offset,
                "line": self.number,
            }
        )

    def coordinates(self) -> dict[str, Any]:
        """The columns that every row has of its source."""
        return {
            "source_topic_id": self.topic_id,
            "source_partition": self.partition,
            "source_offset": self.offset,
            "line": self.number,
        }


@dataclass(slots=True)
class Tally:
    """What became of a line's impressions: received = accepted + duplicates + rejected + forwarded."""

    received: int = 0
    accepted: int = 0
    fresh: int = 0
    duplicates: int = 0
    rejected: int = 0
    forwarded: int = 0

    def add(self, other: "Tally") -> None:
        """Count another one in."""
        self.received += other.received
        self.accepted += other.accepted
        self.fresh += other.fresh
        self.duplicates += other.duplicates
        self.rejected += other.rejected
        self.forwarded += other.forwarded


def accepted(line: Line, index: int, flush: Flush, impression: Impression, fresh: bool, rules: Rules) -> bytes:
    """A row of `impressions.accepted.v1`."""
    return orjson.dumps(
        {
            "event_id": event_id(flush.user_id, impression.artwork_id, impression.seen_at, rules.window_ms),
            "user_id": flush.user_id,
            "artwork_id": impression.artwork_id,
            "pool_id": impression.pool_id,
            "impression_id": impression.impression_id,
            "flush_id": flush.flush_id,
            "session_id": flush.session_id,
            "seen_at": impression.seen_at,
            "received_at": line.appended_at,
            "fresh": fresh,
            "dwell_ms": impression.dwell_ms,
            "visible": impression.visible,
            "position": impression.position,
            "surface": impression.surface,
            "transport": flush.transport,
            "reason": flush.reason,
            "tier": flush.tier,
            "experiments": flush.experiments,
            **line.coordinates(),
            "idx": index,
        }
    )


def ledger(line: Line, flush: Flush, tally: Tally, now: int) -> bytes:
    """The row of `impressions.ledger.v1` of a line that could be read."""
    telemetry = flush.telemetry
    return orjson.dumps(
        {
            **line.coordinates(),
            "flush_id": flush.flush_id,
            "user_id": flush.user_id,
            "received": tally.received,
            "accepted": tally.accepted,
            "fresh": tally.fresh,
            "duplicates": tally.duplicates,
            "rejected": tally.rejected,
            "forwarded": tally.forwarded,
            "transport": flush.transport,
            "reason": flush.reason,
            "tier": flush.tier,
            "experiments": flush.experiments,
            "attempts": telemetry.attempts,
            "failures": telemetry.failures,
            "queued": telemetry.queued,
            "dropped": telemetry.dropped,
            "bytes": len(line.text),
            "sent_at": flush.sent_at,
            "appended_at": line.appended_at,
            "processed_at": now,
        }
    )


def ledger_refused(line: Line, refused: RefusedLine, now: int) -> bytes:
    """The row of `impressions.ledger.v1` of a line rejected whole: one received and one rejected."""
    return orjson.dumps(
        {
            **line.coordinates(),
            "flush_id": refused.flush_id,
            "user_id": refused.user_id,
            "received": 1,
            "accepted": 0,
            "fresh": 0,
            "duplicates": 0,
            "rejected": 1,
            "forwarded": 0,
            "transport": "",
            "reason": "",
            "tier": "",
            "experiments": {},
            "attempts": 0,
            "failures": 0,
            "queued": 0,
            "dropped": 0,
            "bytes": len(line.text),
            "sent_at": 0,
            "appended_at": line.appended_at,
            "processed_at": now,
        }
    )


def rejected_line(line: Line, refused: RefusedLine) -> bytes:
    """The row of `impressions.rejected.v1` of a line rejected whole."""
    return rejected_impression(line, WHOLE_LINE, refused.user_id, refused.reason, refused.detail, line.text)


def rejected_impression(line: Line, index: int, user_id: str, reason: str, detail: str, payload: bytes) -> bytes:
    """A row of `impressions.rejected.v1`. A payload too large for a record is cut, and `detail` says so."""
    if len(payload) > MAX_PAYLOAD_BYTES:
        detail = f"{detail} (of {len(payload)} bytes, the first {CUT_PAYLOAD_BYTES} are kept here)"
        payload = payload[:CUT_PAYLOAD_BYTES]
    text, encoding = _as_text(payload)
    return orjson.dumps(
        {
            **line.coordinates(),
            "idx": index,
            "reason": reason,
            "detail": detail,
            "user_id": user_id,
            "payload": text,
            "payload_encoding": encoding,
            "rejected_at": line.appended_at,
        }
    )


def _as_text(payload: bytes) -> tuple[str, str]:
    """The payload in JSON's terms: as it is, or as base64 where it is not UTF-8 or escaping would swell it more."""
    try:
        plain = payload.decode()
    except UnicodeDecodeError:
        return b64encode(payload).decode(), "base64"
    if len(orjson.dumps(plain)) > 4 * len(payload) / 3 + 64:
        return b64encode(payload).decode(), "base64"
    return plain, "utf-8"
