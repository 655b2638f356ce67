"""The read API's responses: JSON, validators, and problems (RFC 9457)."""

import random
from hashlib import blake2b
from http import HTTPStatus
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

# An answer is its user's alone, and may be kept if it is validated each time.
_CACHE = "private, no-cache"


class ProblemError(Exception):
    """An answer other than 200: its status, a word for programs, a sentence for people, and further headers."""

    def __init__(self, status: int, reason: str, detail: str, **headers: str) -> None:
        super().__init__(detail)
        self.status, self.reason, self.detail = status, reason, detail
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def response(self) -> Response:
        """Return it as `application/problem+json`."""
        body = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "reason": self.reason,
            "detail": self.detail,
        }
        headers = {"cache-control": "no-store", **self.headers}
        return Response(orjson.dumps(body), self.status, headers, "application/problem+json")


def wrong(detail: str) -> ProblemError:
    """Return the problem of a request that can't be read."""
    return ProblemError(400, "parameter", detail)


def away(why: str) -> ProblemError:
    """Return the problem of a read that can't be answered now."""
    # Not all at once.
    seconds = str(random.randint(1, 3))
    return ProblemError(503, "away", f"This can't be answered now: {why}.", retry_after=seconds)


def validator(*parts: str) -> str:
    """Return an entity tag of what an answer was made from. Weak: equal in meaning, whatever its encoding."""
    return f'W/"{blake2b("|".join(parts).encode(), digest_size=12).hexdigest()}"'


def matches(request: Request, tag: str) -> bool:
    """Say whether the client has the answer with this tag already (RFC 9110, If-None-Match)."""
    given = ",".join(request.headers.getlist("if-none-match"))
    opaque = tag.removeprefix("W/")
    return given.strip() == "*" or any(each.strip().removeprefix("W/") == opaque for each in given.split(","))


def not_modified(tag: str) -> Response:
    """Return the answer to a client that has it already."""
    return Response(None, 304, {"etag": tag, "cache-control": _CACHE})


def found(body: dict[str, Any], tag: str | None) -> Response:
    """Return an answer; without a tag it is not to be kept."""
    headers = {"cache-control": "no-store"} if tag is None else {"etag": tag, "cache-control": _CACHE}
    return Response(orjson.dumps(body), 200, headers, "application/json")
