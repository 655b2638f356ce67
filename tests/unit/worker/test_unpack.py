"""Batches are unpacked step by step, and hold what aiokafka's own reader would find."""

from random import Random

import pytest
import zstandard
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch

from streams.core.pieces import SourceRecord, pieces
from streams.worker.faust import unpack
from tests.unit.worker.test_fetch import CODECS, batch

MIB = 1024 * 1024
CODEC = pytest.mark.parametrize("codec", [each for each in CODECS if each != "none"])


def values(rng: Random) -> list[bytes | None]:
    """Return values of many sizes, that compress well and badly, with a piece's limits among them."""
    some = [rng.choice([None, b"", b"{}", rng.randbytes(rng.randint(1, 3_000))]) for _ in range(rng.randint(1, 40))]
    return [*some, b"\n" * rng.randint(900, 5_000), b"x" * rng.randint(MIB - 2, MIB + 2) + b"\n" + b"y" * 70_000, b"z"]


def cut(found: list[bytes | None], base: int, appended_at: int) -> list[SourceRecord]:
    return [piece for n, value in enumerate(found) for piece in pieces(base + n, appended_at, value)]


@CODEC
@pytest.mark.parametrize("seed", range(6))
def test_both_ways_find_the_records_of_the_batch(codec: str, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = Random(seed)
    small = seed % 2 == 0
    monkeypatch.setattr(unpack, "BLOCK_BYTES", rng.randint(1, 9) if small else unpack.BLOCK_BYTES)
    monkeypatch.setattr(unpack, "_FEED_BYTES", rng.randint(1, 99) if small else unpack._FEED_BYTES)
    wanted = [b"a\nb", None, rng.randbytes(50), b"\n" * 1_500] if small else values(rng)
    data = memoryview(batch(40, wanted, codec=CODECS[codec]))
    whole = unpack.whole(DefaultRecordBatch(data), data)
    assert whole is not None
    assert [(record.offset, record.value) for record in whole] == list(enumerate(wanted, 40))
    read = DefaultRecordBatch(data)
    first = 40 + rng.randint(0, len(wanted))
    expected = [piece for piece in cut(wanted, 40, read.max_timestamp) if piece.offset >= first]
    assert list(unpack.stream(read, data, first)) == expected


@CODEC
def test_a_batch_above_8_mib_is_streamed_one_piece_at_a_time(codec: str) -> None:
    value = b"".join(b"%d\n" % n for n in range(200_000)) * 7
    data = memoryview(batch(0, [b"first", value], codec=CODECS[codec]))
    read = DefaultRecordBatch(data)
    assert unpack.whole(read, data) is None
    found = list(unpack.stream(read, data, 0))
    assert found == [SourceRecord(0, read.max_timestamp, b"first"), *pieces(1, read.max_timestamp, value)]
    assert all(len(piece.value or b"") <= MIB for piece in found)


@CODEC
def test_only_the_start_of_a_line_above_23_mib_is_kept(codec: str) -> None:
    value = b"a\n" + b"x" * (30 * MIB) + b"\nb"
    data = memoryview(batch(0, [value], codec=CODECS[codec]))
    first, long, last = unpack.stream(DefaultRecordBatch(data), data, 0)
    assert (first.value, last.value) == (b"a\n", b"b")
    assert (len(long.value or b""), long.omitted) == (MIB, 29 * MIB)
    assert (long.line, long.next_line, last.line, last.next_line) == (1, 2, 2, 0)


def test_an_uncompressed_batch_is_read_as_it_is() -> None:
    data = memoryview(batch(3, [b"a", None]))
    found = unpack.whole(DefaultRecordBatch(data), data)
    assert found is not None
    assert [(record.offset, record.value) for record in found] == [(3, b"a"), (4, None)]


@CODEC
@pytest.mark.parametrize("cut_off", [20, 400])
def test_a_batch_that_is_cut_short_is_corrupt(codec: str, cut_off: int) -> None:
    data = memoryview(batch(0, [Random(1).randbytes(100_000)], codec=CODECS[codec]))[:-cut_off]
    with pytest.raises(CorruptRecordException):
        list(unpack.stream(DefaultRecordBatch(data), data, 0))


@CODEC
def test_bytes_that_are_no_compressed_data_are_corrupt(codec: str) -> None:
    data = bytearray(batch(0, [b"x" * 1_000], codec=CODECS[codec]))
    data[61:] = b"\xf0" * (len(data) - 61)
    with pytest.raises(CorruptRecordException):
        list(unpack.stream(DefaultRecordBatch(memoryview(data)), memoryview(data), 0))


def test_a_block_of_snappy_that_claims_gigabytes_is_not_unpacked() -> None:
    data = bytearray(batch(0, [b"x" * 1_000], codec=CODECS["snappy"]))
    data[61:] = b"\xff\xff\xff\xff\x0f" + b"x" * 100
    with pytest.raises(CorruptRecordException, match="says that it has"):
        list(unpack.stream(DefaultRecordBatch(memoryview(data)), memoryview(data), 0))


def test_zstd_with_the_largest_window_that_clients_use_is_read() -> None:
    plain = bytearray(batch(0, [b"x" * 1_000]))
    window = zstandard.ZstdCompressionParameters(window_log=27, compression_level=22)
    packed = zstandard.ZstdCompressor(compression_params=window).compressobj()
    data = plain[:61] + packed.compress(bytes(plain[61:])) + packed.flush()
    data[22] |= CODECS["zstd"]
    view = memoryview(data)
    (found,) = unpack.stream(DefaultRecordBatch(view), view, 0)
    assert found.value == b"x" * 1_000
