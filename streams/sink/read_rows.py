"""Turns records into rows: pure functions for what the worker writes, and a catalogue for what people write."""

from base64 import b64decode
from collections.abc import Callable, Iterable
from typing import Any

import orjson

from streams.core.artwork_record import Refusal, read
from streams.core.catalogue import Catalogue
from streams.kafka.names import ARTWORKS, REJECTED
from streams.runtime import log
from streams.runtime.limited import Limited
from streams.sink import observe
from streams.sink.records import BadRecordError, Record, Row

logger = log.get(__name__)
log_refused = Limited(logger, "artwork_refused")

Parse = Callable[[Record], list[Row]]


def parser(topic: str, known: int = 0) -> Parse:
    """Return a parser for the topic's records, of which those before offset `known` were read before.

    The catalogue's has state: use one per assignment.
    """
    if topic == ARTWORKS:
        return ArtworkParser(known)
    return rejected if topic == REJECTED else lines


def lines(record: Record) -> list[Row]:
    """Read one row per line. Raises BadRecordError."""
    return [_object(line) for line in (record.value or b"").split(b"\n")]


def rejected(record: Record) -> list[Row]:
    """Read a rejected piece; its payload becomes the bytes that were rejected. Raises BadRecordError."""
    row = _object(record.value or b"")
    payload, encoding = row.get("payload"), row.get("payload_encoding")
    if not isinstance(payload, str) or encoding not in ("utf-8", "base64"):
        raise BadRecordError("payload is not text, or its encoding is unknown")
    try:
        row["payload"] = payload.encode() if encoding == "utf-8" else b64decode(payload, validate=True)
    except ValueError as error:
        raise BadRecordError(f"payload: {error}") from None
    return [row]


class ArtworkParser:
    """Reads catalogue records in log order. One that the worker's catalogue refuses is logged and becomes no row.

    A tombstone becomes a row with the pool and ordinal that the artwork has. An instance sees every record of the log
    once: first `restore` with the rows that are in ClickHouse, then the records after them.
    """

    def __init__(self, known: int = 0) -> None:
        """Refused records before offset `known` were counted and logged when they were read first."""
        self._catalogue = Catalogue()
        self._known = known

    def restore(self, rows: Iterable[tuple[str, str, int, bool, bool]]) -> None:
        """Apply (artwork_id, pool_id, ordinal, retired, tombstone) of the log's records, in offset order."""
        for artwork_id, pool_id, ordinal, retired, tombstone in rows:
            if tombstone:
                self._catalogue.retire(artwork_id)
            else:
                self._catalogue.put(artwork_id, pool_id, ordinal, retired)

    def __call__(self, record: Record) -> list[Row]:
        found = read(record.key, record.value)
        if isinstance(found, Refusal):
            return self._refuse(found, record)
        artwork_id, said = found
        artwork = self._catalogue.take(artwork_id, said)
        if isinstance(artwork, Refusal):
            return self._refuse(artwork, record)
        return [
            {
                "artwork_id": artwork_id,
                "pool_id": artwork.pool_id,
                "ordinal": artwork.ordinal,
                "created_at": said.created_at if said else 0,
                "retired": artwork.retired,
                "dna": said.dna if said else [],
                "tombstone": said is None,
                "appended_at": record.appended_at,
            }
        ]

    def _refuse(self, refusal: Refusal, record: Record) -> list[Row]:
        # Without rows, refused records at the log's end are read again by each sink that takes it.
        if record.offset >= self._known:
            observe.refused()
            log_refused(artwork_id=refusal.artwork_id, offset=record.offset, why=refusal.why)
        return []


def _object(text: bytes) -> dict[str, Any]:
    try:
        row = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadRecordError(f"not JSON: {error}") from None
    if not isinstance(row, dict):
        raise BadRecordError("not a JSON object")
    return row
