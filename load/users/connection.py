"""A user's connection: one request at a time, and what becomes of it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast
from urllib.parse import urlsplit

from load.users.answer import Answer, AnswerReader, BadAnswerError


class Asker(Protocol):
    """Whoever asks over a connection."""

    def answered(self, connection: "Connection", answer: Answer) -> None:
        """Take the answer to the request in flight."""

    def lost(self, connection: "Connection") -> None:
        """The connection has ended, whoever ended it; a request in flight has no answer."""


class Connection(asyncio.Protocol):
    """An open connection. `served` counts its answers; `begun`: a part of the next one has arrived."""

    __slots__ = ("_asker", "_reader", "_transport", "served")

    def __init__(self, asker: Asker) -> None:
        self._asker, self._reader = asker, AnswerReader()
        self._transport: asyncio.Transport | None = None
        self.served = 0

    @property
    def begun(self) -> bool:
        """Whether a part of an answer has arrived."""
        return self._reader.begun

    @property
    def is_open(self) -> bool:
        """Whether it may be used. It may have ended before whoever opened it gets to know it."""
        return self._transport is not None

    def send(self, request: bytes) -> None:
        """Send a request. The caller waits for its answer before the next.

        On a connection that is just ending it is lost, as it may be on any; the asker hears of the end.
        """
        assert self._transport is not None, "a connection is used while it is open"
        if not self._transport.is_closing():
            self._transport.write(request)

    def abort(self) -> None:
        """End it at once; the asker hears of it."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        # uvloop's transports are asyncio's by their methods alone.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        try:
            answer = self._reader.feed(data)
        except BadAnswerError:
            self.abort()
            return
        if answer is not None:
            self._take(answer)

    def eof_received(self) -> bool:
        """Called by the loop; False lets it close the connection."""
        answer = self._reader.end()
        if answer is not None:
            self._take(answer)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop."""
        self._transport = None
        self._asker.lost(self)

    def _take(self, answer: Answer) -> None:
        self.served += 1
        self._asker.answered(self, answer)


@dataclass(frozen=True, slots=True)
class Target:
    """Where the users send to: an address of the network, or a Unix socket."""

    host: str
    port: int = 0
    socket: Path | None = None

    @classmethod
    def of(cls, url: str) -> "Target":
        """Read `http://host:port` or `unix:/path`. Raises ValueError for anything else."""
        if url.startswith("unix:"):
            return cls("localhost", socket=Path(url.removeprefix("unix:")))
        parts = urlsplit(url)
        if parts.scheme != "http" or parts.hostname is None or parts.path.strip("/") or parts.query:
            raise ValueError(f"{url} is no address such as http://127.0.0.1:8080")
        return cls(parts.hostname, parts.port or 80)

    @property
    def name(self) -> str:
        """The value of the Host header."""
        return self.host if self.socket is not None else f"{self.host}:{self.port}"

    async def connect(self, make: Callable[[], Connection]) -> Connection:
        """Open a connection. Raises OSError if nothing answers there."""
        loop = asyncio.get_running_loop()
        if self.socket is not None:
            _, connection = await loop.create_unix_connection(make, str(self.socket))
        else:
            _, connection = await loop.create_connection(make, self.host, self.port)
        return connection
