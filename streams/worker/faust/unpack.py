"""Unpacks compressed batches step by step: 22 bytes of zstd may hold 300,000 lines, and 4 MiB of lz4 a gigabyte.

A batch of up to WHOLE_BYTES is handed to aiokafka's compiled reader, uncompressed. The records of a larger one are
parsed from the stream, one piece at a time (KIP-98's record format), so that its size costs time and not memory.
"""

import zlib
from collections.abc import Iterable, Iterator
from struct import unpack_from
from typing import Any, cast

import cramjam
import lz4.frame
import zstandard
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch

from streams.core.pieces import PIECE_BYTES, SourceRecord, cut, pieces

WHOLE_BYTES = 8 * 1024 * 1024
# What is unpacked at once; most batches fit.
BLOCK_BYTES = 512 * 1024
# What is fed to a decompressor at once: zlib and lz4 copy what they could not use yet.
_FEED_BYTES = 64 * 1024
# Kafka's clients may compress with windows of up to this (zstd's levels 20 to 22).
_ZSTD_WINDOW_BYTES = 128 * 1024 * 1024
# Snappy has no blocks of its own. It packs at most 64 bytes into 3, so that no 4 MiB hold more than this.
_SNAPPY_BYTES = 128 * 1024 * 1024
_XERIAL = b"\x82SNAPPY\x00"
_XERIAL_HEADER_BYTES = 16

_HEADER_BYTES = 61
_ATTRIBUTES = 22  # the lower byte of the batch's attributes
_CODEC = 0x07


def whole(batch: DefaultRecordBatch, data: memoryview) -> Iterable[Any] | None:
    """Return the records of a batch, `data`, that is not larger than WHOLE_BYTES; None if it is larger."""
    if not batch.compression_type:
        return cast(Iterable[Any], batch)
    unpacked, size = [], 0
    for block in blocks(batch.compression_type, data[_HEADER_BYTES:]):
        unpacked.append(block)
        size += len(block)
        if size > WHOLE_BYTES:
            return None
    header = bytearray(data[:_HEADER_BYTES])
    header[_ATTRIBUTES] &= ~_CODEC
    return cast(Iterable[Any], DefaultRecordBatch(b"".join([header, *unpacked])))


def stream(batch: DefaultRecordBatch, data: memoryview, first: int) -> Iterator[SourceRecord]:
    """Yield the pieces of a compressed batch's records from offset `first` on, unpacking as they are asked for.

    Raises CorruptRecordException if the batch is not what its lengths say.
    """
    count, appended_at = unpack_from(">i", data, _HEADER_BYTES - 4)[0], batch.max_timestamp
    source = _Bytes(blocks(batch.compression_type, data[_HEADER_BYTES:]))
    for _ in range(count):
        length = source.varint()
        end = source.at + length
        source.skip(1)  # attributes
        source.varint()  # the producer's time
        offset = batch.base_offset + source.varint()
        if offset >= first:
            source.skip(max(0, source.varint()))  # the key
            size = source.varint()
            if size < 0:
                yield SourceRecord(offset, appended_at, None)
            elif size <= PIECE_BYTES:
                yield from pieces(offset, appended_at, b"".join(source.take(size)))
            else:
                yield from cut(offset, appended_at, size, source.take(size))
        source.skip(end - source.at)  # the headers


class _Bytes:
    """Reads from blocks as from a file. `at` counts the bytes read."""

    def __init__(self, source: Iterator[bytes]) -> None:
        self._source = source
        self._block = b""
        self._next = 0  # in the block
        self._before = 0  # bytes of the blocks before it

    @property
    def at(self) -> int:
        return self._before + self._next

    def take(self, size: int) -> Iterator[bytes]:
        """Yield the next bytes, in blocks."""
        while size > 0:
            if self._next == len(self._block):
                self._refill()
            block = self._block[self._next : self._next + size]
            self._next += len(block)
            size -= len(block)
            yield block

    def skip(self, size: int) -> None:
        if size < 0:
            raise CorruptRecordException("a record is longer than it says")
        for _ in self.take(size):
            pass

    def varint(self) -> int:
        """Read a number in zigzag."""
        value = self.unsigned()
        return (value >> 1) ^ -(value & 1)

    def unsigned(self) -> int:
        """Read a number of seven bits a byte, the lowest first."""
        value = shift = 0
        while True:
            if self._next == len(self._block):
                self._refill()
            byte = self._block[self._next]
            self._next += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
            if shift > 63:
                raise CorruptRecordException("a number of a record is too long")

    def _refill(self) -> None:
        self._before += len(self._block)
        self._block, self._next = next(self._source, b""), 0
        if not self._block:
            raise CorruptRecordException("a batch ends within a record")


def blocks(codec: int, data: memoryview) -> Iterator[bytes]:
    """Unpack in blocks of about BLOCK_BYTES, none empty. Raises CorruptRecordException on damaged data."""
    unpackers = {1: _gzip, 2: _snappy, 3: _lz4, 4: _zstd}
    if codec not in unpackers:
        raise CorruptRecordException(f"no codec has the number {codec}")
    try:
        yield from filter(None, unpackers[codec](data))
    except (zlib.error, zstandard.ZstdError, RuntimeError, cramjam.DecompressionError) as error:
        raise CorruptRecordException(f"a batch can't be unpacked: {error}") from error


def _gzip(data: memoryview) -> Iterator[bytes]:
    unpacker, rest = zlib.decompressobj(wbits=31), b""
    for start in range(0, len(data), _FEED_BYTES):
        rest = b"".join((rest, data[start : start + _FEED_BYTES]))
        while rest:
            yield unpacker.decompress(rest, BLOCK_BYTES)
            rest = unpacker.unconsumed_tail
            if unpacker.eof:
                rest = unpacker.unused_data
                if rest[:1] != b"\x1f"[: len(rest)]:
                    return
                unpacker = zlib.decompressobj(wbits=31)


def _lz4(data: memoryview) -> Iterator[bytes]:
    unpacker = lz4.frame.LZ4FrameDecompressor()
    for start in range(0, len(data), _FEED_BYTES):
        yield unpacker.decompress(data[start : start + _FEED_BYTES], max_length=BLOCK_BYTES)
        while not (unpacker.eof or unpacker.needs_input):
            yield unpacker.decompress(b"", max_length=BLOCK_BYTES)
        if unpacker.eof:
            return


def _zstd(data: memoryview) -> Iterator[bytes]:
    unpacker = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES)
    with unpacker.stream_reader(data, read_across_frames=True) as reader:
        while block := reader.read(BLOCK_BYTES):
            yield block


def _snappy(data: memoryview) -> Iterator[bytes]:
    if bytes(data[: len(_XERIAL)]) != _XERIAL:
        yield from _snappy_block(data)
        return
    at = _XERIAL_HEADER_BYTES
    while at + 4 <= len(data):
        size = unpack_from(">i", data, at)[0]
        if size < 0 or at + 4 + size > len(data):
            raise CorruptRecordException("a block of snappy is longer than its batch")
        yield from _snappy_block(data[at + 4 : at + 4 + size])
        at += 4 + size


def _snappy_block(data: memoryview) -> Iterator[bytes]:
    size = _Bytes(iter([bytes(data[:10])])).unsigned() if data else 0
    if size > _SNAPPY_BYTES:
        raise CorruptRecordException(f"a block of snappy says that it has {size} bytes")
    whole = memoryview(cramjam.snappy.decompress_raw(data)) if data else memoryview(b"")
    for start in range(0, len(whole), BLOCK_BYTES):
        yield bytes(whole[start : start + BLOCK_BYTES])
