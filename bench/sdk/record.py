"""What `ImpressionProducer.record` costs: the caller's thread by itself, and the process until all is acknowledged."""

import time
from typing import NamedTuple

from impression_streams import ImpressionProducer
from streams.settings import Settings

USERS = 1_000
# Its own threads, client and caches are warm after so many.
WARM_UP = 5_000


class Cost(NamedTuple):
    """CPU time of an impression (µs)."""

    caller_us: float
    process_us: float


def cost(settings: Settings, impressions: int) -> Cost:
    """Record so many impressions of many users as fast as one thread can, and wait for their acknowledgements."""
    with ImpressionProducer(settings.kafka_bootstrap, max_buffered=impressions + WARM_UP) as producer:
        _record(producer, WARM_UP)
        producer.flush()
        producer.wait(60)
        process, caller = time.process_time(), time.thread_time()
        _record(producer, impressions)
        caller = time.thread_time() - caller
        producer.flush()
        producer.wait(60)
        process = time.process_time() - process
    return Cost(caller * 1e6 / impressions, process * 1e6 / impressions)


def _record(producer: ImpressionProducer, count: int) -> None:
    for number in range(count):
        producer.record(
            f"user-{number % USERS}", f"art-{number % 997}", pool_id="main", dwell_ms=1200, visible=0.8, position=3
        )
