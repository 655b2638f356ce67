"""What the worker and the sink ask the broker about topics."""

from typing import NamedTuple

from confluent_kafka import Consumer, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient

from streams.errors import UserError
from streams.settings import Settings

REQUEST_SECONDS = 15.0
NO_GROUP = "unused: positions are assigned, and nothing is committed"


class TopicInfo(NamedTuple):
    """A topic as the broker has it. The id is another one when the topic was deleted and created again."""

    topic_id: str
    partitions: int


def describe(settings: Settings, topic: str) -> TopicInfo:
    """Ask for a topic. Raises UserError when the broker is away or doesn't have it."""
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap, "socket.timeout.ms": 10_000, "log_level": 3})
    try:
        futures = admin.describe_topics(TopicCollection([topic]), request_timeout=REQUEST_SECONDS)
        found = futures[topic].result()
    except KafkaException as error:
        raise UserError(
            f"Topic {topic} can't be had from {settings.kafka_bootstrap} ({error.args[0].str()}): "
            "is Kafka up, and has `impressions provision` run?"
        ) from None
    return TopicInfo(str(found.topic_id), len(found.partitions))


def reader(settings: Settings, **more: str | int | float | bool) -> Consumer:
    """A consumer without a group, for reading what is committed from positions that are assigned."""
    return Consumer(
        {
            "bootstrap.servers": settings.kafka_bootstrap,
            "group.id": NO_GROUP,
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "log_level": 3,  # librdkafka's own lines on stderr: errors only
            **more,
        }
    )


def watermarks(settings: Settings, topic: str, partition: int) -> tuple[int, int]:
    """Return the first offset that the partition still has, and the one behind its last."""
    consumer = reader(settings)
    try:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=REQUEST_SECONDS)
    finally:
        consumer.close()
    return int(low), int(high)
