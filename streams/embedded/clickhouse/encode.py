"""Content-Encoding of answers: the choice of encoding, and the compressors."""

import bz2
import lzma
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import brotli
import cramjam
import lz4.frame
import zstandard

from streams.embedded.clickhouse.blocks import BlockEncoder

# The most that one part of Hadoop's snappy framing holds.
_SNAPPY_BYTES = 256 << 10


class Encoder(Protocol):
    """Compresses one answer."""

    name: str

    def feed(self, data: bytes) -> bytes:
        """Return what can be sent now of `data` and earlier data."""
        ...

    def end(self) -> bytes:
        """Return the last bytes."""
        ...


class Plain:
    """No compression."""

    name = ""

    def feed(self, data: bytes) -> bytes:
        """Return the data."""
        return data

    def end(self) -> bytes:
        """Return nothing."""
        return b""


class _Stream:
    """Encodings with the same interface; at a low level, because the event loop waits for them."""

    def __init__(self, name: str, stream: Any) -> None:
        self.name = name
        self._stream = stream

    def feed(self, data: bytes) -> bytes:
        return bytes(self._stream.compress(data))

    def end(self) -> bytes:
        return bytes(self._stream.flush())


class _Lz4:
    name = "lz4"

    def __init__(self) -> None:
        self._stream: Any = lz4.frame.LZ4FrameCompressor()
        self._head = self._stream.begin()

    def feed(self, data: bytes) -> bytes:
        head, self._head = self._head, b""
        return bytes(head + self._stream.compress(data))

    def end(self) -> bytes:
        head, self._head = self._head, b""
        return bytes(head + self._stream.flush())


class _Brotli:
    name = "br"

    def __init__(self) -> None:
        self._stream = brotli.Compressor(quality=1)

    def feed(self, data: bytes) -> bytes:
        return bytes(self._stream.process(data))

    def end(self) -> bytes:
        return bytes(self._stream.finish())


class _Snappy:
    """Hadoop's framing (decode.py), with one part in each block."""

    name = "snappy"

    def feed(self, data: bytes) -> bytes:
        parts = []
        for at in range(0, len(data), _SNAPPY_BYTES):
            piece = data[at : at + _SNAPPY_BYTES]
            packed = bytes(cramjam.snappy.compress_raw(piece))
            parts += [len(piece).to_bytes(4, "big"), len(packed).to_bytes(4, "big"), packed]
        return b"".join(parts)

    def end(self) -> bytes:
        return b""


class Chain:
    """Two encoders, one after the other: ClickHouse's blocks within a Content-Encoding."""

    def __init__(self, inner: Encoder, outer: Encoder) -> None:
        self._inner = inner
        self._outer = outer
        self.name = outer.name

    def feed(self, data: bytes) -> bytes:
        """Return what can be sent now of `data` and earlier data."""
        return self._outer.feed(self._inner.feed(data))

    def end(self) -> bytes:
        """Return the last bytes."""
        return self._outer.feed(self._inner.end()) + self._outer.end()


def encoder_of(headers: Mapping[str, str], parameters: Mapping[str, str]) -> Encoder:
    """Return the encoder for an answer, with `compress=1` too."""
    outer = negotiate(headers, parameters)
    if parameters.get("compress", "0") not in ("1", "true"):
        return outer
    return Chain(BlockEncoder(), outer)


def negotiate(headers: Mapping[str, str], parameters: Mapping[str, str]) -> Encoder:
    """Return the encoder for an answer: Plain unless `enable_http_compression=1` and Accept-Encoding ask for one."""
    if parameters.get("enable_http_compression", "0") not in ("1", "true"):
        return Plain()
    accepted = set()
    for part in headers.get("Accept-Encoding", "").lower().split(","):
        name, _, weight = part.partition(";")
        if weight.replace(" ", "") not in ("q=0", "q=0.0"):
            accepted.add(name.strip())
    for name, new in _ENCODERS.items():
        if name in accepted:
            return new()
    return Plain()


# Cheapest first: most answers stay on the machine or in its network.
_ENCODERS: dict[str, Callable[[], Encoder]] = {
    "lz4": _Lz4,
    "zstd": lambda: _Stream("zstd", zstandard.ZstdCompressor(level=1).compressobj()),
    "gzip": lambda: _Stream("gzip", zlib.compressobj(1, wbits=zlib.MAX_WBITS | 16)),
    "deflate": lambda: _Stream("deflate", zlib.compressobj(1, wbits=zlib.MAX_WBITS)),
    "br": _Brotli,
    "snappy": _Snappy,
    "bz2": lambda: _Stream("bz2", bz2.BZ2Compressor(1)),
    "xz": lambda: _Stream("xz", lzma.LZMACompressor(preset=0)),
}
