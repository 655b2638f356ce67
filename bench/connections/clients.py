"""The other ends of the connections: each asks once, and stays, leaves in order, or is reset."""

import asyncio
import socket
import struct
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable

import orjson

from streams.embedded.ports import Address

PATH = "/v1/impressions"
# At a time, so that none waits for longer than the collector's limits.
AT_ONCE = 200
SECONDS = 30.0
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER on, for 0 s: close by RST

Connection = tuple[StreamReader, StreamWriter]


def flush(number: int) -> bytes:
    """Return a flush of one impression."""
    now = int(time.time() * 1000)
    impression = {"impression_id": f"i{number}", "artwork_id": f"a{number % 265}", "seen_at": now}
    return orjson.dumps(
        {"v": 1, "flush_id": f"f{number}", "user_id": f"u{number}", "sent_at": now, "impressions": [impression]}
    )


async def idle(address: Address, count: int) -> list[Connection]:
    """Return so many connections, on each of which a flush was recorded."""
    return await _each(address, count, _recorded)


async def in_order(address: Address, count: int) -> None:
    """Open so many connections, record a flush on each, and close it by FIN."""
    await _each(address, count, _close)


async def reset_between(address: Address, count: int) -> None:
    """Open so many connections, record a flush on each, and close it by RST."""
    await _each(address, count, _reset)


async def reset_within(address: Address, count: int) -> None:
    """Open so many connections, and reset each once its request's body has been asked for, and half of it sent."""
    await _each(address, count, _reset_within)


async def closed(connections: list[Connection]) -> None:
    """Close connections by FIN."""
    for _, writer in connections:
        writer.close()
    await asyncio.gather(*(writer.wait_closed() for _, writer in connections))


async def _each(address: Address, count: int, what: Callable[[Connection, int], Awaitable[None]]) -> list[Connection]:
    room = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> Connection:
        # Addresses of this machine's own, so that no port is needed twice.
        local = f"127.0.0.{2 + number % 100}"
        async with room, asyncio.timeout(SECONDS):
            connection = await asyncio.open_connection(address.host, address.port, local_addr=(local, 0))
            await what(connection, number)
            return connection

    return list(await asyncio.gather(*map(one, range(count))))


async def _recorded(connection: Connection, number: int) -> None:
    reader, writer = connection
    body = flush(number)
    head = f"POST {PATH} HTTP/1.1\r\nHost: c\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    answer = await reader.readuntil(b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 202 "), answer
    size = next(int(line[15:]) for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    await reader.readexactly(size)


async def _close(connection: Connection, number: int) -> None:
    await _recorded(connection, number)
    connection[1].close()
    await connection[1].wait_closed()


async def _reset(connection: Connection, number: int) -> None:
    await _recorded(connection, number)
    _by_rst(connection[1])


async def _reset_within(connection: Connection, number: int) -> None:
    reader, writer = connection
    body = flush(number)
    fields = f"Content-Type: text/plain\r\nContent-Length: {len(body)}\r\nExpect: 100-continue\r\n"
    writer.write(f"POST {PATH} HTTP/1.1\r\nHost: c\r\n{fields}\r\n".encode())
    answer = await reader.readuntil(b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 100 "), answer
    writer.write(body[: len(body) // 2])
    await writer.drain()
    _by_rst(writer)


def _by_rst(writer: StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
