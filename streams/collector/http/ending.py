"""How a connection ends so that its client sees its last answer.

Closing a connection on which bytes wait resets it, and whoever is still sending then may never see what they were
answered (RFC 9112, 9.6). So this side says first that it is done, and throws away for a while what comes: bounded in
bytes and in time, and so is a client that doesn't read.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, NamedTuple

from streams.collector.http.limits import Gate
from streams.collector.http.strict import StrictProtocol


class _Answers(NamedTuple):
    """What a request's cycle knows of the transport: it would close it after a last answer, whatever still comes."""

    write: Callable[[bytes], None]
    is_closing: Callable[[], bool]
    close: Callable[[], None]


class EndingProtocol(StrictProtocol):
    """A connection's end; its beginning and its requests are LimitedProtocol's.

    Its timer is that of the body's rest after an early answer, and of the client's reading once it is being closed.
    """

    gate: ClassVar[Gate]

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._timer: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._answers: _Answers | None = None
        # Whether the end of the newest request's body is still to come.
        self._receiving = False
        # Whether nobody listens any more: what still comes is thrown away.
        self._refused = False
        self._thrown_away = 0
        # What was refused while requests before it were still to be answered: the connection's last answer.
        self._last = b""
        # Why this side ends the connection; empty while it doesn't, or only as HTTP has it.
        self._why = ""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin."""
        super().connection_made(transport)
        self._answers = _Answers(transport.write, transport.is_closing, self._close_after_answer)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget everything at once, however the connection ended."""
        super().connection_lost(exc)
        self.gate.ended(self._why or ("closed" if exc is None else "reset"))
        self._unset_keepalive_if_required()
        self._untime()
        self.resume_writing()
        self.pipeline.clear()
        self._answers = None

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

    def _time(self, seconds: float, late: Callable[[], None]) -> None:
        self._untime()
        self._timer = self.loop.call_later(seconds, late)

    def _untime(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _throw_away(self, size: int) -> None:
        self._thrown_away += size
        if self._thrown_away > self.gate.limits.linger_bytes:
            self._close("limit")

    def _close(self, why: str) -> None:
        self._why = why
        self.transport.close()
        self._cut_off_later()

    def _close_after_answer(self) -> None:
        """Close after the connection's last answer."""
        if self.transport.is_closing() or not (self._receiving or self._refused):
            self.transport.close()
        else:
            self.pipeline.clear()
            self._last = b""
            self._linger("body_time")

    def _linger(self, why: str = "") -> None:
        """Say that nothing more is answered, and throw away for a while what still comes.

        Closing now would reset the connection if the client is sending, and it might never see what it was answered.
        """
        self._refused = True
        if self.transport.can_write_eof():
            self.transport.write_eof()
            self.flow.resume_reading()
            self._time(self.gate.limits.linger_seconds, partial(self._close, self._why or why))
        else:
            self._close(self._why or why)

    def _cut_off_later(self) -> None:
        """Give the client of a connection that is being closed some time to read what it was answered."""
        self._time(self.gate.limits.unread_seconds, self._cut_off)

    def _cut_off(self) -> None:
        self._why = self._why or "limit"
        self.transport.abort()
