"""The producer SDK under its first name, which is kept for good; see `impression_streams`."""

from impression_streams import (
    BufferFullError,
    Delivery,
    Flush,
    Impression,
    ImpressionProducer,
    RawRecord,
    Stats,
    Undelivered,
    UndeliveredError,
)

__all__ = [
    "BufferFullError",
    "Delivery",
    "Flush",
    "Impression",
    "ImpressionProducer",
    "RawRecord",
    "Stats",
    "Undelivered",
    "UndeliveredError",
]
