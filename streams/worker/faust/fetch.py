"""Unpacks aiokafka's fetches a chunk at a time, instead of with one object and three calls per record.

aiokafka unpacks each record that it fetched into a ConsumerRecord, which costs more than deciding it. Here a fetched
partition yields chunks: lists of plain records, unpacked on demand. aiokafka treats a chunk as if it were a record.
Written against aiokafka 0.14.
"""

from collections.abc import Iterator
from typing import Any, cast

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException

from streams.core.chunk import SourceRecord

# Maximum bytes of values in a chunk, uncompressed; its transaction holds a few times that in memory.
CHUNK_BYTES = 5 * 512 * 1024


class ChunkRecords(fetcher.PartitionRecords):  # type: ignore[misc] # aiokafka's internals are untyped
    """The records fetched from one partition: an iterator of lists of SourceRecord, committed records only."""

    # Maximum records in a chunk.
    limit = 10_000

    def _unpack_records(self) -> Iterator[list[SourceRecord]]:
        chunk: list[SourceRecord] = []
        size = 0
        while self._records.has_next():
            batch = self._records.next_batch()
            if self._check_crcs and not batch.validate_crc():
                raise CorruptRecordException(f"a batch of {self._tp} does not match its checksum")
            if self._is_aborted(batch) or batch.is_control_batch:
                if not chunk:
                    self.next_fetch_offset = batch.next_offset
                continue
            # A batch is fetched whole, even if the position is in the middle of it.
            first = self.next_fetch_offset
            for record in batch:
                offset, value = record.offset, record.value
                if offset < first:
                    continue
                length = len(value) if value else 0
                if chunk and (size + length > CHUNK_BYTES or len(chunk) >= self.limit):
                    self.next_fetch_offset = chunk[-1].offset + 1
                    yield chunk
                    chunk, size = [], 0
                chunk.append(SourceRecord(offset, record.timestamp, value))
                size += length
            if not chunk:
                self.next_fetch_offset = batch.next_offset
        if chunk:
            self.next_fetch_offset = batch.next_offset
            yield chunk

    def _is_aborted(self, batch: Any) -> bool:
        """Return whether a batch belongs to an aborted transaction; note the marker that ends one."""
        producer = batch.producer_id
        if self._isolation_level != fetcher.READ_COMMITTED or producer is None:
            return False
        self._consume_aborted_up_to(batch.base_offset)
        if batch.is_control_batch and self._contains_abort_marker(batch):
            self._aborted_producers.discard(producer)
        return bool(batch.is_transactional) and producer in self._aborted_producers


class ChunkResult(fetcher.FetchResult):  # type: ignore[misc] # aiokafka's internals are untyped
    """Returns one chunk at a time, so partitions take turns: while one commits, the others are decided."""

    def getall(self, max_records: int | None = None) -> list[list[SourceRecord]]:
        """Return the next chunk, if there is one."""
        return cast(list[list[SourceRecord]], super().getall(1))


def install(limit: int) -> None:
    """Make every consumer of this process fetch chunks of at most `limit` records. The worker has one consumer."""
    ChunkRecords.limit = limit
    fetcher.PartitionRecords = ChunkRecords
    fetcher.FetchResult = ChunkResult
