"""HTTP/1.1 by uvicorn, limited: a head has a size and a deadline, and a lost connection leaves nothing behind.

uvicorn 0.54 bounds neither a head nor the time that it takes, and keeps a connection that was reset until its timer for
idle connections fires. What a body may cost is the application's part (streams.collector.http.body), except after the
answer: the rest of a body that nobody reads is thrown away here (streams.collector.http.ending).
"""

import asyncio
from functools import partial
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from streams.collector.http.ending import EndingProtocol
from streams.collector.http.limits import Gate
from streams.collector.http.strict import RefusedError
from streams.collector.rules import proxy_protocol


def limited(gate: Gate) -> type["LimitedProtocol"]:
    """Return the protocol class for one server's connections."""
    return type("LimitedProtocol", (LimitedProtocol,), {"gate": gate})


class LimitedProtocol(EndingProtocol):
    """One connection.

    Its timer is that of the head while one is expected, and of the connection's end otherwise (EndingProtocol).
    uvicorn's own keep-alive timer runs between requests.
    """

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        # Bytes that came while a head was expected, and those of its parts that the parser has reported.
        self._came = self._parsed = 0
        # What came since the read with the last piece of a body: framing and trailer, which the parser keeps.
        self._beside = 0
        self._running: RequestResponseCycle | None = None
        # What came of a PROXY header; None if none is expected.
        self._preamble: bytes | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a head, if there is room for another connection."""
        super().connection_made(transport)
        limits, proxies = self.gate.limits, self.gate.proxies
        further = len(self.connections) - limits.connections
        if further > 0:
            transport.write(self.gate.refuse(HTTPStatus.SERVICE_UNAVAILABLE))
            self._why = "limit"
            if further <= limits.turned_away:
                self._linger()
            else:  # nobody else may stay for as long as it takes to be polite
                self._refused = True
                self._close("limit")
        else:
            self._time(limits.head_seconds, self._head_late)
        if proxies is not None and self.client is not None and proxies.trusts_peer(self.client[0]):
            self._preamble = b""

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget everything at once, however the connection ended."""
        super().connection_lost(exc)
        running = self._running
        if running is not None and not running.response_complete:  # uvicorn tells the newest request only
            running.disconnected = True
            running.message_event.set()
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
        self.cycle.transport = self._answers  # type: ignore[assignment]
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
            self._cut_off_later()
        elif self._refused:
            self._unset_keepalive_if_required()
            if self._last and running is not None and running.response_complete:  # none of the pipeline has begun
                self._end(self._last)
        elif self._receiving and self.cycle is not None and self.cycle.response_complete:
            # Closing now would reset the connection, and the client might never see the answer.
            self._unset_keepalive_if_required()
            self._time(self.gate.limits.linger_seconds, partial(self._close, "body_time"))

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

    def _head_late(self) -> None:
        self._timer = None
        if self._came:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, "header_time")
        else:  # browsers connect ahead of need: nobody is there to read an answer
            self._close("header_time")

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
        """Write the connection's last answer, if there is one, and end the connection."""
        self._last = b""
        self.transport.write(answer)
        self._linger()
