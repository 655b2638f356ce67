"""I3: what the sink has committed is in ClickHouse."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import orjson
from confluent_kafka import Consumer, TopicPartition

from oracle.log import ANSWER_SECONDS, QUIET
from oracle.rules import Record
from oracle.verdict import Difference
from oracle.views import Views

GROUP = "impressions-sink"

Identity = tuple[object, ...]


@dataclass(frozen=True)
class Feed:
    """A topic that the sink reads, a table that it fills, and what identifies a row in both."""

    topic: str
    table: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Sent:
    """A record that the sink has to write: its place, and the identities of its rows."""

    partition: int
    offset: int
    identities: Sequence[Identity]


_PLACE = ("source_topic_id", "source_partition", "source_offset", "line")
_SEEN = ("user_id", "artwork_id")
FEEDS = (
    Feed("impressions.accepted.v1", "impressions_raw", ("event_id",)),
    Feed("impressions.accepted.v1", "user_artworks_raw", _SEEN),
    Feed("impressions.accepted.v1", "artwork_users_raw", _SEEN),
    Feed("impressions.ledger.v1", "ledger_raw", _PLACE),
    Feed("impressions.rejected.v1", "rejected_raw", (*_PLACE, "idx")),
)
CATALOGUE = Feed("artworks.v1", "artworks_raw", ("kafka_topic_id", "kafka_offset", "artwork_id"))


def sent(feed: Feed, record: Record) -> Sent:
    """Return what the sink must write for a record of the worker, which has one row per line."""
    rows = [orjson.loads(line) for line in (record.value or b"").split(b"\n") if line]
    return Sent(record.partition, record.offset, [tuple(row.get(name) for name in feed.columns) for row in rows])


def committed(bootstrap: str, topic: str, partitions: Iterable[int]) -> dict[int, tuple[int, int]]:
    """Return the committed offset of the sink's group (0: nothing yet) and the log's end, by partition.

    Raises KafkaException while the broker does not answer.
    """
    consumer = Consumer(
        {
            **QUIET,
            "bootstrap.servers": bootstrap,
            "group.id": GROUP,  # never subscribes, so it is not a member
            "enable.auto.commit": False,
        }
    )
    try:
        places = [TopicPartition(topic, partition) for partition in partitions]
        found = consumer.committed(places, ANSWER_SECONDS)
        return {
            each.partition: (max(0, each.offset), consumer.get_watermark_offsets(each, ANSWER_SECONDS)[1])
            for each in found
        }
    finally:
        consumer.close()


def check_feed(
    feed: Feed, offsets: dict[int, tuple[int, int]], records: Iterable[Sent], views: Views
) -> Iterable[Difference]:
    """Compare each record before the group's offset with the table. `offsets` were read before the table.

    A row that a merge has replaced by a newer one of its identity counts as present.
    """
    there = {tuple(row) for row in views.rows(f"SELECT DISTINCT {', '.join(feed.columns)} FROM {feed.table}")}
    return compare_offsets(feed, offsets, records, there)


def compare_offsets(
    feed: Feed, offsets: dict[int, tuple[int, int]], records: Iterable[Sent], there: set[Identity]
) -> Iterable[Difference]:
    """Return one difference per partition: missing rows, or an offset after the log's end."""
    found = {partition: Difference("I3", f"{feed.topic}-{partition} in {feed.table}") for partition in offsets}
    for partition, (offset, end) in offsets.items():
        if offset > end:
            found[partition].wrong += 1
            found[partition].example(f"offset {offset} is committed, the log ends at {end}")
    for record in records:
        for identity in record.identities if record.offset < offsets[record.partition][0] else ():
            if identity not in there:
                found[record.partition].missing += 1
                found[record.partition].example(f"missing of offset {record.offset}: {identity}")
    return found.values()
