"""Content-Encoding of answers: the choice of encoding, and the compressors."""

import zlib
from collections.abc import Mapping
from typing import Any, Protocol

import lz4.frame
import zstandard

# Cheapest first: most answers stay on the machine or in its network.
_OFFERED = ("lz4", "zstd", "gzip", "deflate")


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
    """gzip, deflate and zstd, which have the same interface; at level 1, because the event loop waits for them."""

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


def negotiate(headers: Mapping[str, str], parameters: Mapping[str, str]) -> Encoder:
    """Return the encoder for an answer: Plain unless `enable_http_compression=1` and Accept-Encoding ask for one."""
    if parameters.get("enable_http_compression", "0") not in ("1", "true"):
        return Plain()
    accepted = set()
    for part in headers.get("Accept-Encoding", "").lower().split(","):
        name, _, weight = part.partition(";")
        if weight.replace(" ", "") not in ("q=0", "q=0.0"):
            accepted.add(name.strip())
    for name in _OFFERED:
        if name in accepted:
            return _encoder(name)
    return Plain()


def _encoder(name: str) -> Encoder:
    match name:
        case "lz4":
            return _Lz4()
        case "zstd":
            return _Stream(name, zstandard.ZstdCompressor(level=1).compressobj())
        case "gzip":
            return _Stream(name, zlib.compressobj(1, wbits=zlib.MAX_WBITS | 16))
    return _Stream(name, zlib.compressobj(1, wbits=zlib.MAX_WBITS))
