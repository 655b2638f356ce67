"""Read back what a producer left on a topic, with a separate client."""

import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import Message, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from streams.core.decode import DecodedFlush, decode
from streams.kafka.admin import watermarks
from streams.kafka.read import AT_ENDS, reader, to_ends
from streams.provision import topics_file
from streams.settings import Settings

PARTITIONS = 4


@contextmanager
def dead_address() -> Iterator[str]:
    """Reserve a local address where nothing answers while the context lasts."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        yield f"127.0.0.1:{taken.getsockname()[1]}"


def create_topic(broker: Settings, name: str) -> None:
    """Create a topic with the settings of impressions.v1."""
    config = topics_file.load(broker)["impressions.v1"].kafka_config(1)
    admin = AdminClient({"bootstrap.servers": broker.kafka_bootstrap})
    admin.create_topics([NewTopic(name, num_partitions=PARTITIONS, config=config)])[name].result(10)


def end_offsets(broker: Settings, topic: str) -> dict[int, int]:
    """Return the number of records in each partition."""
    return {p: watermarks(broker, topic, p)[1] for p in range(PARTITIONS)}


def read_all(broker: Settings, topic: str) -> list[Message]:
    """Return every record of a topic that is no longer written to."""
    consumer = reader(broker, **AT_ENDS)
    batches = to_ends(consumer, [TopicPartition(topic, p, 0) for p in range(PARTITIONS)], 1000, 0.2)
    found = [record for records in batches for record in records]
    consumer.close()
    return found


def impression_ids(records: list[Message]) -> Counter[str]:
    """Count the impressions, judging each line as the worker does."""
    found: Counter[str] = Counter()
    for record in records:
        decoded = decode(record.value() or b"")
        assert isinstance(decoded, DecodedFlush)
        found.update(impression.impression_id for impression in decoded.flush.impressions)
    return found
