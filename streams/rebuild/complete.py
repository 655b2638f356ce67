"""Checks that ClickHouse has everything that was decided: by its rows, since a commit can be ahead of them."""

from collections.abc import Mapping

from confluent_kafka import TopicPartition

from streams.errors import UserError
from streams.kafka import names
from streams.kafka.admin import describe_all, watermarks
from streams.kafka.read import AT_ENDS, reader, to_ends
from streams.rebuild.history import Held, History
from streams.settings import Settings

TABLES = {names.ACCEPTED: "impressions_raw", names.LEDGER: "ledger_raw"}
POLL_SECONDS = 1.0


def require_complete(settings: Settings, history: History, partitions: int) -> None:
    """Raise UserError unless the tables have rows up to the last committed record of each output log.

    The last record is followed by the transaction's marker, which no consumer sees. So instead of comparing end
    offsets, this reads whether anything is left. Call it once all partitions are fenced.
    """
    ids = describe_all(settings, list(TABLES))
    places: list[TopicPartition] = []
    for topic, table in TABLES.items():
        held = history.held(table, ids[topic].topic_id)
        for partition in range(partitions):
            _require_beginning(settings, topic, partition, held)
            found = held.get(partition)
            places.append(TopicPartition(topic, partition, 0 if found is None else found.last + 1))
    if left := _with_more(settings, places):
        logs = ", ".join(f"{topic} (partition {number})" for topic, number in left)
        raise UserError(
            f"ClickHouse does not have all of {logs} yet: let a sink run until it has (`impressions up sink-0`), "
            "then run this again."
        )


def _require_beginning(settings: Settings, topic: str, partition: int, held: Mapping[int, Held]) -> None:
    """Raise UserError if Kafka has deleted rows that ClickHouse never got, or has lost."""
    low, _ = watermarks(settings, topic, partition)
    found = held.get(partition)
    if low > 0 and (found is None or found.first >= low):
        raise UserError(
            f"ClickHouse has no row of {topic} (partition {partition}) before offset {low}, and Kafka has deleted what "
            "was there: part of the history is gone, so the state can't be rebuilt from it. Restore a backup of "
            "ClickHouse, let a sink catch up, then run this again."
        )


def _with_more(settings: Settings, places: list[TopicPartition]) -> list[tuple[str, int]]:
    """Return partitions that have a committed record at or after these offsets: the first that show, or none."""
    consumer = reader(settings, **{"auto.offset.reset": "earliest"}, **AT_ENDS)
    try:
        for records in to_ends(consumer, places, 1_000, POLL_SECONDS):
            if records:
                return sorted({(record.topic() or "", record.partition() or 0) for record in records})
        return []
    finally:
        consumer.close()
