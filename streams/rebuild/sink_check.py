"""Checks whether the sink has written everything of a partition to ClickHouse."""

from confluent_kafka import TopicPartition

from streams.errors import UserError
from streams.kafka import names
from streams.kafka.admin import committed, describe
from streams.kafka.read import AT_ENDS, reader, to_ends
from streams.settings import Settings

POLL_SECONDS = 1.0


def require_caught_up(settings: Settings, partition: int) -> None:
    """Raise UserError unless the sink has committed all of the partition's committed rows.

    The last row is followed by the transaction's marker, which no consumer sees. So instead of comparing end offsets,
    this reads whether anything is left.
    """
    for topic in (names.ACCEPTED, names.LEDGER, names.ARTWORKS):
        if topic == names.ARTWORKS and partition > 0:
            continue
        if _has_more(settings, TopicPartition(topic, partition, _read_up_to(settings, topic, partition))):
            raise UserError(
                f"ClickHouse does not have all of {topic} yet (partition {partition}): let a sink run until it has, "
                "then run this again."
            )


def _read_up_to(settings: Settings, topic: str, partition: int) -> int:
    """Return the sink's committed offset, or 0 if the topic id committed with it is an older log's."""
    found = committed(settings, names.SINK_GROUP, topic, partition)
    return max(found.offset, 0) if found.metadata == describe(settings, topic).topic_id else 0


def _has_more(settings: Settings, tp: TopicPartition) -> bool:
    consumer = reader(settings, **{"auto.offset.reset": "earliest"}, **AT_ENDS)
    try:
        return any(to_ends(consumer, [tp], 1, POLL_SECONDS))
    finally:
        consumer.close()
