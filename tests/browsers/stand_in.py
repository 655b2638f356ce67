"""What scenarios do to the collector, for a subject that sends to a stub in the front instead."""

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import web

from tests.browsers.front import Front, Rule
from tests.browsers.requests import Request
from tests.browsers.scenario import NotApplicableError

METHODS = ("POST", "OPTIONS", "GET")
Soon = Callable[[Callable[[], object]], object]


class NoStack:
    """Where a stack would be: whatever a scenario wants of it makes the scenario not applicable."""

    def __getattr__(self, name: str) -> Any:
        raise NotApplicableError("about our broker and database")


class StandIn:
    """Looks, to a page, as a server does that is killed, paused and started. `soon` calls something in its loop."""

    def __init__(self, front: Front, soon: Soon) -> None:
        self._front, self._soon = front, soon
        self._rule: Rule | None = None
        self._resumed = asyncio.Event()

    def kill(self) -> None:
        """Break every connection, store nothing."""

        async def act(request: web.Request, _: Request) -> web.Response:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=499)

        self.restore()
        self._rule = self._front.rule(Rule(act, METHODS), first=True)

    def pause(self) -> None:
        """Take requests, and answer none until `resume`."""
        self.restore()
        resumed = self._resumed = asyncio.Event()

        async def act(request: web.Request, noted: Request) -> web.Response:
            await resumed.wait()
            return self._front.stubbed(request, noted)

        self._rule = self._front.rule(Rule(act, METHODS), first=True)

    def resume(self) -> None:
        """Go on with what waits."""
        self.restore()

    def start(self) -> None:
        """Answer again."""
        self.restore()

    @property
    def name(self) -> str:
        """Return its name."""
        return "stub"

    def replace(self, **changes: Any) -> None:
        """Raise NotApplicableError: it has no settings."""
        raise NotApplicableError(f"about settings of our collector: {', '.join(changes)}")

    def restore(self) -> None:
        """Answer as at first."""
        if self._rule is not None:
            self._front.end(self._rule)
            self._soon(self._resumed.set)
            self._rule = None
