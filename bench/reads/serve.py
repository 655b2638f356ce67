"""The read API in a process of its own, as the collector serves it: `python -m bench.reads.serve PORT`."""

import asyncio
import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from streams.collector.reads.api import routes
from streams.collector.reads.service import Reads
from streams.runtime import log
from streams.settings import Settings

HOST = "127.0.0.1"


async def serve(settings: Settings, port: int) -> None:
    """Serve until SIGTERM."""
    reads = Reads(settings)

    async def readyz(_: Request) -> PlainTextResponse:
        why = reads.why_not_ready()
        return PlainTextResponse(why or "ready", 503 if why else 200)

    app = Starlette(routes=[*routes(reads), Route("/readyz", readyz)])
    config = uvicorn.Config(app, HOST, port, lifespan="off", log_config=None, access_log=False, ws="none")
    await reads.start()
    try:
        await uvicorn.Server(config).serve()
    finally:
        await reads.stop()


if __name__ == "__main__":
    log.configure("WARNING")
    asyncio.run(serve(Settings.load(), int(sys.argv[1])))
