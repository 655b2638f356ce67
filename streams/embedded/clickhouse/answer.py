"""One answer: held back while it is small, then streamed as fast as the client reads, or cut."""

import asyncio
import json
import math
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web
from multidict import CIMultiDict

from streams.embedded.clickhouse.blocks import BlockEncoder
from streams.embedded.clickhouse.config import ServerConfig
from streams.embedded.clickhouse.encode import Encoder
from streams.embedded.clickhouse.errors import ClickHouseError

# The bytes compressed and written at once: the unit of back-pressure, and for how long the event loop is blocked.
_SLICE_BYTES = 1 << 18


class ClientGone(Exception):
    """The client closed its connection, or read nothing within the send timeout."""


class Answer:
    """The answer to one request. An error while it is held back gets its own status and body.

    It is held back up to a size, and not longer than a time, unless the client waits for the end of the query.
    """

    def __init__(self, request: web.Request, head: "Head", encoder: Encoder, config: ServerConfig, waits: bool) -> None:
        self._request = request
        self._head = head
        self._encoder = encoder
        self._hold = config.waited_bytes if waits else config.held_bytes
        self._hold_seconds = math.inf if waits else config.held_seconds
        self._timeout = config.send_timeout_seconds
        self._began = 0.0
        self._held = bytearray()
        self._response: web.StreamResponse | None = None
        self._tag = secrets.token_hex(8)

    async def write(self, data: bytes) -> None:
        """Accept the next piece; return once the client has room for more. Raises ClientGone."""
        if self._response is None:
            if not self._held:
                self._began = time.monotonic()
            self._held += data
            if len(self._held) <= self._hold and time.monotonic() - self._began <= self._hold_seconds:
                return
            await self._begin()
            data = bytes(self._held)
            self._held.clear()
        await self._send(data)

    async def finish(self, summary: Mapping[str, int]) -> web.StreamResponse:
        """End a complete answer; the last `summary` reaches the client only if the answer was held back until now."""
        if self._response is not None:
            await self._write(self._encoder.end())
            await self._response.write_eof()
            return self._response
        headers = self._head.headers.copy()
        if self._encoder.name:
            headers["Content-Encoding"] = self._encoder.name
        self._head.progress = summary
        body = self._encoder.feed(bytes(self._held)) + self._encoder.end()
        return complete_response(body, headers, self._head)

    async def fail(self, error: ClickHouseError) -> web.StreamResponse:
        """Answer with an error. An answer that has begun ends with the exception's text and lacks the last chunk."""
        if self._response is None:
            return error_response(error, self._head)
        text = error.text.encode(errors="surrogateescape")
        tag = self._tag.encode()
        # ClickHouse's framing since 25.11; the tag, which the headers announce, can't be in the data by chance.
        # The length counts the line end after the message.
        frame = b"\r\n__exception__\r\n%s\r\n%s\n%d %s\r\n__exception__\r\n" % (tag, text, len(text) + 1, tag)
        await self._write(self._encoder.feed(frame) + self._encoder.end())
        self.cut()
        return self._response

    def cut(self) -> None:
        """Close the connection after what is written, without the chunk that would complete the answer."""
        if self._request.transport is not None:
            self._request.transport.close()

    async def _begin(self) -> None:
        headers = self._head.headers.copy()
        self._head.add_counts(headers)
        self._response = web.StreamResponse(headers=headers)
        self._response.headers["X-ClickHouse-Exception-Tag"] = self._tag
        if self._encoder.name:
            self._response.headers["Content-Encoding"] = self._encoder.name
        self._response.enable_chunked_encoding()
        await self._response.prepare(self._request)

    async def _send(self, data: bytes) -> None:
        for at in range(0, len(data), _SLICE_BYTES):
            await self._write(self._encoder.feed(data[at : at + _SLICE_BYTES]))

    async def _write(self, data: bytes) -> None:
        if not data or self._response is None:
            return
        try:
            async with asyncio.timeout(self._timeout):
                await self._response.write(data)
        except (TimeoutError, ConnectionError) as error:
            if self._request.transport is not None:
                self._request.transport.abort()
            raise ClientGone(type(error).__name__) from None


@dataclass
class Head:
    """The headers of an answer, and how far its query has come when they are sent."""

    headers: CIMultiDict[str] = field(default_factory=CIMultiDict)
    progress: Mapping[str, int] = field(default_factory=dict)
    shows_progress: bool = False  # the client asked for X-ClickHouse-Progress
    blocks: bool = False  # the client asked for ClickHouse's compressed blocks, for errors too

    def add_counts(self, headers: CIMultiDict[str]) -> None:
        """Add the counts as ClickHouse sends them: a JSON object of strings, with every name."""
        counts = json.dumps({name: str(self.progress.get(name, 0)) for name in _COUNTS})
        if self.shows_progress:
            headers.add("X-ClickHouse-Progress", counts)
        headers["X-ClickHouse-Summary"] = counts


# What ClickHouse names in X-ClickHouse-Summary.
_COUNTS = (
    "read_rows", "read_bytes", "written_rows", "written_bytes", "total_rows_to_read", "result_rows", "result_bytes",
    "elapsed_ns", "memory_usage",
)  # fmt: skip


def complete_response(body: bytes, headers: CIMultiDict[str], head: Head) -> web.Response:
    """Return a complete answer with the counts of what ran."""
    head.add_counts(headers)
    return web.Response(body=body, headers=headers)


def error_response(error: ClickHouseError, head: Head | None = None) -> web.Response:
    """Return an exception as ClickHouse's HTTP interface sends it."""
    text = (error.text + "\n").encode(errors="surrogateescape")
    headers = CIMultiDict(head.headers) if head is not None else CIMultiDict()
    headers.popall("X-ClickHouse-Format", None)
    headers["X-ClickHouse-Exception-Code"] = str(error.code)
    headers["Content-Type"] = "text/plain; charset=UTF-8"
    body = BlockEncoder().feed(text) if head is not None and head.blocks else text
    return web.Response(status=error.status, body=body, headers=headers)
