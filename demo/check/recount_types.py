"""What the recount reads and what it returns. Field names are the contract's column names (section 5)."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Record:
    """One record of `impressions.v1`; `appended_at` is the broker's LogAppendTime (ms)."""

    topic_id: str
    partition: int
    offset: int
    appended_at: int
    value: bytes | None


@dataclass(frozen=True, slots=True)
class CatalogueRecord:
    """One record of `artworks.v1`, in log order."""

    key: bytes | None
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Config:
    """The rules' parameters: window, lateness and future tolerance (ms), and the partition count."""

    window_ms: int = 600_000
    lateness_ms: int = 86_400_000
    tolerance_ms: int = 300_000
    partitions: int = 4


@dataclass(frozen=True, slots=True)
class Accepted:
    """An accepted impression: a row of `impressions`."""

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


@dataclass(slots=True)
class LedgerRow:
    """What became of one line: a row of `ledger`, without `processed_at`."""

    source_topic_id: str
    source_partition: int
    source_offset: int
    line: int
    flush_id: str = ""
    user_id: str = ""
    received: int = 0
    accepted: int = 0
    fresh: int = 0
    duplicates: int = 0
    rejected: int = 0
    forwarded: int = 0
    transport: str = ""
    reason: str = ""
    tier: str = ""
    experiments: dict[str, str] = field(default_factory=dict)
    attempts: int = 0
    failures: int = 0
    queued: int = 0
    dropped: int = 0
    bytes: int = 0
    sent_at: int = 0
    appended_at: int = 0


@dataclass(frozen=True, slots=True)
class Rejected:
    """A rejected line (`idx` -1) or impression: a row of `rejected`; `payload` is its exact bytes."""

    reason: str
    detail: str
    user_id: str
    payload: bytes
    source_topic_id: str
    source_partition: int
    source_offset: int
    line: int
    idx: int
    rejected_at: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """A user's coverage of a pool: a row of `user_coverage`, without `impressions_1h` and `updated_at`."""

    user_id: str
    pool_id: str
    seen: int
    pool_size: int
    coverage: float
    freshness: float


@dataclass(frozen=True, slots=True)
class Artwork:
    """An artwork as its latest valid catalogue record says: a row of `artworks`."""

    artwork_id: str
    pool_id: str
    ordinal: int
    created_at: int
    retired: bool
    dna: tuple[float, ...]


@dataclass(slots=True)
class Result:
    """All that must be in ClickHouse once the log has been processed."""

    accepted: list[Accepted] = field(default_factory=list)
    ledger: list[LedgerRow] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    coverage: list[Coverage] = field(default_factory=list)
    artworks: list[Artwork] = field(default_factory=list)
    refused_catalogue_records: int = 0
