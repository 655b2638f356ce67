"""What is in impressions.v1: all of it, read anew at each call."""

from confluent_kafka import Consumer, TopicPartition

from streams.kafka import names
from streams.settings import Settings

SECONDS = 60.0


def records(settings: Settings) -> list[tuple[int, bytes]]:
    """Return each record's value, with its partition; those of a partition in their order."""
    config = {"bootstrap.servers": settings.kafka_bootstrap, "group.id": "t", "enable.partition.eof": True}
    consumer = Consumer({**config, "log_level": 0})
    try:
        partitions = list(consumer.list_topics(names.IMPRESSIONS, SECONDS).topics[names.IMPRESSIONS].partitions)
        consumer.assign([TopicPartition(names.IMPRESSIONS, number, 0) for number in partitions])
        found: list[tuple[int, bytes]] = []
        ended: set[int] = set()
        while len(ended) < len(partitions):
            message = consumer.poll(SECONDS)
            assert message is not None, "the broker sends what it has"
            partition = message.partition()
            assert partition is not None
            if message.error():
                ended.add(partition)
            else:
                found.append((partition, message.value() or b""))
        return found
    finally:
        consumer.close()


def lines(settings: Settings) -> list[tuple[int, bytes]]:
    """Return each line, with its partition."""
    return [(partition, line) for partition, value in records(settings) for line in value.split(b"\n")]
