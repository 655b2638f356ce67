"""Asks the broker whether there is a record to read at a position: what offsets alone can't tell."""

import time
from collections.abc import Iterable

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from streams.kafka.client import Config
from streams.kafka.read import AT_ENDS, reader
from streams.runtime.stall import Key, Work
from streams.settings import Settings

CLIENT: Config = {
    **AT_ENDS,
    # A position that the log doesn't have is a reason to look, not one to stop at.
    "auto.offset.reset": "earliest",
    # One record answers: nothing is read ahead.
    "queued.min.messages": 1,
    "fetch.message.max.bytes": 1,
    # The end of one partition, or one that has answered, keeps no other waiting.
    "fetch.wait.max.ms": 10,
    "fetch.queue.backoff.ms": 10,
    # A broker that is away is no news: the process itself says so.
    "log_level": 0,
}


def lag(settings: Settings, works: Iterable[Work], seconds: float) -> dict[Key, bool]:
    """Say of each partition whether a committed record lies at its position or behind it; ask for so long at the most.

    A partition of which the broker doesn't say is left out; of one without a position that it says anything is all
    that counts. Over a client of its own, so that it works while all others of the process are stuck.
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
        return found  # what the broker doesn't answer, it doesn't answer
    finally:
        consumer.close()
    return found
