"""The expected rows, with the columns of the contract's section 5. Times are in ms."""

from collections.abc import Sequence
from typing import NamedTuple

# How many of a row's first columns identify it.
ACCEPTED_KEY, LEDGER_KEY, REJECTED_KEY, ARTWORK_KEY, COVERAGE_KEY = 1, 4, 5, 1, 2


class Accepted(NamedTuple):
    """An accepted impression."""

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


class LedgerRow(NamedTuple):
    """The outcome of a line, or of several alike."""

    source_topic_id: str
    source_partition: int
    source_offset: int
    line: int
    flush_id: str
    user_id: str
    received: int
    accepted: int
    fresh: int
    duplicates: int
    rejected: int
    forwarded: int
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
    lines: int


class Rejected(NamedTuple):
    """A rejected line (`idx` -1) or impression."""

    source_topic_id: str
    source_partition: int
    source_offset: int
    line: int
    idx: int
    reason: str
    user_id: str
    payload: str
    """The SHA-256 of the bytes that were kept."""
    payload_bytes: int
    rejected_at: int
    detail: bool
    """Whether there is a detail. Its text is for people."""
    lines: int


class Artwork(NamedTuple):
    """An artwork, by its latest record in the catalogue."""

    artwork_id: str
    pool_id: str
    ordinal: int
    created_at: int
    retired: bool
    dna: tuple[float, ...]


class Coverage(NamedTuple):
    """How much of a pool a user has seen."""

    user_id: str
    pool_id: str
    seen: int
    pool_size: int
    coverage: float
    freshness: float


class Expected(NamedTuple):
    """The rows of the views that the log's records lead to."""

    impressions: Sequence[Accepted]
    ledger: Sequence[LedgerRow]
    rejected: Sequence[Rejected]
    coverage: Sequence[Coverage]
