"""One answer: held back while it is small, then streamed as fast as the client reads, or cut."""

import asyncio
import json
import secrets
from collections.abc import Mapping

from aiohttp import web
from multidict import CIMultiDict

from streams.embedded.clickhouse.encode import Encoder
from streams.embedded.clickhouse.errors import ClickHouseError

# The bytes compressed and written at once: the unit of back-pressure, and for how long the event loop is blocked.
_SLICE_BYTES = 1 << 18


class ClientGone(Exception):
    """The client closed its connection, or read nothing within the send timeout."""


class Answer:
    """The answer to one request. An error within the first `hold` bytes gets its own status and body."""

    def __init__(
        self, request: web.Request, headers: CIMultiDict[str], encoder: Encoder, hold: int, timeout: float
    ) -> None:
        self._request = request
        self._headers = headers
        self._encoder = encoder
        self._hold = hold
        self._timeout = timeout
        self._held = bytearray()
        self._response: web.StreamResponse | None = None
        self._tag = secrets.token_hex(8)

    async def write(self, data: bytes) -> None:
        """Accept the next piece; return once the client has room for more. Raises ClientGone."""
        if self._response is None:
            self._held += data
            if len(self._held) <= self._hold:
                return
            await self._begin()
            data = bytes(self._held)
            self._held.clear()
        await self._send(data)

    async def finish(self, summary: Mapping[str, int]) -> web.StreamResponse:
        """End a complete answer; `summary` reaches the client only if the answer was small enough to be held back."""
        if self._response is not None:
            await self._write(self._encoder.end())
            await self._response.write_eof()
            return self._response
        if self._encoder.name:
            self._headers["Content-Encoding"] = self._encoder.name
        body = self._encoder.feed(bytes(self._held)) + self._encoder.end()
        return complete_response(body, self._headers, summary)

    async def fail(self, error: ClickHouseError) -> web.StreamResponse:
        """Answer with an error. An answer that has begun ends with the exception's text and lacks the last chunk."""
        if self._response is None:
            return error_response(error, self._headers)
        text = error.text.encode()
        tag = self._tag.encode()
        # ClickHouse's framing since 25.11; the tag, which the headers announce, can't be in the data by chance.
        frame = b"\r\n__exception__\r\n%s\r\n%s\n%d %s\r\n__exception__\r\n" % (tag, text, len(text), tag)
        await self._write(self._encoder.feed(frame) + self._encoder.end())
        self.cut()
        return self._response

    def cut(self) -> None:
        """Close the connection after what is written, without the chunk that would complete the answer."""
        if self._request.transport is not None:
            self._request.transport.close()

    async def _begin(self) -> None:
        self._response = web.StreamResponse(headers=self._headers)
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


def complete_response(body: bytes, headers: Mapping[str, str], summary: Mapping[str, int]) -> web.Response:
    """Return a complete answer with the counts of what ran in its summary (ClickHouse sends them as strings)."""
    counts = json.dumps({name: str(count) for name, count in summary.items()})
    return web.Response(body=body, headers={**headers, "X-ClickHouse-Summary": counts})


def error_response(error: ClickHouseError, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return an exception as ClickHouse's HTTP interface sends it."""
    kept = {name: value for name, value in (headers or {}).items() if name != "X-ClickHouse-Format"}
    return web.Response(
        status=error.status,
        text=error.text + "\n",
        headers={**kept, "X-ClickHouse-Exception-Code": str(error.code), "Content-Type": "text/plain; charset=UTF-8"},
    )
