"""The producer SDK under its first name, which is kept for good; see `impression_streams`."""

from impression_streams import (
    AsyncHttpImpressionProducer,
    AsyncImpressionProducer,
    BufferFullError,
    Delivery,
    Flush,
    HttpImpressionProducer,
    Impression,
    ImpressionProducer,
    MissingTopicError,
    RawRecord,
    Rejection,
    Stats,
    Undelivered,
    UndeliveredError,
    from_id,
    to_id,
)

__all__ = [
    "AsyncHttpImpressionProducer",
    "AsyncImpressionProducer",
    "BufferFullError",
    "Delivery",
    "Flush",
    "HttpImpressionProducer",
    "Impression",
    "ImpressionProducer",
    "MissingTopicError",
    "RawRecord",
    "Rejection",
    "Stats",
    "Undelivered",
    "UndeliveredError",
    "from_id",
    "to_id",
]
