"""Blocks: the rows of whole records of one Kafka partition, in log order, that are inserted at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from streams.runtime import log
from streams.sink import read_fast
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


class Unreadable(NamedTuple):
    """A record that does not fit its topic, although only the worker writes it: by its offset, and why."""

    offset: int
    why: str


class Source(NamedTuple):
    """Where a block's records come from: a partition of a log, read since it was placed."""

    feed: Feed
    topic_id: str
    partition: int
    # Names the placing. Rows that are gone are read again after another one, and need other tokens: ClickHouse
    # remembers the tokens of blocks that it has lost, and would silently drop blocks that repeat them.
    placing: str


@dataclass(frozen=True, slots=True)
class Block:
    """Whole records of a partition, ready to be inserted any number of times."""

    source: Source
    # The offset of the first record, and the one after the last: what to commit once the block is inserted.
    first: int
    next: int
    parts: tuple[TableRows, ...]
    # When the source of each record's first row was appended (ms since the epoch).
    appended: tuple[int, ...]
    # When each row's impression was seen (ms since the epoch), where the rows are impressions.
    seen: tuple[int, ...] = ()
    # The record at `next`, if it can't be read.
    unreadable: Unreadable | None = None

    @property
    def feed(self) -> Feed:
        """Its feed."""
        return self.source.feed

    @property
    def token(self) -> str:
        """Shows ClickHouse that an insert is a repetition: it names the records, and where they were read from."""
        return f"{self.source.topic_id}:{self.source.partition}:{self.first}-{self.next - 1}:{self.source.placing}"


def build(source: Source, records: Sequence[Record], parse: Parse) -> Block:
    """Build a block of the records, of which there must be at least one, up to the first that can't be read.

    Such a record, and what comes after it, must wait for a program that can read it: one of a newer release, usually.
    """
    feed = source.feed
    found = read_fast.read(feed.columns, [record.value for record in records]) if feed.lines else None
    unreadable = None
    if found is None:
        if feed.lines:
            logger.info("block_read_row_by_row", topic=feed.topic, partition=source.partition, offset=records[0].offset)
        rows, each, unreadable = _row_by_row(feed, records, parse)
        records = records[: len(each)]
    else:
        rows, each = found
    counts = np.array(each, np.intp)
    offsets = np.repeat(np.array([record.offset for record in records], np.uint64), counts)
    placed = _placed(rows, source, offsets)
    parts = [TableRows(table, data) for table in feed.tables if (data := table.of(placed)).num_rows]
    firsts = (np.cumsum(counts) - counts)[counts > 0]
    appended = _times(rows, feed.appended).take(pa.array(firsts)).to_pylist()
    seen = _times(rows, feed.seen).to_pylist() if feed.seen else []
    end = unreadable.offset if unreadable else records[-1].offset + 1
    first = records[0].offset if records else end
    return Block(source, first, end, tuple(parts), tuple(appended), tuple(seen), unreadable)


def columns_of(columns: Sequence[Column], rows: list[Row]) -> pa.Table:
    """Turn rows into columns, by field; other fields are ignored, as a newer worker may add some.

    Raises BadRecordError naming the first column that a value doesn't fit.
    """
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


def _row_by_row(feed: Feed, records: Sequence[Record], parse: Parse) -> tuple[pa.Table, list[int], Unreadable | None]:
    """Return rows, how many each record has, and the first record that can't be read, at which this stops."""
    read: list[list[Row]] = []
    unreadable = None
    for record in records:
        try:
            read.append(parse(record))
        except BadRecordError as error:
            unreadable = Unreadable(record.offset, str(error))
            break
    try:
        data = columns_of(feed.columns, [row for rows in read for row in rows])
    except BadRecordError:
        for number, record in enumerate(records[: len(read)]):
            if why := _misfit(feed, read[number]):
                unreadable, read = Unreadable(record.offset, why), read[:number]
                break
        data = columns_of(feed.columns, [row for rows in read for row in rows])
    return data, [len(rows) for rows in read], unreadable


def _placed(rows: pa.Table, source: Source, offsets: read_fast.Numbers) -> pa.Table:
    """Add the coordinates of the rows' records."""
    topic, number, offset = COORDINATES
    count = rows.num_rows
    return (
        rows.append_column(topic.field, pa.repeat(pa.scalar(source.topic_id, topic.arrow), count))
        .append_column(number.field, pa.repeat(pa.scalar(source.partition, number.arrow), count))
        .append_column(offset.field, pa.array(offsets))
    )


def _misfit(feed: Feed, rows: list[Row]) -> str:
    """Return why a record's rows don't fit; empty if they do."""
    try:
        columns_of(feed.columns, rows)
    except BadRecordError as error:
        return str(error)
    return ""
