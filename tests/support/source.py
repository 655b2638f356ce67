"""What is in impressions.v1: all of it, or what came after given offsets, read anew at each call."""

from collections.abc import Mapping

from confluent_kafka import Consumer, TopicPartition

from streams.kafka import names
from streams.settings import Settings

SECONDS = 60.0


def records(settings: Settings, since: Mapping[int, int] | None = None) -> list[tuple[int, bytes]]:
    """Return each record's value, with its partition; those of a partition in their order.

    `since` has the offsets to begin at, by partition.
    """
    config = {"bootstrap.servers": settings.kafka_bootstrap, "group.id": "t", "enable.partition.eof": True}
    consumer = Consumer({**config, "log_level": 0})
    try:
        partitions = list(consumer.list_topics(names.IMPRESSIONS, SECONDS).topics[names.IMPRESSIONS].partitions)
        begin = since or {}
        consumer.assign([TopicPartition(names.IMPRESSIONS, number, begin.get(number, 0)) for number in partitions])
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


def lines(settings: Settings, since: Mapping[int, int] | None = None) -> list[tuple[int, bytes]]:
    """Return each line, with its partition."""
    return [(partition, line) for partition, value in records(settings, since) for line in value.split(b"\n")]


def ends(settings: Settings) -> dict[int, int]:
    """Return where each partition ends now."""
    consumer = Consumer({"bootstrap.servers": settings.kafka_bootstrap, "group.id": "t", "log_level": 0})
    try:
        partitions = consumer.list_topics(names.IMPRESSIONS, SECONDS).topics[names.IMPRESSIONS].partitions
        found = {}
        for number in partitions:
            low_high = consumer.get_watermark_offsets(TopicPartition(names.IMPRESSIONS, number), SECONDS)
            assert low_high is not None
            found[number] = low_high[1]
        return found
    finally:
        consumer.close()
