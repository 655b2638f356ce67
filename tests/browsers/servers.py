"""The servers of a lane in a thread of their own: the site, and the front before the collector."""

import asyncio
from collections.abc import Coroutine
from threading import Thread
from typing import Any, TypeVar

from aiohttp import web

from tests.browsers.front import Front
from tests.browsers.site.server import Site

T = TypeVar("T")

HOST = "127.0.0.1"
START_SECONDS, CALL_SECONDS = 10.0, 60.0
# Handlers that hang on purpose are ended, not waited for.
SHUTDOWN_SECONDS = 0.1


class Servers:
    """Serves a site and a front on given ports until it is closed."""

    def __init__(self, site: Site, site_port: int, front: Front, front_port: int) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="browser lane", daemon=True)
        self._runners: list[web.AppRunner] = []
        self._thread.start()
        for app, port in ((site.app(), site_port), (front.app(), front_port)):
            self.run(self._serve(app, port))

    def run(self, work: Coroutine[Any, Any, T], seconds: float = START_SECONDS) -> T:
        """Run something in the servers' loop; return its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(seconds)

    def soon(self, act: Any, *arguments: Any) -> None:
        """Call something in the servers' loop."""
        self._loop.call_soon_threadsafe(act, *arguments)

    def close(self) -> None:
        """End both."""
        for runner in self._runners:
            self.run(runner.cleanup())
        self.run(_end_tasks())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _serve(self, app: web.Application, port: int) -> None:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
        await runner.setup()
        self._runners.append(runner)
        await web.TCPSite(runner, HOST, port).start()


async def _end_tasks() -> None:
    """End what still waits, such as polls of pages that are gone."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for each in tasks:
        each.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
