"""The rows that the worker writes, as JSON. Tests check them against their models in streams.model.rows."""

from base64 import b64encode
from collections.abc import Sequence
from typing import Any

import orjson
from msgspec import Struct, json

from impression_streams import flush as model
from streams.core import decode_fast
from streams.core.decode import RefusedLine
from streams.core.identity import event_id
from streams.core.judge import Rules
from streams.core.line import Line

Flush = decode_fast.Flush | model.Flush
Impression = decode_fast.Impression | model.Impression

WHOLE_LINE = -1

# A longer payload is examined a block at a time, and is text only if it is ASCII: Python would hold four bytes for each
# of its characters if one of them is beyond Unicode's first 65,536.
LONG_PAYLOAD_BYTES = 1024 * 1024
_BLOCK_BYTES = 64 * 1024
_SHORT_ESCAPES = b'"\\\b\t\n\f\r'  # two bytes in JSON
_LONG_ESCAPES = bytes(each for each in range(0x20) if each not in _SHORT_ESCAPES)  # six


class Tally(Struct, gc=False):
    """What became of the impressions of some lines: received = accepted + duplicates + rejected + forwarded."""

    lines: int = 0
    received: int = 0
    accepted: int = 0
    fresh: int = 0
    duplicates: int = 0
    rejected: int = 0
    forwarded: int = 0


class Accepted(Struct, gc=False):
    """A row of `impressions.accepted.v1`."""

    event_id: str
    user_id: str
    artwork_id: str
    pool_id: str
    impression_id: str
    flush_id: str
    session_id: str
    seen_at: int
    received_at: int
    fresh: bool
    dwell_ms: int | None
    visible: float | None
    position: int | None
    surface: str
    transport: str
    reason: str
    tier: str
    experiments: dict[str, str]
    source_topic_id: str
    source_partition: int
    source_offset: int
    line: int
    idx: int


class Ledger(Struct, gc=False):
    """A row of `impressions.ledger.v1`: a line and what became of its impressions, or several that say the same."""

    source_topic_id: str
    source_partition: int
    source_offset: int
    line: int
    flush_id: str
    user_id: str
    transport: str
    reason: str
    tier: str
    experiments: dict[str, str]
    client: str
    attempts: int
    failures: int
    queued: int
    dropped: int
    bytes: int
    sent_at: int
    appended_at: int
    processed_at: int
    received: int
    accepted: int = 0
    fresh: int = 0
    duplicates: int = 0
    rejected: int = 0
    forwarded: int = 0
    lines: int = 1


class Coverage(Struct, gc=False):
    """A row of `coverage.v1`."""

    user_id: str
    pool_id: str
    seen: int
    pool_size: int
    coverage: float
    freshness: float
    updated_at: int


_encoder = json.Encoder()
_encode, _encode_lines = _encoder.encode, _encoder.encode_lines


def encode(row: Coverage) -> bytes:
    """Return the row as JSON."""
    return _encode(row)


def as_lines(rows: Sequence[Accepted] | Sequence[Ledger]) -> bytes:
    """Return the rows as JSON, one per line; the last one ends in a line feed too."""
    return _encode_lines(rows)


def accepted(line: Line, index: int, flush: Flush, impression: Impression, fresh: bool, rules: Rules) -> Accepted:
    """Return the row of an accepted impression."""
    user_id, artwork_id, seen_at = flush.user_id, impression.artwork_id, impression.seen_at
    return Accepted(
        event_id(user_id, artwork_id, seen_at, rules.window_ms),
        user_id,
        artwork_id,
        impression.pool_id,
        impression.impression_id,
        flush.flush_id,
        flush.session_id,
        seen_at,
        line.appended_at,
        fresh,
        impression.dwell_ms,
        impression.visible,
        impression.position,
        impression.surface,
        flush.transport,
        flush.reason,
        flush.tier,
        flush.experiments,
        line.topic_id,
        line.partition,
        line.offset,
        line.number,
        index,
    )


def ledger(line: Line, flush: Flush, received: int, now: int) -> Ledger:
    """Return the row of a readable line, without outcomes: the caller counts them as it judges the impressions."""
    telemetry = flush.telemetry
    return Ledger(
        line.topic_id,
        line.partition,
        line.offset,
        line.number,
        flush.flush_id,
        flush.user_id,
        flush.transport,
        flush.reason,
        flush.tier,
        flush.experiments,
        flush.client,
        telemetry.attempts,
        telemetry.failures,
        telemetry.queued,
        telemetry.dropped,
        len(line.text),
        flush.sent_at,
        line.appended_at,
        now,
        received,
    )


def coverage(user_id: str, pool_id: str, seen: int, pool_size: int, updated_at: int) -> Coverage:
    """Return the row of a user who has seen `seen` of a pool's `pool_size` active artworks."""
    share = seen / pool_size if pool_size else 0.0
    return Coverage(user_id, pool_id, seen, pool_size, share, 1 - share, updated_at)


def ledger_refused(line: Line, refused: RefusedLine, now: int) -> Ledger:
    """Return the row of a line rejected whole: one received and one rejected."""
    return Ledger(
        source_topic_id=line.topic_id,
        source_partition=line.partition,
        source_offset=line.offset,
        line=line.number,
        flush_id=refused.flush_id,
        user_id=refused.user_id,
        transport="",
        reason="",
        tier="",
        experiments={},
        client="",
        attempts=0,
        failures=0,
        queued=0,
        dropped=0,
        bytes=len(line.text),
        sent_at=0,
        appended_at=line.appended_at,
        processed_at=now,
        received=1,
        rejected=1,
    )


def rejected_line(line: Line, refused: RefusedLine, payload: bytes, lines: int = 1) -> bytes:
    """Return the row of `impressions.rejected.v1` for a line rejected whole, or for several that are rejected alike."""
    detail = refused.detail
    if lines > 1:
        detail = f"{detail} (the first of {lines} lines that were rejected alike)"
    elif line.omitted:
        detail = f"{detail} (the first {len(payload)} are kept here)"
    return _rejected(line, WHOLE_LINE, refused.user_id, refused.reason, detail, payload, lines)


def rejected_impression(line: Line, index: int, user_id: str, reason: str, detail: str, payload: bytes) -> bytes:
    """Return the row of `impressions.rejected.v1` for an impression."""
    return _rejected(line, index, user_id, reason, detail, payload, 1)


def _rejected(line: Line, index: int, user_id: str, reason: str, detail: str, payload: bytes, lines: int) -> bytes:
    row = {
        **line.coordinates(),
        "idx": index,
        "reason": reason,
        "detail": detail,
        "user_id": user_id,
        "rejected_at": line.appended_at,
        "lines": lines,
    }
    if len(payload) > LONG_PAYLOAD_BYTES:
        return _long_row(row, payload)
    plain = _short_text(payload)
    text, encoding = (b64encode(payload).decode("ascii"), "base64") if plain is None else (plain, "utf-8")
    return orjson.dumps({**row, "payload": text, "payload_encoding": encoding})


def _long_row(row: dict[str, Any], payload: bytes) -> bytes:
    """Return a row with a long payload, of which this holds two copies and not five."""
    as_text = payload.isascii() and _is_shorter_as_json(payload)
    text = orjson.dumps(payload.decode("ascii")) if as_text else b'"%b"' % b64encode(payload)
    head = orjson.dumps({**row, "payload_encoding": "utf-8" if as_text else "base64"})
    return b"".join((head[:-1], b',"payload":', text, b"}"))


def _short_text(payload: bytes) -> str | None:
    """Return a payload as text; None if it is not UTF-8, or if escaping would make it longer than base64."""
    try:
        plain = payload.decode()
    except UnicodeDecodeError:
        return None
    return plain if len(orjson.dumps(plain)) <= _most_as_json(payload) else None


def _is_shorter_as_json(payload: bytes) -> bool:
    """Return whether ASCII text is no longer as a string of JSON than it would be as base64."""
    size = 2
    for start in range(0, len(payload), _BLOCK_BYTES):
        block = payload[start : start + _BLOCK_BYTES]
        short = len(block) - len(block.translate(None, _SHORT_ESCAPES))
        long = len(block) - len(block.translate(None, _LONG_ESCAPES))
        size += len(block) + short + 5 * long
    return size <= _most_as_json(payload)


def _most_as_json(payload: bytes) -> float:
    return 4 * len(payload) / 3 + 64
