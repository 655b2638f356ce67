"""Which tables each topic is written to: declared here and nowhere else.

A topic's tables are written in the order listed. All but the last are sets, in which a row written twice is the same
element. The newest kafka_offset that all of them have is the topic's position (see streams.sink.position).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

from streams.kafka.names import ACCEPTED, ARTWORKS, LEDGER, REJECTED
from streams.sink.columns import Column, column


@dataclass(frozen=True, slots=True)
class Table:
    """A table's columns. `only` names a field that must be true for a row to go into it."""

    name: str
    columns: tuple[Column, ...]
    only: str | None = None

    def of(self, rows: pa.Table) -> pa.Table:
        """Return the part of a feed's rows that goes into this table. The columns of `rows` are fields."""
        chosen = rows if self.only is None else rows.filter(rows[self.only])
        return chosen.select([each.field for each in self.columns]).rename_columns([each.name for each in self.columns])


@dataclass(frozen=True, slots=True)
class Feed:
    """A topic, its tables in the order of writing, and the fields with the times from which latency is measured.

    `appended` is when a row's source was appended; `seen` when its impression was seen, if the row is one.
    """

    topic: str
    tables: tuple[Table, ...]
    appended: str
    # Whether a record holds one row per line; otherwise it is one row.
    lines: bool = False
    seen: str | None = None

    @property
    def position_table(self) -> Table:
        """The table that is written last."""
        return self.tables[-1]

    @property
    def columns(self) -> tuple[Column, ...]:
        """What is read of a row: the position table's columns, from which the other tables take theirs."""
        return self.position_table.columns[: -len(COORDINATES)]


def _columns(declared: str) -> tuple[Column, ...]:
    return tuple(column(line.strip()) for line in declared.splitlines() if line.strip())


def _table(name: str, columns: str, only: str | None = None) -> Table:
    return Table(name, _columns(columns) + COORDINATES, only)


# The coordinates of the record that a row was read from: the last columns of every table.
COORDINATES = _columns(
    """
    kafka_topic_id LowCardinality(String)
    kafka_partition UInt16
    kafka_offset UInt64
    """
)
_SOURCE = """
    source_topic_id LowCardinality(String)
    source_partition UInt16
    source_offset UInt64
    line UInt32
"""
_SEEN = """
    user_id String
    artwork_id String
    first_seen_at DateTime64(3, 'UTC') = seen_at
    received_at DateTime64(3, 'UTC')
"""

USER_ARTWORKS = _table("user_artworks_raw", _SEEN, only="fresh")
ARTWORK_USERS = _table("artwork_users_raw", _SEEN, only="fresh")
IMPRESSIONS = _table(
    "impressions_raw",
    """
    event_id String
    user_id String
    artwork_id String
    pool_id String
    impression_id String
    flush_id String
    session_id String
    seen_at DateTime64(3, 'UTC')
    received_at DateTime64(3, 'UTC')
    fresh Bool
    dwell_ms Nullable(UInt64)
    visible Nullable(Float64)
    position Nullable(UInt64)
    surface String
    transport LowCardinality(String)
    reason LowCardinality(String)
    tier LowCardinality(String)
    experiments Map(LowCardinality(String), String)
    idx UInt16
    """
    + _SOURCE,
)
LEDGER_ROWS = _table(
    "ledger_raw",
    _SOURCE
    + """
    flush_id String
    user_id String
    received UInt32
    accepted UInt32
    fresh UInt32
    duplicates UInt32
    rejected UInt32
    forwarded UInt32
    transport LowCardinality(String)
    reason LowCardinality(String)
    tier LowCardinality(String)
    experiments Map(LowCardinality(String), String)
    client String default ''
    attempts UInt64
    failures UInt64
    queued UInt64
    dropped UInt64
    bytes UInt32
    sent_at DateTime64(3, 'UTC')
    appended_at DateTime64(3, 'UTC')
    processed_at DateTime64(3, 'UTC')
    lines UInt32 default 1
    """,
)
REJECTED_PIECES = _table(
    "rejected_raw",
    _SOURCE
    + """
    idx Int32
    reason LowCardinality(String)
    detail String
    user_id String
    payload bytes
    rejected_at DateTime64(3, 'UTC')
    lines UInt32 default 1
    """,
)
ARTWORK_RECORDS = _table(
    "artworks_raw",
    """
    artwork_id String
    pool_id LowCardinality(String)
    ordinal UInt32
    created_at DateTime64(3, 'UTC')
    retired Bool
    dna Array(Float64)
    tombstone Bool
    appended_at DateTime64(3, 'UTC')
    """,
)

FEEDS: dict[str, Feed] = {
    feed.topic: feed
    for feed in (
        Feed(ACCEPTED, (USER_ARTWORKS, ARTWORK_USERS, IMPRESSIONS), "received_at", lines=True, seen="seen_at"),
        Feed(LEDGER, (LEDGER_ROWS,), "appended_at", lines=True),
        Feed(REJECTED, (REJECTED_PIECES,), "rejected_at"),
        Feed(ARTWORKS, (ARTWORK_RECORDS,), "appended_at"),
    )
}


def all_tables() -> Iterable[Table]:
    """Every table that the sink writes."""
    return (table for feed in FEEDS.values() for table in feed.tables)
