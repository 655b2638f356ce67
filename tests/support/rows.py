"""Rows of the base tables as the sink would write them, built from the few fields that a test is about."""

from typing import Any

from clickhouse_connect.driver.client import Client

from streams.sink.blocks import TableRows, columns_of
from streams.sink.feeds import (
    ARTWORK_RECORDS,
    ARTWORK_USERS,
    FEEDS,
    IMPRESSIONS,
    LEDGER_ROWS,
    REJECTED_PIECES,
    USER_ARTWORKS,
    Table,
)
from streams.sink.records import Row

T0 = 1_732_431_600_000  # 2024-11-24 07:00:00 UTC
TOPIC_ID = "topic-1"


def coordinates(partition: int, offset: int) -> Row:
    """The coordinates of a source record, of the record read by the sink, and of a line."""
    return {
        "source_topic_id": "source-1",
        "source_partition": partition,
        "source_offset": offset,
        "line": 0,
        "kafka_topic_id": TOPIC_ID,
        "kafka_partition": partition,
        "kafka_offset": offset,
    }


def accepted(user_id: str, artwork_id: str, seen_at: int = T0, offset: int = 0, partition: int = 0, **more: Any) -> Row:
    """An accepted impression, fresh unless `more` says otherwise."""
    row = {
        "event_id": f"{user_id}-{artwork_id}-{seen_at}",
        "user_id": user_id,
        "artwork_id": artwork_id,
        "pool_id": "main",
        "impression_id": f"i-{user_id}-{artwork_id}-{seen_at}",
        "flush_id": "f1",
        "session_id": "",
        "seen_at": seen_at,
        "received_at": seen_at + 200,
        "fresh": True,
        "dwell_ms": None,
        "visible": None,
        "position": None,
        "surface": "",
        "transport": "sdk",
        "reason": "timer",
        "tier": "free",
        "experiments": {},
        "idx": 0,
    }
    return row | coordinates(partition, offset) | more


def ledger(offset: int = 0, partition: int = 0, **more: Any) -> Row:
    """A ledger row; counts not named in `more` are 0."""
    names = "received accepted fresh duplicates rejected forwarded attempts failures queued dropped"
    counts = dict.fromkeys(names.split(), 0)
    row = {
        **counts,
        "flush_id": f"f{offset}",
        "user_id": "u1",
        "transport": "sdk",
        "reason": "timer",
        "tier": "free",
        "experiments": {},
        "client": "python-0.2",
        "bytes": 100,
        "sent_at": T0,
        "appended_at": T0,
        "processed_at": T0 + 10,
        "lines": 1,
    }
    return row | coordinates(partition, offset) | more


def rejected(offset: int = 0, partition: int = 0, **more: Any) -> Row:
    """A rejected line."""
    row = {"idx": -1, "reason": "malformed", "detail": "", "user_id": "", "payload": b"x", "rejected_at": T0}
    return row | {"lines": 1} | coordinates(partition, offset) | more


def artwork(artwork_id: str, ordinal: int, offset: int, pool_id: str = "main", **more: Any) -> Row:
    """A catalogue record."""
    row = {
        "artwork_id": artwork_id,
        "pool_id": pool_id,
        "ordinal": ordinal,
        "created_at": T0,
        "retired": False,
        "dna": [],
        "tombstone": False,
        "appended_at": T0 + offset,
    }
    return row | coordinates(0, offset) | more


class Filler:
    """Writes rows into the base tables of a database, without Kafka."""

    def __init__(self, client: Client, database: str) -> None:
        self.client = client
        self.database = database

    def insert(self, table: Table, rows: list[Row], token: str = "") -> None:
        """Insert the rows of one table as one block. It may be a table as another release knows it."""
        feeds = (feed for feed in FEEDS.values() if table in feed.tables)
        columns = next((feed.position_table.columns for feed in feeds), table.columns)
        part = TableRows(table, table.of(columns_of(columns, rows)))
        if part.rows:
            self.client.raw_insert(
                f"{self.database}.{table.name}",
                part.data.column_names,
                part.stream(),
                settings={"async_insert": 0, "insert_deduplication_token": token},
                fmt="ArrowStream",
            )

    def accepted(self, *rows: Row) -> None:
        """Insert accepted impressions into their three tables."""
        for table in (USER_ARTWORKS, ARTWORK_USERS, IMPRESSIONS):
            self.insert(table, list(rows))

    def ledger(self, *rows: Row) -> None:
        """Insert ledger rows."""
        self.insert(LEDGER_ROWS, list(rows))

    def rejected(self, *rows: Row) -> None:
        """Insert rejected pieces."""
        self.insert(REJECTED_PIECES, list(rows))

    def artworks(self, *rows: Row) -> None:
        """Insert catalogue records."""
        self.insert(ARTWORK_RECORDS, list(rows))
