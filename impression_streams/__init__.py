"""The producer SDK: record impressions from Python, with at-least-once delivery that the stream makes exact.

>>> from impression_streams import ImpressionProducer, UndeliveredError
>>> producer = ImpressionProducer("127.0.0.1:9092", tier="pro", on_delivery=lambda delivery: ...)
>>> impression_id = producer.record("u42", "a0042", pool_id="main", dwell_ms=1200)
>>> try:
...     producer.close()
... except UndeliveredError as error:
...     keep(error.flushes)  # and `send_flush` them later: the ids are the same, so nothing counts twice

AsyncImpressionProducer is the same for asyncio; HttpImpressionProducer and AsyncHttpImpressionProducer are the same for
backends that don't speak Kafka, and send to a collector. `to_id` makes an id of any text, as of an e-mail address.

It needs confluent-kafka, orjson and pydantic, and nothing from the package `streams`. It logs to the standard logger
`impression_streams`; nothing appears on stdout or stderr unless the host configures logging.
"""

from impression_streams.aio import AsyncImpressionProducer
from impression_streams.delivery import (
    BufferFullError,
    Delivery,
    MissingTopicError,
    RawRecord,
    Rejection,
    Stats,
    Undelivered,
    UndeliveredError,
)
from impression_streams.flush import Flush, Impression
from impression_streams.http.producer import AsyncHttpImpressionProducer, HttpImpressionProducer
from impression_streams.ids import from_id, to_id
from impression_streams.producer import ImpressionProducer

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
