"""The producer SDK under the name that it had first, kept for ever; `impression_streams` says what there is."""

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
