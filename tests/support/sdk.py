"""What a producer left on a topic, read back by a client of its own."""

from collections import Counter

from confluent_kafka import Consumer, Message, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from streams.core.decode import DecodedFlush, decode
from streams.provision import topics_file
from streams.settings import Settings
from tests.support.wait import until

PARTITIONS = 4


def create_topic(broker: Settings, name: str) -> None:
    """Create a topic with the settings of impressions.v1."""
    config = topics_file.load(broker)["impressions.v1"].kafka_config(1)
    admin = AdminClient({"bootstrap.servers": broker.kafka_bootstrap})
    admin.create_topics([NewTopic(name, num_partitions=PARTITIONS, config=config)])[name].result(10)


def end_offsets(broker: Settings, topic: str) -> dict[int, int]:
    """Return how many records each partition has."""
    consumer = Consumer({"bootstrap.servers": broker.kafka_bootstrap, "group.id": "none", "log_level": 2})
    ends = {p: consumer.get_watermark_offsets(TopicPartition(topic, p), 10)[1] for p in range(PARTITIONS)}
    consumer.close()
    return ends


def read_all(broker: Settings, topic: str) -> list[Message]:
    """Return every record of a topic that nobody writes to any more."""
    ends = end_offsets(broker, topic)
    consumer = Consumer({"bootstrap.servers": broker.kafka_bootstrap, "group.id": "none", "log_level": 2})
    consumer.assign([TopicPartition(topic, p, 0) for p in ends])
    found: list[Message] = []

    def complete() -> bool:
        found.extend(consumer.consume(1000, 0.2))
        return len(found) == sum(ends.values())

    until(complete, 30, f"{ends} records read of {topic}")
    consumer.close()
    return found


def impression_ids(records: list[Message]) -> Counter[str]:
    """Count the impressions, each line judged as the worker judges it."""
    found: Counter[str] = Counter()
    for record in records:
        decoded = decode(record.value() or b"")
        assert isinstance(decoded, DecodedFlush)
        found.update(impression.impression_id for impression in decoded.flush.impressions)
    return found
