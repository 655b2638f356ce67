"""uvicorn: fields of a trailer become fields of the head, and a request that offers another protocol loses its body.

A trailer that comes together with the head is seen by the application as if it stood in the head, whatever a proxy in
front has judged or removed there. The body of a POST with `Upgrade: h2c`, as Java's HTTP client sends it by default, is
taken for the other protocol's bytes, and the application gets an empty one.
"""

import asyncio
import sys
from typing import Any

import uvicorn
from kit import NOT_REPRODUCED, REPRODUCED, say

HEAD = b"POST / HTTP/1.1\r\nHost: c\r\nConnection: close%b\r\n"
TRAILER = HEAD % b"" + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nAuthorization: Bearer x\r\n\r\n"
OFFER = HEAD % b", Upgrade" + b"Upgrade: h2c\r\nContent-Length: 5\r\n\r\nhello"


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer with the names of the head's fields, and with the body."""
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    said = b" ".join([*(name for name, _ in scope["headers"]), body])
    head = [(b"content-length", str(len(said)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": said})


async def reproduce() -> tuple[bool, bool]:
    """Return whether the trailer's field is among the head's, and whether the body is lost."""
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]
        port=0,
        lifespan="off",
        http="httptools",
        ws="none",
        log_config=None,
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    address = server.servers[0].sockets[0].getsockname()[:2]
    answers = []
    for request in (TRAILER, OFFER):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(request)
        answers.append((await reader.read()).partition(b"\r\n\r\n")[2])
        writer.close()
    server.should_exit = True
    await serving
    trailer, offer = answers
    return b"authorization" in trailer, not offer.endswith(b"hello")


def main(_broker: str = "") -> int:
    """Send a trailer, and an offer; return the exit code."""
    joined, lost = asyncio.run(reproduce())
    if joined and lost:
        say("reproduced: a trailer's field is among the head's, and a body is lost because of `Upgrade`")
        return REPRODUCED
    say(f"not reproduced: a trailer's field among the head's: {joined}; a body lost: {lost}")
    return NOT_REPRODUCED


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
