"""The producer SDK under its first name, which is kept for good; see `impression_streams`."""

from impression_streams import (
    AsyncImpressionProducer,
    BufferFullError,
    Delivery,
    Flush,
    Impression,
    ImpressionProducer,
    MissingTopicError,
    RawRecord,
    Stats,
    Undelivered,
    UndeliveredError,
    from_id,
    to_id,
)

__all__ = [
    "AsyncImpressionProducer",
    "BufferFullError",
    "Delivery",
    "Flush",
    "Impression",
    "ImpressionProducer",
    "MissingTopicError",
    "RawRecord",
    "Stats",
    "Undelivered",
    "UndeliveredError",
    "from_id",
    "to_id",
]
