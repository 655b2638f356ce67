"""The collector's ASGI application: recording, raw and first; everything else by Starlette behind it."""

import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request as PageRequest
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route

from streams.collector import observe
from streams.collector.http.body import GoneError, Receive
from streams.collector.http.heads import Scope, values
from streams.collector.http.record import Door, Request
from streams.collector.reads.answers import ProblemError
from streams.collector.rules import answers
from streams.collector.rules.answers import SAFETY_HEADERS, Answer
from streams.collector.rules.cors import Headers
from streams.runtime import log

logger = log.get(__name__)

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

IMPRESSIONS = "/v1/impressions"
METHODS = "POST, OPTIONS"
# How metrics call what begins with these; what is under /v1/ and doesn't record reads. The gallery is for people, too.
_ROUTES = {
    **{"/v1/": "read", "/recorder": "recorder", "/docs": "docs", "/gallery": "docs"},
    **{"/healthz": "health", "/readyz": "health", "/metrics": "health"},
}


class App:
    """Records, and hands on to `pages` what doesn't."""

    def __init__(self, door: Door, pages: Sequence[BaseRoute]) -> None:
        self._door, self._pages = door, list(pages)
        handlers = {HTTPException: _as_problem, ProblemError: _as_said, Exception: _as_failure}
        self._starlette = Starlette(routes=self._pages, exception_handlers=handlers)  # type: ignore[arg-type]
        self._starlette.router.redirect_slashes = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; only HTTP is offered."""
        began = time.monotonic()
        records = scope["path"] == IMPRESSIONS
        if b"%" in scope["raw_path"] and b"%2f" in scope["raw_path"].lower():
            # An escaped slash is part of a name, and no name here has one. Who guards our paths wouldn't see it.
            answer = answers.problem(404, "not_found", "there is nothing at this path")
            await _send(send, answer, self._door.cors.headers(_origin(scope)))
            observe.answered("other", answer.status, time.monotonic() - began)
        elif records and scope["method"] == "POST":
            await self._record(scope, receive, send, began)
        elif scope["method"] == "OPTIONS":
            answer = self._preflight(scope, _origin(scope))
            await _send(send, answer, [])
            observe.answered("preflight", answer.status, time.monotonic() - began)
        elif records:
            answer = _not_allowed(METHODS)
            await _send(send, answer, self._door.cors.headers(_origin(scope)))
            observe.answered("impressions", answer.status, time.monotonic() - began)
        else:
            await self._page(scope, receive, _Sender(send, self._door.cors.headers(_origin(scope))), began)

    async def _record(self, scope: Scope, receive: Receive, send: Send, began: float) -> None:
        request = Request(self._door, scope, receive)
        try:
            answer = await request.answer()
        except GoneError:
            return
        except Exception as error:
            logger.error("request_broken", exc_info=error)
            answer = answers.problem(500, "defect", "the collector failed; what was sent may be sent again")
        await _send(send, answer, self._door.cors.headers(request.head.origin))
        observe.answered("impressions", answer.status, time.monotonic() - began)

    def _preflight(self, scope: Scope, origin: str) -> Answer:
        methods = METHODS if scope["path"] == IMPRESSIONS else self._methods(scope)
        if not methods:
            return answers.problem(404, "not_found", "there is nothing at this path")
        found = self._door.cors.preflight(origin, methods)
        if found.status == HTTPStatus.FORBIDDEN:
            observe.refused("origin")
        # A 204 has no body, and so no length of one (RFC 9110).
        length = [] if found.status == HTTPStatus.NO_CONTENT else [(b"content-length", b"0")]
        return Answer(found.status, [*found.headers, *SAFETY_HEADERS, *length], b"")

    def _methods(self, scope: Scope) -> str:
        """Return the methods of a page, with commas between; "" if there is none at this path."""
        found: set[str] = set()
        for route in self._pages:
            if isinstance(route, Route) and route.matches(scope)[0] is not Match.NONE:
                found |= route.methods or set()
        return ", ".join(sorted(found | {"OPTIONS"})) if found else ""

    async def _page(self, scope: Scope, receive: Receive, send: "_Sender", began: float) -> None:
        path: str = scope["path"]
        route = next((name for start, name in _ROUTES.items() if path.startswith(start)), "other")
        if route == "read" and (wait := self._door.wait_of_address(self._door.address(scope))):
            observe.limited("address")
            await _too_many(wait)(scope, receive, send)
        else:
            await self._starlette(scope, receive, send)
        observe.answered(route, send.status, time.monotonic() - began)


class _Sender:
    """Sends what Starlette answers, with the headers that every answer has."""

    def __init__(self, send: Send, cors: Headers) -> None:
        self._send, self._cors = send, cors
        self.status = 0

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            own = {name.lower() for name, _ in message["headers"]}
            safety = [(name, value) for name, value in SAFETY_HEADERS if name not in own]
            # What is open to every page says so itself, and is the same for all of them.
            cors = [] if b"access-control-allow-origin" in own else self._cors
            message = {**message, "headers": [*message["headers"], *safety, *cors]}
        await self._send(message)


async def _send(send: Send, answer: Answer, more: Headers) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": [*answer.headers, *more]})
    await send({"type": "http.response.body", "body": answer.body})


def _origin(scope: Scope) -> str:
    return ", ".join(values(scope, "origin"))


def _response(answer: Answer) -> Response:
    headers = {name.decode(): value.decode() for name, value in answer.headers}
    return Response(answer.body, answer.status, headers)


def _too_many(wait: float) -> Response:
    later = answers.retry_after(wait, time.monotonic() % 1)
    return _response(answers.problem(429, "limit", "this address sends too many requests", retry_after=later))


def _not_allowed(methods: str) -> Answer:
    answer = answers.problem(405, "method", f"the methods here are {methods}")
    answer.headers.append((b"allow", methods.encode()))
    return answer


async def _as_problem(_request: PageRequest, error: HTTPException) -> Response:
    """Answer what Starlette refuses: an unknown path, or a method that a path doesn't have."""
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow", "")
        return _response(_not_allowed(", ".join(sorted(allowed.split(", ")))))
    if error.status_code == HTTPStatus.NOT_FOUND:
        return _response(answers.problem(404, "not_found", "there is nothing at this path"))
    return _response(answers.problem(error.status_code, "http", error.detail))


async def _as_said(_request: PageRequest, error: ProblemError) -> Response:
    """Answer a page's own problem."""
    return error.response()


async def _as_failure(_request: PageRequest, _error: Exception) -> Response:
    """Answer for a defect of ours; the server logs it."""
    return _response(answers.problem(500, "defect", "the collector failed"))
