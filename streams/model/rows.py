"""What the worker writes: accepted impressions, the ledger, rejected pieces, coverage.

Times are ms since the epoch. `received_at`, `appended_at` and `rejected_at` are A, the time at which the broker
appended the source record; only `processed_at` is by the worker's clock.
"""

from typing import Annotated, Literal

from pydantic import Field

from impression_streams.types import Id, Integer, Ratio, Strict, TimeMs

RejectReason = Literal["malformed", "oversize", "invalid", "future", "late"]
EventId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class Coordinates(Strict):
    """The place of a line in the source topic. Lines and impressions are numbered from 0."""

    source_topic_id: str
    source_partition: Integer
    source_offset: Integer
    line: Integer


class Accepted(Coordinates):
    """One accepted impression; `event_id` is its identity (contract §4.4)."""

    idx: Integer
    event_id: EventId
    user_id: Id
    artwork_id: Id
    pool_id: str = Field(description="as given by the impression; empty: not given")
    impression_id: Id
    flush_id: Id
    session_id: str
    seen_at: TimeMs
    received_at: TimeMs
    fresh: bool = Field(description="the user's first accepted impression of the artwork")
    dwell_ms: Integer | None
    visible: Ratio | None
    position: Integer | None
    surface: str
    transport: str
    reason: str
    tier: str
    experiments: dict[Id, Id]


# Rows of earlier releases lack it.
Lines = Annotated[int, Field(ge=1)]
LINES = "lines, from `line` on, that the row stands for"


class LedgerRow(Coordinates):
    """What became of one line: received = accepted + duplicates + rejected + forwarded.

    Consecutive lines that were rejected alike may be one row: `line` is the first one's number, `bytes` their length
    with the line feeds between them.
    """

    flush_id: str = Field(description="empty: unknown, because the line was rejected whole")
    user_id: str
    received: Integer
    accepted: Integer
    fresh: Integer
    duplicates: Integer
    rejected: Integer
    forwarded: Integer
    transport: str
    reason: str
    tier: str
    experiments: dict[Id, Id]
    # Rows of earlier releases lack it.
    client: str = Field("", description="as given by the flush; empty: not given, or the line was rejected whole")
    attempts: Integer
    failures: Integer
    queued: Integer
    dropped: Integer
    bytes: Integer = Field(description="length of the line")
    sent_at: TimeMs
    appended_at: TimeMs
    processed_at: TimeMs
    lines: Lines = Field(1, description=LINES)


class Rejected(Coordinates):
    """One rejected piece with its bytes, so it can be repaired and sent again."""

    idx: Annotated[int, Field(ge=-1)] = Field(description="-1: the whole line")
    reason: RejectReason
    detail: str
    user_id: str = Field(description="empty: unknown")
    payload: str = Field(description="the exact bytes of the line or lines, or of the impression's JSON")
    payload_encoding: Literal["utf-8", "base64"]
    rejected_at: TimeMs
    lines: Lines = Field(1, description=LINES)


class Coverage(Strict):
    """How much of a pool a user has seen."""

    user_id: Id
    pool_id: Id
    seen: Integer = Field(description="distinct active artworks of the pool with an accepted impression by the user")
    pool_size: Integer = Field(description="active artworks of the pool")
    coverage: Ratio
    freshness: Ratio
    updated_at: TimeMs
