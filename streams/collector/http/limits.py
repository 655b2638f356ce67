"""What a connection may cost, and what all connections of a server share."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus

from streams.collector.rules.addresses import Proxies

# Seconds to stay away (both included), for those who find no room: not the same for all of them.
FULL_SECONDS = (1, 3)


@dataclass(frozen=True)
class Limits:
    """What a connection and a request may cost, apart from a body's bytes, which streams.collector.rules counts."""

    head_bytes: int = 32 * 1024
    """Request line and fields, and the trailer; more is answered with 431."""
    head_seconds: float = 10.0
    """From the connection, or a further request's first byte, to the end of the head; later is answered with 408."""
    body_seconds: float = 15.0
    """From the head's end to the body's; later is answered with 408. A phone on a bad connection needs less."""
    piece_seconds: float = 5.0
    """Between two pieces of a body."""
    linger_bytes: int = 2 * 2**20
    """What is thrown away of a body whose request has been answered; then the connection is closed."""
    linger_seconds: float = 2.0
    """For how long it is thrown away."""
    unread_seconds: float = 30.0
    """For how long an answer may wait for a client that doesn't read; then the connection is cut off."""
    pipelined: int = 100
    """Requests that came before the one that is being answered has its answer; more are answered with 400."""
    connections: int = 20_000
    """Connections at a time; further ones are answered with 503 and closed."""
    turned_away: int = 64
    """So many of the further ones have `linger_seconds` to read that; any more are closed at once."""


class Gate:
    """What all connections of a server share."""

    def __init__(
        self,
        limits: Limits,
        refused: Callable[[int], None] = lambda _status: None,
        ended: Callable[[str], None] = lambda _reason: None,
        proxies: Proxies | None = None,
    ) -> None:
        """`refused` is called with the status of every request that the application never saw, `ended` with the reason
        for which a connection is over: closed, reset, idle, header_time, body_time or limit. `proxies` begin each
        connection with a PROXY header."""
        self.limits, self.ended, self.proxies = limits, ended, proxies
        self.draining = False
        """Once set, every answer says that the connection ends with it."""
        self._refused = refused

    def refuse(self, status: int) -> bytes:
        """Count and return an answer that ends the connection."""
        self._refused(status)
        phrase = HTTPStatus(status).phrase
        body = b'{"type":"about:blank","title":"%s","status":%d}\n' % (phrase.encode(), status)
        lines = (
            f"HTTP/1.1 {status} {phrase}",
            f"date: {formatdate(usegmt=True)}",
            "content-type: application/problem+json",
            f"content-length: {len(body)}",
            "connection: close",
            *((f"retry-after: {random.randint(*FULL_SECONDS)}",) if status == HTTPStatus.SERVICE_UNAVAILABLE else ()),
        )
        return "\r\n".join((*lines, "", "")).encode() + body
