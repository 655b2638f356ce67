"""The site's server: pages by plan, the subject's files, and the reports of pages."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.browsers.site.pages import Plan, page, policy
from tests.browsers.subjects import HERE, Subject

STATIC = HERE / "site" / "static"
# A page that asks for calls is answered at the latest then, and asks again.
POLL_SECONDS = 20.0
# How long another script's beacon is on its way.
SLOW_SECONDS = 8.0
REPORT_BYTES = 1 << 20
SCRIPT = "text/javascript"

Report = dict[str, Any]


class Site:
    """Pages of one lane. Other threads read `reports`, and add `plans` and calls through `loop`."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.plans: dict[str, Plan] = {}
        self.reports: list[Report] = []
        self.blocked: Callable[[str], bool] = lambda _path: False
        """Whether a script is blocked, as by an extension."""
        self._calls: dict[str, asyncio.Queue[dict[str, Any]]] = defaultdict(asyncio.Queue)
        self._answers: dict[str, asyncio.Queue[Any]] = defaultdict(asyncio.Queue)

    def app(self) -> web.Application:
        """Return the application."""
        app = web.Application(client_max_size=REPORT_BYTES)
        app.router.add_get("/p/{page}/{key}", self._page)
        app.router.add_get("/static/{name}", self._static)
        app.router.add_get("/subject/{name:.+}", self._subject)
        app.router.add_post("/report", self._report)
        app.router.add_get("/calls/{key}/{page}", self._call)
        app.router.add_post("/called/{key}/{page}", self._called)
        app.router.add_get("/blank", self._blank)
        app.router.add_post("/slow", self._slow)
        app.router.add_get("/favicon.ico", self._nothing)
        return app

    def of(self, run: str, kind: str | None = None, key: str | None = None) -> list[Report]:
        """Return a run's reports, of a kind and of a page's plan if given."""
        return [
            each
            for each in list(self.reports)
            if each["run"] == run and kind in (None, each["kind"]) and key in (None, each["key"])
        ]

    async def call(self, key: str, name: str, args: tuple[Any, ...]) -> Any:
        """Have a polled page call a function of its own; return the result."""
        await self._calls[key].put({"name": name, "args": args})
        return await self._answers[key].get()

    async def _page(self, request: web.Request) -> web.StreamResponse:
        plan = self.plans.get(request.match_info["key"])
        if plan is None:
            return web.Response(status=404)
        headers = {"Content-Security-Policy": policy(plan), "Cache-Control": "no-cache", **plan.headers}
        return web.Response(text=page(plan, self.subject), content_type="text/html", headers=headers)

    async def _blank(self, _: web.Request) -> web.StreamResponse:
        return web.Response(text="<!doctype html><title>blank</title>", content_type="text/html")

    async def _slow(self, _: web.Request) -> web.StreamResponse:
        await asyncio.sleep(SLOW_SECONDS)
        return web.Response(status=204)

    async def _nothing(self, _: web.Request) -> web.StreamResponse:
        return web.Response(status=204)

    async def _static(self, request: web.Request) -> web.StreamResponse:
        return web.FileResponse(STATIC / request.match_info["name"])

    async def _subject(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        folders = [each.resolve() for each in (self.subject.folder, self.subject.also) if each is not None]
        paths = [path for folder in folders if (path := (folder / name).resolve()).is_relative_to(folder)]
        found = next(filter(Path.is_file, paths), None)
        if self.blocked(name) or found is None:
            return web.Response(status=404)
        await asyncio.sleep(float(request.query.get("late", 0)))
        return web.FileResponse(found)

    async def _report(self, request: web.Request) -> web.StreamResponse:
        self.reports.append(await request.json())
        return web.Response(status=204)

    async def _call(self, request: web.Request) -> web.StreamResponse:
        calls = self._calls[request.match_info["key"]]
        try:
            return web.json_response(await asyncio.wait_for(calls.get(), POLL_SECONDS))
        except TimeoutError:
            return web.Response(status=204)

    async def _called(self, request: web.Request) -> web.StreamResponse:
        value = json.loads(await request.text()).get("value")
        await self._answers[request.match_info["key"]].put(value)
        return web.Response(status=204)
