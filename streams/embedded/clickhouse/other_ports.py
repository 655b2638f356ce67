"""The ports beside the HTTP interface: HTTPS, and the port where a server has its native protocol.

The native protocol is not served. Who connects to its port is told so, in HTTP or in the native protocol, as they
asked: without this port, clickhouse-client and the like only see a refused connection.
"""

import asyncio
import contextlib
import ssl
import struct
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web

from streams.embedded.clickhouse.errors import NOT_IMPLEMENTED, ClickHouseError
from streams.errors import UserError

# Hello, with names and a password; nothing of it is needed but its first byte.
_HELLO_BYTES = 4096
# A client that says nothing, or goes on sending, is left alone after this.
_SECONDS = 5.0
_MOST_CONNECTIONS = 64
# The native protocol's packet `Exception` of a server, and the methods that a HTTP request begins with.
_EXCEPTION = 2
_HTTP = b"GPHOD"


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return a server's TLS settings. Raises UserError for files that can't be read or don't belong together."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise UserError(f"ClickHouse's TLS certificate {certificate} and key {key} can't be used: {error}.") from None
    return context


async def serve_tls(runner: web.AppRunner, host: str, port: int, context: ssl.SSLContext) -> web.BaseSite:
    """Serve the same application by HTTPS. Raises UserError if the port is taken."""
    site = web.TCPSite(runner, host, port, ssl_context=context)
    try:
        await site.start()
    except OSError as error:
        raise UserError(f"ClickHouse's HTTPS port {port} can't be taken: {error.strerror or error}.") from None
    return site


@contextlib.asynccontextmanager
async def native_port(host: str, port: int, http_port: int) -> AsyncIterator[None]:
    """Answer on the native protocol's port that HTTP has another one; 0 is no such port. Raises UserError if taken."""
    if not port:
        yield
        return
    open_now: set[asyncio.Task[object] | None] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        me = asyncio.current_task()
        open_now.add(me)
        try:
            if len(open_now) <= _MOST_CONNECTIONS:
                async with asyncio.timeout(_SECONDS):
                    await _answer(reader, writer, port, http_port)
        except (TimeoutError, ConnectionError):
            return  # they are gone, or say nothing
        finally:
            open_now.discard(me)
            writer.close()

    try:
        server = await asyncio.start_server(answer, host, port)
    except OSError as error:
        raise UserError(f"ClickHouse's native port {port} can't be taken: {error.strerror or error}.") from None
    async with server:
        yield


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int, http_port: int) -> None:
    begun = await reader.read(_HELLO_BYTES)
    if not begun:
        return
    writer.write(http_refusal(port, http_port) if begun[0] in _HTTP else native_refusal(http_port))
    await writer.drain()
    writer.write_eof()
    # What is unread when a socket is closed makes the kernel reset the connection, and the answer may be lost.
    while await reader.read(_HELLO_BYTES):
        continue


def http_refusal(port: int, http_port: int) -> bytes:
    """Return what a ClickHouse server answers to an HTTP request on its native port."""
    text = f"Port {port} is for clickhouse-client program\r\nYou must use port {http_port} for HTTP.\r\n"
    return f"HTTP/1.0 400 Bad Request\r\n\r\n{text}".encode()


def native_refusal(http_port: int) -> bytes:
    """Return an exception in the native protocol: code, name, message, stack trace, and that none is nested."""
    why = f"The native protocol is not served here; use the HTTP interface on port {http_port}."
    error = ClickHouseError(NOT_IMPLEMENTED, why)
    message = error.text.partition(". ")[2]
    body = struct.pack("<i", error.code) + b"".join(map(_string, ("DB::Exception", message, "")))
    return bytes([_EXCEPTION]) + body + b"\0"


def _string(text: str) -> bytes:
    raw, size = text.encode(), bytearray()
    length = len(raw)
    while length > 0x7F:
        size.append(length & 0x7F | 0x80)
        length >>= 7
    size.append(length)
    return bytes(size) + raw
