"""HTTP/1.1 by uvicorn, limited: a head has a size and a deadline, and a lost connection leaves nothing behind.

uvicorn 0.54 bounds neither a head nor the time that it takes, and keeps a connection that was reset until its timer for
idle connections fires. What a body may cost is the application's part (streams.collector.http.body), except after the
answer: the rest of a body that nobody reads is thrown away here, so that the client can read why.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from streams.collector.http.limits import Gate
from streams.collector.http.strict import RefusedError, StrictProtocol
from streams.collector.rules import proxy_protocol


def limited(gate: Gate) -> type["LimitedProtocol"]:
    """Return the protocol class for one server's connections."""
    return type("LimitedProtocol", (LimitedProtocol,), {"gate": gate})


class LimitedProtocol(StrictProtocol):
    """One connection.

    Its timer is that of the head while one is expected, that of the body's rest after an early answer, and that of the
    client's reading once it is being closed. uvicorn's own keep-alive timer runs between requests.
    """

    gate: ClassVar[Gate]

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._timer: asyncio.TimerHandle | None = None
        # Bytes that came while a head was expected, and those of its parts that the parser has reported.
        self._came = self._parsed = 0
        # Whether the end of the newest request's body is still to come, and what came since the read with its last
        # piece: framing and trailer, which the parser keeps.
        self._receiving = False
        self._beside = 0
        self._thrown_away = 0
        self._refused = False
        # What was refused while requests before it were still to be answered: the connection's last answer.
        self._last = b""
        self._running: RequestResponseCycle | None = None
        self._unread: asyncio.TimerHandle | None = None
        # Why this side ends the connection; empty while it doesn't, or only as HTTP has it.
        self._why = ""
        # What came of a PROXY header; None if none is expected.
        self._preamble: bytes | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a head, if there is room for another connection."""
        super().connection_made(transport)
        if len(self.connections) > self.gate.limits.connections:
            # At once: above the limit, nobody may stay for as long as it takes to be polite.
            transport.write(self.gate.refuse(HTTPStatus.SERVICE_UNAVAILABLE))
            self._refused = True
            self._close("limit")
        else:
            self._time(self.gate.limits.head_seconds, self._head_late)
        proxies = self.gate.proxies
        if proxies is not None and self.client is not None and proxies.trusts(ip_address(self.client[0])):
            self._preamble = b""

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget everything at once, however the connection ended."""
        super().connection_lost(exc)
        running = self._running
        if running is not None and not running.response_complete:  # uvicorn tells the newest request only
            running.disconnected = True
            running.message_event.set()
        self.gate.ended(self._why or ("closed" if exc is None else "reset"))
        self._unset_keepalive_if_required()
        self._untime()
        self.resume_writing()
        self.pipeline.clear()
        # They refer to each other; the application's task keeps what it still needs.
        self.cycle = self._running = self.scope = self.headers = None  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """Parse what came, if this connection is still being listened to."""
        if self._refused:
            self._throw_away(len(data))
            return
        if self._preamble is not None:
            data = self._proxied(self._preamble + data)
        if not data:
            return
        if self._in_head:
            self._came += len(data)
        self._beside += len(data)
        super().data_received(data)
        if self._refused:
            return
        if not self._in_head:
            if self._beside > self.gate.limits.head_bytes:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "limit")
            return
        if self._came > self.gate.limits.head_bytes:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "limit")
        elif self._came and self._timer is None:
            self._time(self.gate.limits.head_seconds, self._head_late)

    def send_400_response(self, msg: str) -> None:
        """Answer what the parser refused."""
        if self._parsed > self.gate.limits.head_bytes:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "limit")
        else:
            self._refuse(HTTPStatus.BAD_REQUEST)

    # The parser's reports, in their order.

    def on_message_begin(self) -> None:
        """A head begins."""
        self._parsed = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """The target, or a part of it, was read."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the head, or of the trailer, was read."""
        self._count(len(name) + len(value) + 4)
        super().on_header(name, value)

    def on_request(self) -> None:
        """The head is over: the application begins."""
        if len(self.pipeline) >= self.gate.limits.pipelined:
            raise RefusedError
        # What follows holds for this request; until here, the newest one was the one before.
        super().on_request()
        self._untime()
        self._came, self._receiving, self._thrown_away, self._beside = 0, True, 0, 0
        if self.gate.draining:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """A piece of the body came: for the application, or for nobody if it has answered."""
        self._beside = 0
        if self.cycle.response_complete:
            self._throw_away(len(body))
        else:
            super().on_body(body)

    def on_request_end(self) -> None:
        """The request is over; the connection may be used again if it was answered before."""
        self._receiving, self._came = False, 0
        super().on_request_end()
        if self.cycle.response_complete and not self.transport.is_closing():
            self._untime()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    # The application's reports.

    def on_response_complete(self) -> None:
        """An answer is written."""
        super().on_response_complete()
        running = self._running
        if self.transport.is_closing():
            self._why = self._why or ("body_time" if self._receiving else "")
            self._cut_off_later()
        elif self._last and running is not None and running.response_complete:  # none of the pipeline has begun
            self._unset_keepalive_if_required()
            self._end(self._last)
        elif self._receiving and self.cycle is not None and self.cycle.response_complete:
            # Closing now would reset the connection, and the client might never see the answer.
            self._unset_keepalive_if_required()
            self._time(self.gate.limits.linger_seconds, partial(self._close, "body_time"))

    def pause_writing(self) -> None:
        """The client reads more slowly than it is answered."""
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(self.gate.limits.unread_seconds, self._cut_off)

    def resume_writing(self) -> None:
        """It has read, or is gone."""
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def timeout_keep_alive_handler(self) -> None:
        """Nothing more came on this connection."""
        self._why = "idle"
        super().timeout_keep_alive_handler()
        self._cut_off_later()

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
            raise RefusedError

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

    def _throw_away(self, size: int) -> None:
        self._thrown_away += size
        if self._thrown_away > self.gate.limits.linger_bytes:
            self._close("limit")

    def _close(self, why: str) -> None:
        self._why = why
        self.transport.close()
        self._cut_off_later()

    def _cut_off_later(self) -> None:
        """Give the client of a connection that is being closed some time to read what it was answered."""
        self._time(self.gate.limits.unread_seconds, self._cut_off)

    def _cut_off(self) -> None:
        self._why = self._why or "limit"
        self.transport.abort()

    def _refuse(self, status: int, why: str = "") -> None:
        """Listen no more: answer, and end the connection; but first let the requests be answered that came whole."""
        self._refused, self._why, self._thrown_away = True, why, 0
        self._untime()
        answer, running = self.gate.refuse(status), self._running
        if running is None or running.response_complete:
            # Of a request that was answered while its body came, nobody waits for another answer.
            self._end(b"" if running is not None and self._receiving else answer)
        elif running is self.cycle and self._receiving:
            started = running.response_started
            # The application waits for a body that won't come, and what it would answer is answered here.
            running.disconnected = True
            running.message_event.set()
            self._end(b"" if started else answer)
        else:
            if self._receiving:
                self.pipeline.popleft()  # the newest: it is the one that is refused
            self._last = answer

    def _end(self, answer: bytes) -> None:
        """Write the connection's last answer, if there is one, and close the connection."""
        self.transport.write(answer)
        if not answer or not self.transport.can_write_eof():
            self._close(self._why)
            return
        # The client may still be sending: closing now would reset the connection, and it might never see the answer.
        self.transport.write_eof()
        self._time(self.gate.limits.linger_seconds, partial(self._close, self._why))
