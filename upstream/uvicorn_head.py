"""uvicorn: a request's head has neither a size nor a deadline.

A client that sends fields for ever, or nothing more for ever, keeps its connection, and what it has sent in memory.
"""

import asyncio
import sys
from typing import Any

import uvicorn
from kit import NOT_REPRODUCED, REPRODUCED, say

FIELD_BYTES = 2_000_000
# Longer than the keep-alive timer, which is the only one.
SILENT_SECONDS = 3.0
KEEP_ALIVE_SECONDS = 1


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer with the size of the head's fields."""
    body = str(sum(len(value) for _, value in scope["headers"])).encode()
    head = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": body})


async def reproduce() -> tuple[int, bool]:
    """Return how many bytes of fields reached the application, and whether a head that stops ends its connection."""
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]
        port=0,
        lifespan="off",
        http="httptools",
        log_config=None,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    address = server.servers[0].sockets[0].getsockname()[:2]
    reader, writer = await asyncio.open_connection(*address)
    writer.write(b"GET / HTTP/1.1\r\nHost: c\r\nX: " + b"x" * FIELD_BYTES + b"\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    taken = int(await reader.read(16))
    writer.close()
    silent, other = await asyncio.open_connection(*address)
    other.write(b"GET / HTTP/1.1\r\nHost: c\r\nX: ")
    try:
        async with asyncio.timeout(SILENT_SECONDS):
            await silent.read(1)
        ended = True
    except TimeoutError:
        ended = False
    other.close()
    server.should_exit = True
    await serving
    return taken, ended


def main(_broker: str = "") -> int:
    """Send a head that is large, and one that stops; return the exit code."""
    taken, ended = asyncio.run(reproduce())
    if taken > FIELD_BYTES and not ended:
        say(f"reproduced: fields of {taken} bytes reached the application, and a head that stops is waited for")
        return REPRODUCED
    say(f"not reproduced: {taken} bytes reached the application; a head that stops ended its connection: {ended}")
    return NOT_REPRODUCED


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
