"""HTTP between page and collector: it notes each request that arrived, forwards it, or answers by itself."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import web

from tests.browsers.requests import Request
from tests.browsers.subjects import Answer, Subject

# The project's own limit of a request is lower.
BODY_BYTES = 32 << 20
# Not passed on: they belong to a connection, or are made anew.
HOP_HEADERS = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host", "content-encoding"})


@dataclass
class Rule:
    """What the front does by itself instead of forwarding. `times` None: until it is cleared."""

    act: Callable[[web.Request, Request], Any]
    methods: tuple[str, ...] = ("POST",)
    times: int | None = None
    path: str = ""
    """Only for paths with this in them."""
    only: Callable[[Request], bool] | None = None
    """Only for requests for which this is true."""

    def takes(self, request: web.Request, noted: Request) -> bool:
        """Return whether it is for this request; count it if so."""
        if request.method not in self.methods or self.path not in request.path or self.times == 0:
            return False
        if self.only is not None and not self.only(noted):
            return False
        if self.times is not None:
            self.times -= 1
        return True


class Front:
    """The front of a lane. Scenarios call it from their own thread."""

    def __init__(self, subject: Subject, collector: str) -> None:
        self.subject, self.collector = subject, collector
        self.seen: list[Request] = []
        self._rules: list[Rule] = []
        self._session: aiohttp.ClientSession | None = None
        self._released = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def app(self) -> web.Application:
        """Return the application."""
        app = web.Application(client_max_size=BODY_BYTES)
        app.router.add_route("*", "/{path:.*}", self._take)
        app.cleanup_ctx.append(self._client)
        return app

    # What scenarios see

    def requests(self, user: str | None = None, method: str = "POST", since: float = 0.0) -> list[Request]:
        """Return the requests that arrived so far, or since a time (s); with a user: those with a flush of theirs."""
        found = [each for each in list(self.seen) if each.method == method and each.at >= since]
        if user is None:
            return found
        return [each for each in found if any(flush.user == user for flush in each.flushes)]

    def sends(self, user: str) -> dict[str, int]:
        """Return how often each artwork of a user arrived here."""
        counts: dict[str, int] = {}
        for request in self.requests(user):
            for flush in request.flushes:
                for _, artwork in flush.impressions if flush.user == user else ():
                    counts[artwork] = counts.get(artwork, 0) + 1
        return counts

    # What it does by itself

    def answer(
        self,
        status: int,
        headers: Mapping[str, str] | None = None,
        body: str = "",
        times: int | None = None,
        cors: bool = True,
        path: str = "",
        methods: tuple[str, ...] = ("POST",),
        only: Callable[[Request], bool] | None = None,
    ) -> Rule:
        """Answer by itself, such as 503 or 429 with `{"Retry-After": "1"}`; the collector hears nothing of it."""

        async def act(request: web.Request, _: Request) -> web.Response:
            allowed = allow(request) if cors else {}
            return web.Response(status=status, text=body, headers={**allowed, **(headers or {})})

        return self.rule(Rule(act, methods, times, path, only))

    def hang(self, times: int | None = None, path: str = "", methods: tuple[str, ...] = ("POST",)) -> Rule:
        """Take requests and never answer, until `clear`; the collector hears nothing of them."""

        async def act(request: web.Request, _: Request) -> web.Response:
            await self._released.wait()
            return self._cut(request)

        return self.rule(Rule(act, methods, times, path))

    def cut(self, times: int | None = None) -> Rule:
        """Forward, and cut the connection before the collector's answer reaches the page."""

        async def act(request: web.Request, noted: Request) -> web.Response:
            await self._forward(request, noted)
            return self._cut(request)

        return self.rule(Rule(act, times=times))

    def delay(self, seconds: float, times: int | None = None) -> Rule:
        """Forward at once, and answer only after this time."""

        async def act(request: web.Request, noted: Request) -> web.Response:
            answer = await self._forward(request, noted)
            await asyncio.sleep(seconds)
            return answer

        return self.rule(Rule(act, times=times))

    def captive(self, times: int | None = None) -> Rule:
        """Answer everything with a portal's page and 200, as a hotel's network does, for any origin."""

        async def act(request: web.Request, _: Request) -> web.Response:
            text = "<html><title>Welcome</title>Please accept our terms.</html>"
            return web.Response(text=text, content_type="text/html", headers=allow(request))

        return self.rule(Rule(act, ("POST", "OPTIONS", "GET"), times))

    def wrong_cors(self, times: int | None = None) -> Rule:
        """Forward, and name another origin in the answer: the page may not read it."""

        async def act(request: web.Request, noted: Request) -> web.Response:
            answer = await self._forward(request, noted)
            answer.headers["Access-Control-Allow-Origin"] = "https://other.example"
            return answer

        return self.rule(Rule(act, times=times))

    def rule(self, rule: Rule, first: bool = False) -> Rule:
        """Add a rule; the first that takes a request decides."""
        self._rules.insert(0 if first else len(self._rules), rule)
        return rule

    def end(self, rule: Rule) -> None:
        """Take a rule back; the others stay."""
        self._rules[:] = [each for each in self._rules if each is not rule]

    def clear(self) -> None:
        """Forward everything again, and release what hangs."""
        self._rules.clear()
        released, self._released = self._released, asyncio.Event()
        if self._loop is not None:
            self._loop.call_soon_threadsafe(released.set)

    # Requests

    async def _client(self, _: web.Application) -> Any:
        timeout = aiohttp.ClientTimeout(total=60)
        self._loop = asyncio.get_running_loop()
        async with aiohttp.ClientSession(auto_decompress=False, timeout=timeout) as self._session:
            yield
        self._released.set()

    async def _take(self, request: web.Request) -> web.StreamResponse:
        try:
            body = await request.read()
        except ConnectionError:
            # Cut off half-way: nobody hears the answer, and nothing is noted.
            return web.Response(status=499)
        headers = {name.lower(): value for name, value in request.headers.items()}
        noted = Request(
            time.time(), request.method, request.path, dict(request.query), headers, body, reads=self.subject.flushes
        )
        self.seen.append(noted)
        rule = next((each for each in list(self._rules) if each.takes(request, noted)), None)
        answer: web.Response = await (rule.act(request, noted) if rule else self._forward(request, noted))
        noted.status = answer.status
        return answer

    def stubbed(self, request: web.Request, noted: Request) -> web.Response:
        """Answer as the stub of the subject's endpoint."""
        if request.method == "OPTIONS":
            return web.Response(status=204, headers={**allow(request), "Access-Control-Max-Age": "3600"})
        said = self.subject.stub(noted) if self.subject.stub else Answer(404)
        noted.stored = said.status < 300
        return web.Response(status=said.status, body=said.body, headers={**allow(request), **said.headers})

    async def _forward(self, request: web.Request, noted: Request) -> web.Response:
        if self.subject.stub is not None:
            return self.stubbed(request, noted)
        assert self._session is not None
        keep = {name: value for name, value in request.headers.items() if name.lower() not in HOP_HEADERS}
        if "content-encoding" in noted.headers:
            keep["Content-Encoding"] = noted.headers["content-encoding"]
        url = f"{self.collector}{request.raw_path}"
        try:
            async with self._session.request(request.method, url, data=noted.body, headers=keep) as answer:
                noted.stored = answer.ok
                back = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_HEADERS}
                if "Content-Encoding" in answer.headers:
                    back["Content-Encoding"] = answer.headers["Content-Encoding"]
                return web.Response(status=answer.status, body=await answer.read(), headers=back)
        except (aiohttp.ClientError, OSError, TimeoutError):
            # As if there were no front: the page's connection breaks with the collector's.
            return self._cut(request)

    def _cut(self, request: web.Request) -> web.Response:
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=499)


def allow(request: web.Request) -> dict[str, str]:
    """Return the headers with which the collector lets a page of this origin read an answer."""
    return {
        "Access-Control-Allow-Origin": request.headers.get("Origin", "*"),
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Headers": request.headers.get("Access-Control-Request-Headers", "content-type"),
        "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
        "Access-Control-Expose-Headers": "Retry-After, Date",
        "Vary": "Origin",
    }
