"""Blocks: what is inserted at once, of one Kafka partition, from whole records in the order of the log."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from streams import log
from streams.sink import metrics
from streams.sink.feeds import Feed, Table
from streams.sink.parse import Parse
from streams.sink.records import BadRecordError, Record, Row

logger = log.get(__name__)

Columns = list[list[Any]]


class Part(NamedTuple):
    """What of a block goes into one table, column by column."""

    table: Table
    columns: Columns

    @property
    def rows(self) -> int:
        """How many rows it has; at least one."""
        return len(self.columns[0])


@dataclass(frozen=True, slots=True)
class Block:
    """The records of a partition from offset `first` to `last`, ready to be inserted any number of times."""

    feed: Feed
    topic_id: str
    partition: int
    first: int
    last: int
    parts: tuple[Part, ...]
    # When the source of each record's first row was appended (ms since the epoch).
    appended: tuple[int, ...]

    @property
    def token(self) -> str:
        """What tells ClickHouse that an insert is the same one again: the records, which never change."""
        return f"{self.topic_id}:{self.partition}:{self.first}-{self.last}"


def build(feed: Feed, topic_id: str, partition: int, records: Sequence[Record], parse: Parse) -> Block:
    """Make a block of the records, of which there is at least one.

    A record that is not what the topic holds is left out as a whole, logged with its coordinates and counted: nobody
    can mend it there, and waiting for that would stop everything behind it.
    """
    parsed: list[list[Row]] = []
    for record in records:
        rows: list[Row] = []
        try:
            rows = parse(record)
        except BadRecordError as error:
            _skip(feed, partition, record.offset, str(error))
        for row in rows:
            row["kafka_topic_id"], row["kafka_partition"], row["kafka_offset"] = topic_id, partition, record.offset
        parsed.append(rows)
    try:
        parts = _parts(feed, [row for rows in parsed for row in rows])
    except BadRecordError:
        parsed = [rows for rows in parsed if _sound(feed, rows, partition)]
        parts = _parts(feed, [row for rows in parsed for row in rows])
    appended = tuple(rows[0][feed.appended] for rows in parsed if rows)
    return Block(feed, topic_id, partition, records[0].offset, records[-1].offset, parts, appended)


def columns_of(table: Table, rows: list[Row]) -> Columns:
    """Turn rows into the table's columns. Raises BadRecordError naming the first column that something doesn't fit."""
    columns: Columns = []
    for column in table.columns:
        try:
            values = [row[column.field] for row in rows]
        except KeyError:
            raise BadRecordError(f"{column.field} is missing") from None
        if not column.fits(values):
            raise BadRecordError(f"{column.field} is no {column.type}")
        columns.append(values)
    return columns


def _parts(feed: Feed, rows: list[Row]) -> tuple[Part, ...]:
    # The position table first: it has every column, so that the others can't meet a row that lacks one.
    parts = []
    for table in reversed(feed.tables):
        if chosen := table.rows(rows):
            parts.append(Part(table, columns_of(table, chosen)))
    return tuple(reversed(parts))


def _sound(feed: Feed, rows: list[Row], partition: int) -> bool:
    try:
        _parts(feed, rows)
    except BadRecordError as error:
        _skip(feed, partition, rows[0]["kafka_offset"], str(error))
        return False
    return True


def _skip(feed: Feed, partition: int, offset: int, why: str) -> None:
    metrics.skipped.labels(feed.topic).inc()
    logger.error("record_skipped", topic=feed.topic, partition=partition, offset=offset, why=why)
