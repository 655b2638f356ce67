"""The read API as a server of its own, in a thread: uvicorn on a free port."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import uvicorn
from starlette.applications import Starlette

from streams.collector.reads.api import routes
from streams.collector.reads.service import Reads
from streams.settings import Settings
from tests.support.wait import until

# Reading a catalogue takes a moment; this leaves room for busy machines.
START_SECONDS = 60.0
ANSWER_SECONDS = 30.0


class Server:
    """A server in a thread. Its `reads` belong to the thread's loop: look at them, don't call them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="reads-server", daemon=True)
        self._failure: BaseException | None = None
        self.reads: Reads | None = None
        self._server: uvicorn.Server | None = None

    @property
    def current(self) -> bool:
        """Whether answers are current."""
        return self.reads is not None and self.reads.why_not_ready() is None

    def start(self) -> httpx.Client:
        """Start it, and return a client for it."""
        self._thread.start()
        until(lambda: self._failure or (self._server is not None and self._server.started), START_SECONDS, "it serves")
        assert self._failure is None
        assert self._server is not None
        port = self._server.servers[0].sockets[0].getsockname()[1]
        return httpx.Client(base_url=f"http://127.0.0.1:{port}/v1/users", timeout=ANSWER_SECONDS, trust_env=False)

    def stop(self) -> None:
        """Stop it, and wait until all of it has ended."""
        if self._server is not None:
            self._server.should_exit = True
        self._thread.join(START_SECONDS)
        assert not self._thread.is_alive()
        assert self._failure is None

    async def _serve(self) -> None:
        try:
            self.reads = Reads(self._settings)
            await self.reads.start()
            try:
                app = Starlette(routes=routes(self.reads))
                config = uvicorn.Config(app, port=0, lifespan="off", log_config=None, access_log=False, ws="none")
                self._server = uvicorn.Server(config)
                await self._server.serve()
            finally:
                await self.reads.stop()
        except BaseException as error:
            self._failure = error
            raise


@contextmanager
def serving(settings: Settings, current: bool = True) -> Iterator[tuple[Server, httpx.Client]]:
    """Run the read API; enter once its answers are current, unless they can't be."""
    server = Server(settings)
    client = server.start()
    try:
        if current:
            until(lambda: server.current, START_SECONDS, "the reads are current")
        yield server, client
    finally:
        client.close()
        server.stop()
