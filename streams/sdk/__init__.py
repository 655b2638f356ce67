"""The producer SDK: record impressions from Python, with at-least-once delivery that the stream makes exact.

>>> producer = ImpressionProducer("127.0.0.1:9092", tier="pro", on_delivery=lambda delivery: ...)
>>> impression_id = producer.record("u42", "a0042", pool_id="main", dwell_ms=1200)
>>> try:
...     producer.close()
... except UndeliveredError as error:
...     keep(error.flushes)  # and `send_flush` them later: same ids, so that nothing counts twice
"""

from streams.sdk.delivery import BufferFullError, Delivery, RawRecord, Stats, Undelivered, UndeliveredError
from streams.sdk.producer import ImpressionProducer

__all__ = [
    "BufferFullError",
    "Delivery",
    "ImpressionProducer",
    "RawRecord",
    "Stats",
    "Undelivered",
    "UndeliveredError",
]
