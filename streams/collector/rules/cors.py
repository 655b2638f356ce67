"""Which web pages may talk to the collector, and the headers that tell their browsers so (the Fetch standard, CORS).

An allow-list of origins, echoed one by one: a beacon always sends credentials, for which "*" is no answer.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from streams.errors import UserError

Headers = list[tuple[bytes, bytes]]

# Chromium caps it at two hours, Firefox at a day.
MAX_AGE_SECONDS = 86_400
_ALLOWED_HEADERS = b"authorization, content-encoding, content-type, if-none-match"
# By Date, a recorder knows how far its device's clock is off.
_EXPOSED_HEADERS = b"date, etag, retry-after"
# What browsers send: scheme, host and a port that is not the scheme's own, in lower case.
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}

_VARY = (b"vary", b"Origin")


class Preflight(NamedTuple):
    """The answer to an OPTIONS request."""

    status: int
    headers: Headers


class Cors:
    """The allow-list. Raises UserError for an entry that no browser would send as an origin."""

    def __init__(self, origins: Iterable[str], max_age_seconds: int = MAX_AGE_SECONDS) -> None:
        self.origins = frozenset(map(_normal, origins))
        self._max_age = str(max_age_seconds).encode()

    def admits(self, origin: str) -> bool:
        """Say whether a request may come from here: from an allowed page, or from no page at all (origin "")."""
        return not origin or origin in self.origins

    def headers(self, origin: str) -> Headers:
        """Return the headers of an answer; `origin` is the request's header, "" if absent."""
        if origin not in self.origins:
            return [_VARY]
        return [
            _VARY,
            (b"access-control-allow-origin", origin.encode()),
            (b"access-control-allow-credentials", b"true"),
            (b"access-control-expose-headers", _EXPOSED_HEADERS),
        ]

    def preflight(self, origin: str, methods: str) -> Preflight:
        """Answer OPTIONS for a path that has these methods ("GET, POST"): 204, or 403 to an origin not allowed."""
        allowed = methods.encode()
        if not self.admits(origin):
            return Preflight(403, [_VARY])
        if not origin:
            return Preflight(204, [_VARY, (b"allow", allowed)])
        return Preflight(
            204,
            [
                (b"vary", b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"),
                (b"access-control-allow-origin", origin.encode()),
                (b"access-control-allow-credentials", b"true"),
                (b"access-control-allow-methods", allowed),
                (b"access-control-allow-headers", _ALLOWED_HEADERS),
                (b"access-control-max-age", self._max_age),
            ],
        )


def _normal(text: str) -> str:
    origin = text.strip().rstrip("/").lower()
    if not _ORIGIN.fullmatch(origin):
        raise UserError(
            f"{text!r} is not an origin: write scheme and host, and a port if needed: https://shop.example."
        )
    return origin.removesuffix(_DEFAULT_PORTS.get(origin.partition("://")[0], "\0"))
