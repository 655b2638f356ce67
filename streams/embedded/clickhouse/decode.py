"""Content-Encoding of request bodies: decompression in bounded pieces."""

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import brotli
import cramjam
import lz4.frame
import zstandard

from streams.embedded.clickhouse.errors import CANNOT_DECOMPRESS, UNKNOWN_COMPRESSION_METHOD, ClickHouseError

# What a decompressor may produce before the caller can count it: the unit in which a bomb is noticed.
PIECE_BYTES = 1 << 20
# What xz may use for its dictionary: enough for its highest level.
_XZ_MEMORY_BYTES = 128 << 20


class Decoder(Protocol):
    """Decompresses one body, piece by piece."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what `data` decompresses to, in pieces of at most PIECE_BYTES (zstd: and 8 MiB)."""
        ...

    def end(self) -> None:
        """Raise CANNOT_DECOMPRESS if the body ended in the middle of its stream."""
        ...


class _Plain:
    def feed(self, data: bytes) -> Iterator[bytes]:
        yield data

    def end(self) -> None:
        return


class _Zlib:
    """gzip and deflate; consecutive members are one stream, as gzip defines it."""

    def __init__(self, window_bits: int) -> None:
        self._bits = window_bits
        self._stream = zlib.decompressobj(window_bits)
        self._begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._stream.eof:
                self._stream = zlib.decompressobj(self._bits)
            self._begun = True
            yield self._stream.decompress(data, PIECE_BYTES)
            data = self._stream.unconsumed_tail or self._stream.unused_data
        # Drain what a full piece left inside the decompressor.
        while not self._stream.eof and (piece := self._stream.decompress(b"", PIECE_BYTES)):
            yield piece

    def end(self) -> None:
        if self._begun and not self._stream.eof:
            raise ClickHouseError(CANNOT_DECOMPRESS, "The compressed body ends in the middle of its stream.")


class _Lz4:
    def __init__(self) -> None:
        self._stream: Any = lz4.frame.LZ4FrameDecompressor()
        self._begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._stream.eof:
                self._stream = lz4.frame.LZ4FrameDecompressor()
            self._begun = True
            yield self._stream.decompress(data, PIECE_BYTES)
            while not self._stream.needs_input and not self._stream.eof:
                yield self._stream.decompress(b"", PIECE_BYTES)
            data = self._stream.unused_data or b"" if self._stream.eof else b""

    def end(self) -> None:
        if self._begun and not self._stream.eof:
            raise ClickHouseError(CANNOT_DECOMPRESS, "The compressed body ends in the middle of its stream.")


class _Zstd:
    """zstandard's decompressor can't limit its output, so it gets little input at a time.

    A block of four bytes can mean "128 KiB of one byte": a step yields at most 8 MiB.
    """

    _STEP_BYTES = 256
    _WINDOW_BYTES = 1 << 27  # zstd's own --long default; the memory that a frame may use besides its output

    def __init__(self) -> None:
        self._stream = self._new()
        self._begun = False

    def _new(self) -> Any:
        return zstandard.ZstdDecompressor(max_window_size=self._WINDOW_BYTES).decompressobj()

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data:
            kept: list[bytes] = []
            size = 0
            for at in range(0, len(data), self._STEP_BYTES):
                if self._stream.eof:
                    self._stream = self._new()
                self._begun = True
                kept.append(self._stream.decompress(data[at : at + self._STEP_BYTES]))
                size += len(kept[-1])
                if self._stream.eof or size >= PIECE_BYTES:
                    break
            yield b"".join(kept)
            data = (self._stream.unused_data if self._stream.eof else b"") + data[at + self._STEP_BYTES :]

    def end(self) -> None:
        if self._begun and not self._stream.eof:
            raise ClickHouseError(CANNOT_DECOMPRESS, "The compressed body ends in the middle of its stream.")


class _Stdlib:
    """xz and bz2, whose decompressors in the standard library have the same interface."""

    def __init__(self, new: Callable[[], Any]) -> None:
        self._new = new
        self._stream = new()
        self._begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._stream.eof:
                self._stream = self._new()
            self._begun = True
            yield self._stream.decompress(data, PIECE_BYTES)
            while not self._stream.eof and not self._stream.needs_input:
                yield self._stream.decompress(b"", PIECE_BYTES)
            data = self._stream.unused_data if self._stream.eof else b""

    def end(self) -> None:
        if self._begun and not self._stream.eof:
            raise ClickHouseError(CANNOT_DECOMPRESS, "The compressed body ends in the middle of its stream.")


class _Brotli:
    def __init__(self) -> None:
        self._stream = brotli.Decompressor()
        self._begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self._stream.is_finished():
            raise ClickHouseError(CANNOT_DECOMPRESS, "The compressed body goes on after its end.")
        self._begun = True
        piece = self._stream.process(data, output_buffer_limit=PIECE_BYTES)
        # Without input, it goes on with what it holds; only an empty piece says that there is no more.
        while piece or not self._stream.can_accept_more_data():
            yield piece
            piece = b"" if self._stream.is_finished() else self._stream.process(b"", output_buffer_limit=PIECE_BYTES)

    def end(self) -> None:
        if self._begun and not self._stream.is_finished():
            raise ClickHouseError(CANNOT_DECOMPRESS, "The compressed body ends in the middle of its stream.")


class _Snappy:
    """Hadoop's framing, which ClickHouse reads: a block's size, then its parts, each after its compressed size.

    The sizes are big-endian. One part decompresses to at most PIECE_BYTES (Hadoop's own are 256 KiB).
    """

    def __init__(self) -> None:
        self._held = bytearray()
        self._left = 0  # of the block, in decompressed bytes

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._held += data
        at = 0
        while len(self._held) - at >= 8 or (self._left and len(self._held) - at >= 4):
            begin = at if self._left else at + 4
            left = self._left or int.from_bytes(self._held[at:begin], "big")
            end = begin + 4 + int.from_bytes(self._held[begin : begin + 4], "big")
            if end - begin - 4 > 2 * PIECE_BYTES:
                raise cramjam.DecompressionError("a part is too large")
            if len(self._held) < end:
                break
            piece = self._part(bytes(self._held[begin + 4 : end]))
            if len(piece) > left:
                raise cramjam.DecompressionError("a block is larger than it says")
            self._left = left - len(piece)
            at = end
            yield piece
        del self._held[:at]

    @staticmethod
    def _part(part: bytes) -> bytes:
        if not part:
            return b""
        if cramjam.snappy.decompress_raw_len(part) > PIECE_BYTES:
            raise cramjam.DecompressionError("a part is too large")
        return bytes(cramjam.snappy.decompress_raw(part))

    def end(self) -> None:
        if self._held or self._left:
            raise ClickHouseError(CANNOT_DECOMPRESS, "The compressed body ends in the middle of its stream.")


def decoder(encoding: str) -> Decoder:
    """Return the decoder for a Content-Encoding. Raises UNKNOWN_COMPRESSION_METHOD."""
    new = _DECODERS.get(encoding.strip().lower())
    if new is None:
        raise ClickHouseError(UNKNOWN_COMPRESSION_METHOD, f"Unknown Content-Encoding {encoding!r}.")
    return new()


_DECODERS: dict[str, Callable[[], Decoder]] = {
    "": _Plain,
    "identity": _Plain,
    "gzip": lambda: _Zlib(zlib.MAX_WBITS | 16),
    "x-gzip": lambda: _Zlib(zlib.MAX_WBITS | 16),
    "deflate": lambda: _Zlib(zlib.MAX_WBITS),
    "lz4": _Lz4,
    "zstd": _Zstd,
    "br": _Brotli,
    "xz": lambda: _Stdlib(lambda: lzma.LZMADecompressor(memlimit=_XZ_MEMORY_BYTES)),
    "lzma": lambda: _Stdlib(lambda: lzma.LZMADecompressor(memlimit=_XZ_MEMORY_BYTES)),
    "bz2": lambda: _Stdlib(bz2.BZ2Decompressor),
    "snappy": _Snappy,
}

# What the decompressors raise for bytes that are not in their format.
DECODE_ERRORS = (
    zlib.error,
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
    zstandard.ZstdError,
    lzma.LZMAError,
    brotli.error,
    cramjam.DecompressionError,
)
