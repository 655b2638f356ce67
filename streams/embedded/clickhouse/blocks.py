"""ClickHouse's own compressed blocks: `decompress=1` for request bodies, `compress=1` for answers.

A block is a checksum of 16 bytes (CityHash128 of version 1.0.2, over all that follows), one byte for the method, its
size with these nine bytes, the size of its data, and the compressed data; numbers are little-endian.
"""

from collections.abc import Iterator

import lz4.block
import zstandard
from clickhouse_cityhash.cityhash import CityHash128

from streams.embedded.clickhouse.errors import (
    CANNOT_DECOMPRESS,
    CHECKSUM_DOESNT_MATCH,
    TOO_LARGE_SIZE_COMPRESSED,
    UNKNOWN_CODEC,
    ClickHouseError,
)

_CHECKSUM = 16
_HEAD = 9
_NONE, _LZ4, _ZSTD = 0x02, 0x82, 0x90
# ClickHouse accepts 1 GiB; its clients send 1 MiB (clickhouse-go at most 10). A block is held in memory whole.
_MOST_BYTES = 64 << 20
# A body of blocks of a few bytes costs time for each of them.
_MOST_BLOCKS = 1_000_000
# ClickHouse's max_compress_block_size: what an answer's block holds at most.
_BLOCK_BYTES = 1 << 20


class BlockDecoder:
    """Decompresses a body of blocks. `room` is how many bytes it may produce."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._held = bytearray()
        self._blocks = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the data of each block that is complete. Raises ClickHouse's own errors for what is no block."""
        self._held += data
        at = 0
        while (size := self._size(at)) is not None and len(self._held) - at >= _CHECKSUM + size:
            self._blocks += 1
            if self._blocks > _MOST_BLOCKS:
                raise ClickHouseError(CANNOT_DECOMPRESS, f"The body has more than {_MOST_BLOCKS} compressed blocks.")
            begin = at + _CHECKSUM
            yield self._block(bytes(self._held[at:begin]), bytes(self._held[begin : begin + size]))
            at = begin + size
        del self._held[:at]

    def end(self) -> None:
        """Raise CANNOT_DECOMPRESS if the body ended in the middle of a block."""
        if self._held:
            raise ClickHouseError(CANNOT_DECOMPRESS, "The body ends in the middle of a compressed block.")

    def _size(self, at: int) -> int | None:
        """Return the size of the block at `at`, once its head is there; it is checked before any data is kept."""
        if len(self._held) < at + _CHECKSUM + _HEAD:
            return None
        head = self._held[at + _CHECKSUM : at + _CHECKSUM + _HEAD]
        compressed, whole = int.from_bytes(head[1:5], "little"), int.from_bytes(head[5:9], "little")
        if head[0] not in (_NONE, _LZ4, _ZSTD):
            raise ClickHouseError(UNKNOWN_CODEC, f"Unknown codec family code: {head[0]}.")
        if compressed < _HEAD or max(compressed, whole) > min(_MOST_BYTES, max(self._room, 0) + _HEAD):
            said = f"A compressed block of {compressed} bytes, which holds {whole}, isn't accepted."
            raise ClickHouseError(TOO_LARGE_SIZE_COMPRESSED, said)
        return compressed

    def _block(self, checksum: bytes, block: bytes) -> bytes:
        if _checksum(block) != checksum:
            raise ClickHouseError(CHECKSUM_DOESNT_MATCH, "Checksum doesn't match: corrupted data.")
        whole = int.from_bytes(block[5:9], "little")
        try:
            data = _decompressed(block[0], block[_HEAD:], whole)
        except (lz4.block.LZ4BlockError, zstandard.ZstdError, MemoryError) as error:
            raise ClickHouseError(CANNOT_DECOMPRESS, f"A compressed block can't be read: {error}.") from None
        if len(data) != whole:
            raise ClickHouseError(CANNOT_DECOMPRESS, "A compressed block holds less or more than it says.")
        self._room -= whole
        return data


def _decompressed(method: int, data: bytes, whole: int) -> bytes:
    if method == _NONE:
        return data
    if method == _LZ4:
        return bytes(lz4.block.decompress(data, uncompressed_size=whole))
    # The frame's own size could be larger than what the block says.
    stream = zstandard.ZstdDecompressor().stream_reader(data)
    return bytes(stream.read(whole + 1))


def _checksum(block: bytes) -> bytes:
    # The library returns the first half as the high bits; a block has it first. Both are little-endian.
    first, second = divmod(int(CityHash128(block)), 1 << 64)
    return first.to_bytes(8, "little") + second.to_bytes(8, "little")


class BlockEncoder:
    """Compresses an answer into blocks of LZ4."""

    name = ""  # no Content-Encoding: the client asked for it in the URL

    def feed(self, data: bytes) -> bytes:
        """Return the data as blocks."""
        return b"".join(_encoded(data[at : at + _BLOCK_BYTES]) for at in range(0, len(data), _BLOCK_BYTES))

    def end(self) -> bytes:
        """Return nothing: each block is complete."""
        return b""


def _encoded(data: bytes) -> bytes:
    compressed = bytes(lz4.block.compress(data, store_size=False))
    size = len(compressed) + _HEAD
    block = bytes([_LZ4]) + size.to_bytes(4, "little") + len(data).to_bytes(4, "little") + compressed
    return _checksum(block) + block
