"""uvicorn's HTTP/1.1 protocol, limited: a head has a size and a deadline, and a lost connection leaves nothing behind.

uvicorn 0.54 bounds neither a head nor the time that it takes, and keeps a connection that was reset until its timer for
idle connections fires. What a body may cost is the application's part (streams.collector.http.body), except after the
answer: the rest of a body that nobody reads is thrown away here, so that the client can read why.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from streams.collector.rules import proxy_protocol
from streams.collector.rules.addresses import Proxies


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
    connections: int = 10_000
    """Connections at a time; further ones are answered with 503 and closed."""


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
            "content-type: application/problem+json",
            f"content-length: {len(body)}",
            "connection: close",
            *(("retry-after: 1",) if status == HTTPStatus.SERVICE_UNAVAILABLE else ()),
        )
        return "\r\n".join((*lines, "", "")).encode() + body


def limited(gate: Gate) -> type["LimitedProtocol"]:
    """Return the protocol class for one server's connections."""
    return type("LimitedProtocol", (LimitedProtocol,), {"gate": gate})


class _HeadTooLargeError(Exception):
    """Ends the parsing of a head."""


class LimitedProtocol(HttpToolsProtocol):
    """One connection.

    Its timer is that of the head while one is expected, and that of the body's rest after an early answer. uvicorn's
    own keep-alive timer runs between requests.
    """

    gate: ClassVar[Gate]

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._timer: asyncio.TimerHandle | None = None
        self._in_head = True
        # Bytes that came while a head was expected, and those of its parts that the parser has reported.
        self._came = self._parsed = 0
        # Whether the end of the newest request's body is still to come.
        self._receiving = False
        self._thrown_away = 0
        self._refused = False
        self._running: RequestResponseCycle | None = None
        # Why this side ends the connection; empty while it doesn't, or only as HTTP has it.
        self._why = ""
        # What came of a PROXY header; None if none is expected.
        self._preamble: bytes | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a head, if there is room for another connection."""
        super().connection_made(transport)
        if len(self.connections) > self.gate.limits.connections:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "limit")
        else:
            self._time(self.gate.limits.head_seconds, self._head_late)
        proxies = self.gate.proxies
        if proxies is not None and self.client is not None and proxies.trusts(ip_address(self.client[0])):
            self._preamble = b""

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget everything at once, however the connection ended."""
        super().connection_lost(exc)
        self.gate.ended(self._why or ("closed" if exc is None else "reset"))
        self._unset_keepalive_if_required()
        self._untime()
        self.pipeline.clear()
        # They refer to each other; the application's task keeps what it still needs.
        self.cycle = self._running = self.scope = self.headers = None  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """Parse what came, if this connection is still being listened to."""
        if self._preamble is not None and not self._refused:
            data = self._proxied(self._preamble + data)
        if self._refused or not data:
            return
        if self._in_head:
            self._came += len(data)
        super().data_received(data)
        if self._refused or not self._in_head:
            return
        if self._came > self.gate.limits.head_bytes:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "limit")
        elif self._came and self._timer is None:
            self._time(self.gate.limits.head_seconds, self._head_late)

    def send_400_response(self, msg: str) -> None:
        """Answer what the parser refused; `msg` is uvicorn's word for it."""
        if self._parsed > self.gate.limits.head_bytes:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "limit")
        else:
            self._refuse(HTTPStatus.BAD_REQUEST)

    # The parser's reports, in their order.

    def on_message_begin(self) -> None:
        """A head begins."""
        self._in_head, self._parsed = True, 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """The target, or a part of it, was read."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the head, or of the trailer, was read."""
        self._count(len(name) + len(value) + 4)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is over: the application begins."""
        self._untime()
        self._in_head, self._came = False, 0
        self._receiving, self._thrown_away = True, 0
        super().on_headers_complete()
        if self.gate.draining:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """A piece of the body came: for the application, or for nobody if it has answered."""
        if not self.cycle.response_complete:
            super().on_body(body)
            return
        self._thrown_away += len(body)
        if self._thrown_away > self.gate.limits.linger_bytes:
            self._close("limit")

    def on_message_complete(self) -> None:
        """The request is over; the connection may be used again if it was answered before."""
        self._receiving = False
        super().on_message_complete()
        if self.cycle.response_complete and not self.transport.is_closing():
            self._untime()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )
        self._in_head, self._came = True, 0

    # The application's reports.

    def on_response_complete(self) -> None:
        """An answer is written."""
        super().on_response_complete()
        if not self._receiving or not self.cycle.response_complete:
            return
        if self.transport.is_closing():
            self._why = "body_time"
        else:
            # Closing now would reset the connection, and the client might never see the answer.
            self._unset_keepalive_if_required()
            self._time(self.gate.limits.linger_seconds, partial(self._close, "body_time"))

    def timeout_keep_alive_handler(self) -> None:
        """Nothing more came on this connection."""
        self._why = "idle"
        super().timeout_keep_alive_handler()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _proxied(self, data: bytes) -> bytes:
        """Read the PROXY header; return what follows it, nothing while it isn't complete."""
        try:
            header = proxy_protocol.read(data)
        except proxy_protocol.BadProxyHeaderError:
            self._refuse(HTTPStatus.BAD_REQUEST)
            return b""
        if header is None:
            self._preamble = data
            return b""
        self._preamble = None
        if header.address:
            self.client = (header.address, 0)
        return data[header.size :]

    # Limits

    def _count(self, size: int) -> None:
        self._parsed += size
        if self._parsed > self.gate.limits.head_bytes:
            raise _HeadTooLargeError

    def _time(self, seconds: float, late: Callable[[], None]) -> None:
        self._untime()
        self._timer = self.loop.call_later(seconds, late)

    def _untime(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _head_late(self) -> None:
        self._timer = None
        if self._came:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, "header_time")
        else:  # browsers connect ahead of need: nobody is there to read an answer
            self._close("header_time")

    def _close(self, why: str) -> None:
        self._why = why
        self.transport.close()

    def _refuse(self, status: int, why: str = "") -> None:
        """Listen no more: answer, and close the connection; but first let a request be answered that came whole."""
        self._refused, self._why = True, why
        self._untime()
        answer = self.gate.refuse(status)
        running = self._running
        if running is not None and not running.response_complete:
            if running is not self.cycle or not self._receiving:
                # What was refused came after this request: its answer is the connection's last one.
                running.keep_alive = False
                self.pipeline.clear()
                self.flow.pause_reading()
                return
            if not running.response_started:
                self.transport.write(answer)
        elif running is None or not self._receiving:
            self.transport.write(answer)
        self.transport.close()
