"""uvicorn: a connection that was reset is kept until the timer for idle connections fires.

`connection_lost` cancels that timer only if the connection ended in order; the timer holds the whole connection.
"""

import asyncio
import gc
import socket
import struct
import sys
from typing import Any

import uvicorn
from kit import NOT_REPRODUCED, REPRODUCED, say
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

CONNECTIONS = 50
REQUEST = b"GET / HTTP/1.1\r\nHost: c\r\n\r\n"


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer with nothing."""
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


def alive() -> int:
    """Return how many connections' objects there are."""
    gc.collect()
    return sum(isinstance(each, HttpToolsProtocol) for each in gc.get_objects())


async def left_after(how: bytes) -> int:
    """Open connections, ask once on each, close them by SO_LINGER `how`; return how many are kept."""
    server = uvicorn.Server(
        uvicorn.Config(app, port=0, lifespan="off", http="httptools", log_config=None, timeout_keep_alive=60)  # type: ignore[arg-type]
    )
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    address = server.servers[0].sockets[0].getsockname()
    for _ in range(CONNECTIONS):
        reader, writer = await asyncio.open_connection(*address[:2])
        writer.write(REQUEST)
        await reader.readuntil(b"\r\n\r\n")
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, how)
        writer.transport.abort()
    while server.server_state.connections:
        await asyncio.sleep(0.01)
    kept = alive()
    server.should_exit = True
    await serving
    return kept


def main(_broker: str = "") -> int:
    """Close connections in order, and by RST; return the exit code."""
    closed = asyncio.run(left_after(struct.pack("ii", 0, 0)))
    reset = asyncio.run(left_after(struct.pack("ii", 1, 0)))
    if closed <= 1 and reset >= CONNECTIONS:
        say(f"reproduced: of {CONNECTIONS} connections, {closed} are kept when closed and {reset} when reset")
        return REPRODUCED
    say(f"not reproduced: {closed} kept when closed, {reset} when reset")
    return NOT_REPRODUCED


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
