"""Chunks hold the records that aiokafka itself would return, and leave its position where it would."""

from collections.abc import Iterator
from itertools import pairwise
from random import Random
from struct import pack
from typing import Any, Literal, NamedTuple

import pytest
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition

from streams.core.chunk import SourceRecord
from streams.errors import UserError
from streams.worker.faust import fetch, unpack
from streams.worker.faust.fetch import Batches, ChunkRecords

TP = TopicPartition("impressions.v1", 0)
ONE_PARTITION_RECORDS = fetcher.PartitionRecords
# Where a batch has its base offset, and the lower byte of its attributes; the bit for a control batch.
BASE_OFFSET, ATTRIBUTES, CONTROL, LOG_APPEND_TIME = slice(0, 8), 22, 0x20, 0x08
# Kafka's numbers of the codecs.
CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
# Keys of the records that end transactions: version and kind.
ABORT, COMMIT = pack(">hh", 0, 0), pack(">hh", 0, 1)


class Log(NamedTuple):
    """The log from which a broker answers fetches."""

    batches: list[tuple[int, bytes]]  # offset after it, bytes
    aborted: list[tuple[int, int]]  # producer, first offset
    end: int

    def fetch(self, start: int) -> bytes:
        """Return the batches from an offset on; the batch that contains it comes whole."""
        return b"".join(data for end, data in self.batches if end > start)


def batch(
    base: int, values: list[bytes | None], producer: int = -1, marker: bytes | None = None, codec: int = 0
) -> bytes:
    """Return a batch of records: transactional if it has a producer, a transaction's end if it has a marker."""
    builder = DefaultRecordBatchBuilder(2, codec, producer >= 0, producer, 0, 0, 1 << 30)
    for number, value in enumerate(values):
        builder.append(number, 1_000 + number, marker, value, [])
    made = builder.build()
    made[BASE_OFFSET] = base.to_bytes(8, "big")
    made[ATTRIBUTES] |= LOG_APPEND_TIME
    if marker is not None:
        made[ATTRIBUTES] |= CONTROL
    return bytes(made)


def log_of(rng: Random, compressed: bool = True) -> Log:
    """Return a log of plain batches, and of transactions that commit or abort, up to two at a time."""
    batches: list[tuple[int, bytes]] = []
    aborted, offset = [], 0
    open_: dict[int, int] = {}  # producer -> first offset
    for _ in range(rng.randint(0, 12)):
        producer = rng.choice([-1, 7, 8])
        if producer in open_ and rng.random() < 0.5:
            first = open_.pop(producer)
            marker = rng.choice([ABORT, COMMIT])
            if marker == ABORT:
                aborted.append((producer, first))
            batches.append((offset + 1, batch(offset, [b"\0\0\0\0\0\0"], producer, marker)))
            offset += 1
            continue
        values = [rng.choice([None, b"", b"x" * rng.randint(1, 40)]) for _ in range(rng.randint(1, 9))]
        if producer >= 0:
            open_.setdefault(producer, offset)
        codec = rng.choice(list(CODECS.values())) if compressed else 0
        batches.append((offset + len(values), batch(offset, values, producer, codec=codec)))
        offset += len(values) + rng.choice([0, 0, 3])  # offsets have gaps
    return Log(batches, aborted, offset)


def records_of(kind: Any, log: Log, start: int, check: bool = False) -> Any:
    batches = (Batches if kind is ChunkRecords else MemoryRecords)(log.fetch(start))
    return kind(TP, batches, list(log.aborted), start, None, None, check, fetcher.READ_COMMITTED)


@pytest.mark.parametrize("seed", range(200))
def test_chunks_hold_the_records_that_aiokafka_returns(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = Random(seed)
    limit, size = rng.randint(1, 6), rng.randint(1, 120)
    monkeypatch.setattr(ChunkRecords, "limit", limit)
    monkeypatch.setattr(fetch, "CHUNK_BYTES", size)
    log = log_of(rng)
    start = rng.randint(0, log.end)
    singly = records_of(ONE_PARTITION_RECORDS, log, start)
    expected = [SourceRecord(each.offset, each.timestamp, each.value) for each in singly]
    found = records_of(ChunkRecords, log, start)
    chunks, positions = [], [start]
    for chunk in found:
        chunks.append(chunk)
        positions.append(found.next_fetch_offset)
    assert [record for chunk in chunks for record in chunk] == expected
    assert found.next_fetch_offset == singly.next_fetch_offset
    for chunk, (before, behind) in zip(chunks, pairwise(positions), strict=True):
        assert 0 < len(chunk) <= limit
        assert len(chunk) == 1 or sum(len(record.value or b"") for record in chunk) <= size
        assert before <= chunk[0].offset
        assert chunk[-1].offset < behind


def test_reading_can_start_in_the_middle_of_a_batch() -> None:
    log = Log([(13, batch(10, [b"a", b"b", b"c"]))], [], 13)
    assert [record.offset for chunk in records_of(ChunkRecords, log, 11) for record in chunk] == [11, 12]


def test_a_damaged_batch_is_not_read_and_the_position_stays_before_it() -> None:
    damaged = bytearray(batch(2, [b"c"]))
    damaged[-2] ^= 1
    log = Log([(2, batch(0, [b"a", b"b"])), (3, bytes(damaged))], [], 3)
    found = records_of(ChunkRecords, log, 0, check=True)
    with pytest.raises(CorruptRecordException):
        list(found)
    assert found.next_fetch_offset == 0


def test_a_chunk_may_end_within_a_record_and_the_position_stays_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "CHUNK_ROWS", 2_300)
    log = Log([(11, batch(10, [b"".join(b"%d\n" % n for n in range(4_500))])), (12, batch(11, [b"z"]))], [], 12)
    found = records_of(ChunkRecords, log, 10)
    chunks = [(chunk, found.next_fetch_offset) for chunk in found]
    assert [[(each.line, each.next_line) for each in chunk] for chunk, _ in chunks] == [
        [(0, 1_000), (1_000, 2_000)],
        [(2_000, 3_000), (3_000, 4_000)],
        [(4_000, 0), (0, 0)],
    ]
    assert [position for _, position in chunks] == [10, 10, 12]


def test_a_chunk_is_there_before_the_rest_of_its_batch_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    unpacked = []
    blocks = unpack.blocks

    def counted(codec: int, data: memoryview) -> Iterator[bytes]:
        for block in blocks(codec, data):
            unpacked.append(len(block))
            yield block

    monkeypatch.setattr(unpack, "blocks", counted)
    log = Log([(1, batch(0, [b"\n" * 100_000_000], codec=CODECS["zstd"]))], [], 1)
    chunk = next(records_of(ChunkRecords, log, 0))
    assert sum(len(each.value) for each in chunk) <= fetch.CHUNK_BYTES
    assert sum(unpacked) < 2 * unpack.WHOLE_BYTES


def test_a_record_of_the_producers_time_is_refused() -> None:
    data = bytearray(batch(5, [b"a"]))
    data[ATTRIBUTES] &= ~LOG_APPEND_TIME
    with pytest.raises(UserError, match=r"offset 5 of impressions\.v1.*message\.timestamp\.type must be LogAppendTime"):
        list(records_of(ChunkRecords, Log([(6, bytes(data))], [], 6), 5))


@pytest.mark.parametrize("magic", [0, 1])
def test_records_of_an_old_format_are_refused(magic: Literal[0, 1]) -> None:
    builder = LegacyRecordBatchBuilder(magic, 0, 10_000)
    builder.append(0, 1_000, None, b"a", None)
    with pytest.raises(UserError, match="message format"):
        list(records_of(ChunkRecords, Log([(1, bytes(builder.build()))], [], 1), 0))


@pytest.mark.parametrize("missing", [1, 30, 80])
def test_an_incomplete_batch_at_the_end_of_a_fetch_is_left_for_the_next(missing: int) -> None:
    data = batch(0, [b"a"]) + batch(1, [b"b"])[:-missing]
    batches = Batches(data)
    assert batches.size_in_bytes() == len(data)
    assert bytes(batches.next_batch()) == batch(0, [b"a"])
    assert not batches.has_next()


def test_pieces_of_equal_lines_fill_a_chunk_by_their_bytes_alone() -> None:
    """They have a row each. A transaction for every 10,000 of a gigabyte's line feeds would take hours."""
    log = Log([(1, batch(0, [b"\n" * 3_000_000]))], [], 1)
    assert [len(chunk) for chunk in records_of(ChunkRecords, log, 0)] == [2_621, 379]


def test_a_long_line_is_handed_on_before_the_next_one_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    unpacked = []
    blocks = unpack.blocks

    def counted(codec: int, data: memoryview) -> Iterator[bytes]:
        for block in blocks(codec, data):
            unpacked.append(len(block))
            yield block

    monkeypatch.setattr(unpack, "blocks", counted)
    line = b"x" * (12 * 1024 * 1024)
    log = Log([(1, batch(0, [b"\n".join([line] * 4)], codec=CODECS["zstd"]))], [], 1)
    found = records_of(ChunkRecords, log, 0)
    del unpacked[:]
    (piece,) = next(found)
    assert piece.value == line + b"\n"
    assert sum(unpacked) < unpack.WHOLE_BYTES + 14 * 1024 * 1024 + unpack.BLOCK_BYTES
    assert [len(chunk) for chunk in found] == [1, 1, 1]
