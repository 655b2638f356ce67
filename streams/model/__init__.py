"""The records of every topic, as pydantic models; schemas/ is generated from them."""

from impression_streams.flush import Flush, Impression, Telemetry
from streams.model.artwork import ArtworkRecord
from streams.model.rows import Accepted, Coverage, LedgerRow, Rejected

__all__ = ["Accepted", "ArtworkRecord", "Coverage", "Flush", "Impression", "LedgerRow", "Rejected", "Telemetry"]
