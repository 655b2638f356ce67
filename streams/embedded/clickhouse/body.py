"""A request's body: decompressed as it arrives, limited in size, and waited for with a timeout."""

import asyncio
from collections.abc import AsyncIterator, Iterator

from aiohttp import web

from streams.embedded.clickhouse.blocks import BlockDecoder
from streams.embedded.clickhouse.config import ServerConfig
from streams.embedded.clickhouse.decode import DECODE_ERRORS, PIECE_BYTES, decoder
from streams.embedded.clickhouse.errors import (
    CANNOT_DECOMPRESS,
    CANNOT_READ_ALL_DATA,
    QUERY_IS_TOO_LARGE,
    SOCKET_TIMEOUT,
    TOO_MANY_BYTES,
    ClickHouseError,
)


class Body:
    """The decompressed body, read once: first `head` or `whole`, then `rest`.

    Raises TOO_MANY_BYTES (413) above the limit, CANNOT_DECOMPRESS, and SOCKET_TIMEOUT when nothing arrives.
    """

    def __init__(self, request: web.Request, config: ServerConfig, blocks: bool = False) -> None:
        """`blocks` says that the body consists of ClickHouse's compressed blocks (`decompress=1`)."""
        self._config = config
        self._blocks = BlockDecoder(config.body_bytes) if blocks else None
        self._pieces = self._decoded(request)
        self._kept = b""

    async def head(self, size: int) -> bytes:
        """Return the first `size` bytes or more, or all of a smaller body; `rest` begins after them."""
        found = bytearray()
        async for piece in self._pieces:
            found += piece
            if len(found) >= size:
                break
        return bytes(found)

    async def all(self) -> bytes:
        """Return the whole body, which is limited as every body is."""
        return b"".join([piece async for piece in self._pieces])

    async def whole(self, begun: bytes, limit: int) -> bytes:
        """Return `begun` and everything after it. Raises QUERY_IS_TOO_LARGE above `limit` bytes."""
        found = bytearray(begun)
        async for piece in self._pieces:
            found += piece
            if len(found) > limit:
                break
        if len(found) > limit:
            raise ClickHouseError(QUERY_IS_TOO_LARGE, f"The query is larger than {limit} bytes.")
        return bytes(found)

    async def rest(self, begun: bytes) -> AsyncIterator[bytes]:
        """Yield `begun` and everything after it in pieces of about PIECE_BYTES."""
        found = bytearray(begun)
        async for piece in self._pieces:
            found += piece
            if len(found) >= PIECE_BYTES:
                yield bytes(found)
                found.clear()
        if found:
            yield bytes(found)

    async def _decoded(self, request: web.Request) -> AsyncIterator[bytes]:
        limit = self._config.body_bytes
        # aiohttp would decompress gzip and deflate itself; the server switches that off (auto_decompress).
        stream = decoder(request.headers.get("Content-Encoding", ""))
        received = produced = 0
        while data := await self._receive(request):
            received += len(data)
            try:
                for piece in self._unpacked(stream.feed(data)):
                    produced += len(piece)
                    if max(received, produced) > limit:
                        raise ClickHouseError(TOO_MANY_BYTES, f"The body is larger than {limit} bytes.")
                    if piece:
                        yield piece
            except DECODE_ERRORS as error:
                raise ClickHouseError(CANNOT_DECOMPRESS, f"The body can't be decompressed: {error}.") from None
        stream.end()
        if self._blocks is not None:
            self._blocks.end()

    def _unpacked(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            if self._blocks is None:
                yield piece
            else:
                yield from self._blocks.feed(piece)

    async def _receive(self, request: web.Request) -> bytes:
        try:
            async with asyncio.timeout(self._config.send_timeout_seconds):
                return await request.content.readany()
        except web.RequestPayloadError as error:
            raise ClickHouseError(CANNOT_READ_ALL_DATA, f"The body can't be read: {error}.") from None
        except TimeoutError:
            seconds = self._config.send_timeout_seconds
            raise ClickHouseError(SOCKET_TIMEOUT, f"Nothing of the body came for {seconds} s.") from None
