"""Blocks: the rows of whole records of one Kafka partition, in log order, that are inserted at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from streams.runtime import log
from streams.sink import observe, read_fast
from streams.sink.columns import Column
from streams.sink.feeds import COORDINATES, Feed, Table
from streams.sink.read_rows import Parse
from streams.sink.records import BadRecordError, Record, Row

logger = log.get(__name__)


class TableRows(NamedTuple):
    """The part of a block that goes into one table."""

    table: Table
    data: pa.Table

    @property
    def rows(self) -> int:
        """The number of rows; at least one."""
        return int(self.data.num_rows)

    def stream(self) -> bytes:
        """Return the rows in ClickHouse's ArrowStream format."""
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, self.data.schema) as writer:
            writer.write_table(self.data)
        return bytes(sink.getvalue())


@dataclass(frozen=True, slots=True)
class Block:
    """The records of a partition from offset `first` to `last`, ready to be inserted any number of times."""

    feed: Feed
    topic_id: str
    partition: int
    first: int
    last: int
    parts: tuple[TableRows, ...]
    # When the source of each record's first row was appended (ms since the epoch).
    appended: tuple[int, ...]
    # When each row's impression was seen (ms since the epoch), where the rows are impressions.
    seen: tuple[int, ...] = ()

    @property
    def token(self) -> str:
        """Shows ClickHouse that an insert is a repetition: it names the records, which never change."""
        return f"{self.topic_id}:{self.partition}:{self.first}-{self.last}"


def build(feed: Feed, topic_id: str, partition: int, records: Sequence[Record], parse: Parse) -> Block:
    """Build a block of the records; there must be at least one.

    A record that does not fit its topic is left out as a whole, logged with its coordinates and counted: nobody can
    fix it there, and waiting for that would stop everything after it.
    """
    found = read_fast.read(feed.columns, [record.value for record in records]) if feed.lines else None
    if feed.lines and found is None:
        logger.info("block_read_row_by_row", topic=feed.topic, partition=partition, offset=records[0].offset)
    rows, each = found or _row_by_row(feed, partition, records, parse)
    counts = np.array(each, np.intp)
    offsets = np.repeat(np.array([record.offset for record in records], np.uint64), counts)
    placed = _placed(rows, topic_id, partition, offsets)
    parts = [TableRows(table, data) for table in feed.tables if (data := table.of(placed)).num_rows]
    firsts = (np.cumsum(counts) - counts)[counts > 0]
    appended = _times(rows, feed.appended).take(pa.array(firsts)).to_pylist()
    seen = _times(rows, feed.seen).to_pylist() if feed.seen else []
    first, last = records[0].offset, records[-1].offset
    return Block(feed, topic_id, partition, first, last, tuple(parts), tuple(appended), tuple(seen))


def columns_of(columns: Sequence[Column], rows: list[Row]) -> pa.Table:
    """Turn rows into columns, by field. Raises BadRecordError naming the first column that a value doesn't fit."""
    arrays = []
    for column in columns:
        try:
            values = [row[column.field] for row in rows] if column.default is None else _given(column, rows)
        except KeyError:
            raise BadRecordError(f"{column.field} is missing") from None
        if rows and not column.fits(values):
            raise BadRecordError(f"{column.field} does not fit {column.type}")
        arrays.append(column.array(values))
    return pa.table(arrays, names=[column.field for column in columns])


def _given(column: Column, rows: list[Row]) -> list[Any]:
    """Return the values of a column that rows of earlier releases lack."""
    return [row.get(column.field, column.default) for row in rows]


def _times(rows: pa.Table, field: str) -> Any:
    """Return a column of times as ms since the epoch."""
    return rows[field].cast(pa.int64())


def _row_by_row(feed: Feed, partition: int, records: Sequence[Record], parse: Parse) -> tuple[pa.Table, list[int]]:
    parsed: list[list[Row]] = []
    for record in records:
        rows: list[Row] = []
        try:
            rows = parse(record)
        except BadRecordError as error:
            _skip(feed, partition, record.offset, str(error))
        parsed.append(rows)
    try:
        data = columns_of(feed.columns, [row for rows in parsed for row in rows])
    except BadRecordError:
        parsed = [
            rows if _sound(feed, rows, partition, record.offset) else []
            for rows, record in zip(parsed, records, strict=True)
        ]
        data = columns_of(feed.columns, [row for rows in parsed for row in rows])
    return data, [len(rows) for rows in parsed]


def _placed(rows: pa.Table, topic_id: str, partition: int, offsets: read_fast.Numbers) -> pa.Table:
    """Add the coordinates of the rows' records."""
    topic, number, offset = COORDINATES
    count = rows.num_rows
    return (
        rows.append_column(topic.field, pa.repeat(pa.scalar(topic_id, topic.arrow), count))
        .append_column(number.field, pa.repeat(pa.scalar(partition, number.arrow), count))
        .append_column(offset.field, pa.array(offsets))
    )


def _sound(feed: Feed, rows: list[Row], partition: int, offset: int) -> bool:
    try:
        columns_of(feed.columns, rows)
    except BadRecordError as error:
        _skip(feed, partition, offset, str(error))
        return False
    return True


def _skip(feed: Feed, partition: int, offset: int, why: str) -> None:
    observe.skipped(feed.topic)
    logger.error("record_skipped", topic=feed.topic, partition=partition, offset=offset, why=why)
