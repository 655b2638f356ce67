"""Unpacks aiokafka's fetches a chunk at a time, instead of with one object and three calls per record.

aiokafka unpacks each record that it fetched into a ConsumerRecord, which costs more than deciding it. Here a fetched
partition yields chunks: lists of plain records, unpacked on demand. aiokafka treats a chunk as if it were a record.
Written against aiokafka 0.14.
"""

from collections.abc import Iterator
from struct import Struct
from typing import Any, cast

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.record.legacy_records import LegacyRecordBatch

from streams.core.lines import repeats
from streams.core.outputs import MERGED_FROM
from streams.core.pieces import PIECE_LINES, SourceRecord, pieces
from streams.errors import UserError
from streams.worker.faust import unpack

# Maximum bytes of values in a chunk, uncompressed; its transaction holds a few times that in memory. A single line may
# be longer, and is then a chunk of its own.
CHUNK_BYTES = 5 * 512 * 1024
# Maximum rows that a chunk's lines may lead to: each may need one of the ledger and a rejected record, however short
# it is.
CHUNK_ROWS = 10_000

# What all versions of a batch begin with: its base offset, and the length of the rest.
_HEAD = Struct(">qi")
_MAGIC, _MAGIC_V2 = 16, 2
# Kafka's code for timestamps that say when the broker appended the record.
LOG_APPEND_TIME = 1


class Batches:
    """The batches of a fetch, as bytes; the last one may be incomplete. Replaces aiokafka's MemoryRecords."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self._at = 0

    def size_in_bytes(self) -> int:
        """Return the size of all of them."""
        return len(self._data)

    def has_next(self) -> bool:
        """Return whether there is another complete one."""
        return self._end() <= len(self._data)

    def next_batch(self) -> memoryview:
        """Return the next one."""
        start, self._at = self._at, self._end()
        return self._data[start : self._at]

    def _end(self) -> int:
        if len(self._data) - self._at < _HEAD.size:
            return len(self._data) + 1
        _, length = _HEAD.unpack_from(self._data, self._at)
        return self._at + _HEAD.size + int(length)


class ChunkRecords(fetcher.PartitionRecords):  # type: ignore[misc] # aiokafka's internals are untyped
    """The records fetched from one partition: an iterator of lists of SourceRecord, committed records only.

    A chunk may end within a record. `next_fetch_offset` is then that record's offset: if a fetch has to begin there
    again, the record's first pieces come again, and are dropped.
    """

    # Maximum records, or pieces of records, in a chunk.
    limit = 10_000

    def _unpack_records(self) -> Iterator[list[SourceRecord]]:
        chunk: list[SourceRecord] = []
        size = rows = 0
        while self._records.has_next():
            data = self._records.next_batch()
            batch = self._checked(data)
            if self._is_aborted(batch) or batch.is_control_batch:
                if not chunk:
                    self.next_fetch_offset = batch.next_offset
                continue
            for record in self._pieces(batch, data):
                value = record.value
                length = len(value) if value else 0
                count = _rows(record) if value and value.find(b"\n") >= 0 else 1  # counting costs ten times as much
                if chunk and (size + length > CHUNK_BYTES or rows + count > CHUNK_ROWS or len(chunk) >= self.limit):
                    self.next_fetch_offset = chunk[-1].after[0]
                    yield chunk
                    chunk, size, rows = [], 0, 0
                chunk.append(record)
                size += length
                rows += count
                # A long line: don't hold the next one beside it, and don't spend more time on unpacking than it took.
                if record.omitted or size > CHUNK_BYTES:
                    self.next_fetch_offset = record.after[0]
                    yield chunk
                    chunk, size, rows = [], 0, 0
            if not chunk:
                self.next_fetch_offset = batch.next_offset
        if chunk:
            self.next_fetch_offset = batch.next_offset
            yield chunk

    def _checked(self, data: memoryview) -> Any:
        """Return a batch whose checksum and times can be trusted."""
        magic = data[_MAGIC]
        batch = DefaultRecordBatch(data) if magic >= _MAGIC_V2 else LegacyRecordBatch(data, magic)
        if self._check_crcs and not batch.validate_crc():
            raise CorruptRecordException(f"a batch of {self._tp} does not match its checksum")
        if magic < _MAGIC_V2:
            raise UserError(
                f"{self._tp.topic} holds records in Kafka's message format {magic}, at offset {batch.next_offset - 1} "
                f"of partition {self._tp.partition}: it has no append time, or can't be unpacked step by step; let the "
                "broker use its current message format."
            )
        if not (batch.timestamp_type == LOG_APPEND_TIME or batch.is_control_batch):
            raise UserError(
                f"offset {batch.base_offset} of {self._tp.topic}, partition {self._tp.partition}, has its producer's "
                "time and not the broker's: the topic's message.timestamp.type must be LogAppendTime, as `impressions "
                "provision` sets it, because the rules judge by the time at which the broker appended a record."
            )
        return batch

    def _pieces(self, batch: Any, data: memoryview) -> Iterator[SourceRecord]:
        """Yield the records of a batch from the position on, the long ones in pieces."""
        # A batch is fetched whole, even if the position is in the middle of it.
        first = self.next_fetch_offset
        records = unpack.whole(batch, data)
        if records is None:
            yield from unpack.stream(batch, data, first)
            return
        for record in records:
            offset, value = record.offset, record.value
            if offset < first:
                continue
            if value and len(value) > PIECE_LINES and value.find(b"\n") >= 0:
                yield from pieces(offset, record.timestamp, value)
            else:
                yield SourceRecord(offset, record.timestamp, value)

    def _is_aborted(self, batch: Any) -> bool:
        """Return whether a batch belongs to an aborted transaction; note the marker that ends one."""
        producer = batch.producer_id
        if self._isolation_level != fetcher.READ_COMMITTED or producer is None:
            return False
        self._consume_aborted_up_to(batch.base_offset)
        if batch.is_control_batch and self._contains_abort_marker(batch):
            self._aborted_producers.discard(producer)
        return bool(batch.is_transactional) and producer in self._aborted_producers


def _rows(record: SourceRecord) -> int:
    """Return how many rows of the ledger a piece's lines may lead to: one if they are equal, and its rows merged."""
    value = record.value or b""
    if record.line >= MERGED_FROM and repeats(value)[1]:
        return 1
    return value.count(b"\n") + (not value.endswith(b"\n"))


class ChunkResult(fetcher.FetchResult):  # type: ignore[misc] # aiokafka's internals are untyped
    """Returns one chunk at a time, so partitions take turns: while one commits, the others are decided."""

    def getall(self, max_records: int | None = None) -> list[list[SourceRecord]]:
        """Return the next chunk, if there is one."""
        return cast(list[list[SourceRecord]], super().getall(1))


def install(limit: int) -> None:
    """Make every consumer of this process fetch chunks of at most `limit` records. The worker has one consumer."""
    ChunkRecords.limit = limit
    fetcher.MemoryRecords = Batches
    fetcher.PartitionRecords = ChunkRecords
    fetcher.FetchResult = ChunkResult
