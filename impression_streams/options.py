"""The settings of an ImpressionProducer, checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from impression_streams import encode
from impression_streams.client import ClientOptions, Config
from impression_streams.ids import new_id, now_ms
from impression_streams.types import MAX_IMPRESSIONS, Tier

Compression = Literal["zstd", "lz4", "gzip", "snappy", "none"]

# The SDK as a flush's `client`: its family, and the major and minor version of the release.
CLIENT = "python-0.2"
# Seconds from a buffer's first impression to its flush.
INTERVALS: dict[str, float] = {"free": 5.0, "pro": 1.0}
# librdkafka itself tries for this long before the producer counts a failure and tries again.
TRY_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class ProducerOptions:
    """The settings. A wrong one raises ValueError that names it."""

    tier: Tier
    flush_interval: float | None
    batch_size: int
    session_id: str | None
    experiments: Mapping[str, str] | None
    delivery_timeout: float
    max_buffered: int
    max_block: float
    header: dict[str, object] = field(init=False)

    def __post_init__(self) -> None:
        if not 1 <= self.batch_size <= MAX_IMPRESSIONS:
            raise ValueError(f"batch_size: 1 to {MAX_IMPRESSIONS} is expected, not {self.batch_size}")
        if self.flush_interval is not None and self.flush_interval <= 0:
            raise ValueError("flush_interval: more than 0 s is expected")
        if self.delivery_timeout <= 0:
            raise ValueError("delivery_timeout: more than 0 s is expected")
        if self.max_buffered < self.batch_size:
            raise ValueError(f"max_buffered: at least batch_size ({self.batch_size}) is expected")
        if self.max_block < 0:
            raise ValueError("max_block: 0 s or more is expected")
        header: dict[str, object] = {"v": 1, "transport": "sdk", "tier": self.tier, "client": CLIENT}
        if self.session_id is not None:
            header["session_id"] = self.session_id
        if self.experiments:
            header["experiments"] = dict(self.experiments)
        probe = {"impression_id": "-", "artwork_id": "-", "seen_at": 0}
        encode.check_flush({**header, "flush_id": "-", "user_id": "-", "sent_at": 0, "impressions": [probe]})
        object.__setattr__(self, "header", header)

    @property
    def interval(self) -> float:
        """Seconds from a buffer's first impression to its flush."""
        return INTERVALS[self.tier] if self.flush_interval is None else self.flush_interval

    def client(self, bootstrap: str, compression: str, linger_ms: float, config: Config | None) -> ClientOptions:
        """Return the settings of the client."""
        return ClientOptions(bootstrap, compression, linger_ms, min(TRY_SECONDS, self.delivery_timeout), config or {})

    def flush_header(self, user_id: str, reason: str) -> dict[str, object]:
        """Return the fields of a new flush, without its impressions and telemetry."""
        return {**self.header, "flush_id": new_id(), "user_id": user_id, "sent_at": now_ms(), "reason": reason}
