"""`ImpressionProducer`: what a backend records impressions with."""

from impression_streams.kafka import KafkaProducer
from impression_streams.sync import SyncProducer


class ImpressionProducer(SyncProducer, KafkaProducer):
    """Records impressions: batches them by user, sends them to Kafka, and knows what became of each.

    >>> with ImpressionProducer("127.0.0.1:9092", tier="pro") as producer:
    ...     producer.record("u42", "a0042", pool_id="main", dwell_ms=1200, visible=0.8)

    Promises
    - What `record` accepts is acknowledged by the broker (acks=all), or reported as failed to `on_delivery` and
      handed back by `close` (UndeliveredError) or `take_undelivered`. Nothing is dropped silently.
    - A failed flush is sent again with the same ids for `delivery_timeout` seconds, librdkafka's own retries
      included; the stream drops the duplicates.
    - `record` refuses what the stream would reject, with a ValueError that names the field; nothing else is affected.
    - Memory is bounded: at most `max_buffered` impressions (0.2 to 0.7 kB each) are unacknowledged. At that number,
      `record` waits up to `max_block` seconds for room (0: not at all), then raises BufferFullError.
    - Any thread may use it, and any signal handler or finaliser, whatever it interrupts.

    It belongs to one process: after a fork it raises RuntimeError in the child, which makes its own. `on_delivery` is
    called by the producer's thread, once for each flush and raw record; it must be quick and must not wait for this
    producer. If it raises, `close` raises the first exception again after everything else is done.
    Producers that were not closed are closed at the process's exit, also that of a child of multiprocessing; together
    they may wait 30 s for the broker, and what is undelivered then is only logged. Trouble goes to the logger
    `impression_streams`: at once, then at most one line a minute.
    """
