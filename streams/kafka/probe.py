"""Asks the broker whether there is a record to read after a position, which offsets alone don't show."""

import time
from collections.abc import Iterable

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from streams.kafka.client import Config
from streams.kafka.read import AT_ENDS, reader
from streams.runtime.stall import Key, Work
from streams.settings import Settings

CLIENT: Config = {
    **AT_ENDS,
    # A position that the log no longer has is a reason to look further, not to stop.
    "auto.offset.reset": "earliest",
    # One record is the answer: read nothing ahead.
    "queued.min.messages": 1,
    "fetch.message.max.bytes": 1,
    # Partitions that have ended or answered don't delay the others.
    "fetch.wait.max.ms": 10,
    "fetch.queue.backoff.ms": 10,
    # The process itself already reports a broker that is down.
    "log_level": 0,
}


def lag(settings: Settings, works: Iterable[Work], seconds: float) -> dict[Key, bool]:
    """Say for each partition whether there is a committed record at or after its position; take at most `seconds`.

    Partitions for which the broker gives no answer are left out. For one without a position, only whether it answered
    matters. Uses its own client, so it works while all other clients of the process are stuck.
    """
    places = [TopicPartition(*each.key, each.position or 0) for each in works]
    consumer = reader(settings, **CLIENT)
    found: dict[Key, bool] = {}
    deadline = time.monotonic() + seconds
    try:
        consumer.assign(places)
        while len(found) < len(places) and (left := deadline - time.monotonic()) > 0:
            message = consumer.poll(left)
            if message is None:
                break
            topic, number, error = message.topic(), message.partition(), message.error()
            if topic is None or number is None or (error is not None and error.code() != KafkaError._PARTITION_EOF):
                continue
            if found.setdefault((topic, number), error is None):
                consumer.pause([TopicPartition(topic, number)])
    except KafkaException:
        return found  # partitions without an answer are left out
    finally:
        consumer.close()
    return found
