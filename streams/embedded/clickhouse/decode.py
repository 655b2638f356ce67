"""Content-Encoding of request bodies: decompression in bounded pieces."""

import zlib
from collections.abc import Iterator
from typing import Any, Protocol

import lz4.frame
import zstandard

from streams.embedded.clickhouse.errors import CANNOT_DECOMPRESS, UNKNOWN_COMPRESSION_METHOD, ClickHouseError

# What a decompressor may produce before the caller can count it: the unit in which a bomb is noticed.
PIECE_BYTES = 1 << 20


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


def decoder(encoding: str) -> Decoder:
    """Return the decoder for a Content-Encoding. Raises UNKNOWN_COMPRESSION_METHOD."""
    match encoding.strip().lower():
        case "" | "identity":
            return _Plain()
        case "gzip" | "x-gzip":
            return _Zlib(zlib.MAX_WBITS | 16)
        case "deflate":
            return _Zlib(zlib.MAX_WBITS)
        case "lz4":
            return _Lz4()
        case "zstd":
            return _Zstd()
    raise ClickHouseError(UNKNOWN_COMPRESSION_METHOD, f"Unknown Content-Encoding {encoding!r}.")


# What the decompressors raise for bytes that are not in their format.
DECODE_ERRORS = (zlib.error, RuntimeError, EOFError, zstandard.ZstdError)
