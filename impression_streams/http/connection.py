"""One connection to a collector, and the thread that uses it: it has one request in flight, or none.

The thread waits for nobody but the collector, and for the caller's function that gives tokens. What became of a request
is posted to the producer's own thread, which decides what to do about it.
"""

import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPResponse, RemoteDisconnected
from typing import Any

from impression_streams import native
from impression_streams.http.answer import MAX_ANSWER_BYTES, Answer
from impression_streams.http.batch import Batch, Body, render
from impression_streams.http.endpoint import Endpoint
from impression_streams.http.token import TokenError, Tokens
from impression_streams.http.wire import connect, cut
from impression_streams.sending import Post

# A connection that rested longer is not used again: a collector closes it after 15 s, and a proxy perhaps sooner.
IDLE_SECONDS = 10.0
CONNECT_SECONDS = 10.0
# What says that the other side had closed a connection before the request reached it.
STALE = (RemoteDisconnected, BrokenPipeError, ConnectionResetError, ssl.SSLEOFError)


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go and how: without TLS if `tls` is None. `seconds` is the most that a request may take."""

    endpoint: Endpoint
    tokens: Tokens
    tls: ssl.SSLContext | None
    seconds: float


@dataclass(slots=True)
class Result:
    """What came of a batch: an answer, or why there is none. `lines` is its Body's, of the records that were sent.

    `missing` has the users for whom there was no token, with the reason: their records were not sent.
    """

    answer: Answer | None = None
    trouble: str = ""
    lines: list[int] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)


class Connection:
    """The sender's own thread calls all methods. `answered` is posted to it for every batch that was sent."""

    def __init__(
        self, target: Target, post: Post, answered: Callable[["Connection", Result], None], threads: set[int]
    ) -> None:
        self.batch: Batch | None = None  # in flight
        self.overdue_at = 0.0  # when it has taken too long (monotonic, s)
        self.is_cut = False  # and is being ended
        self._target = target
        self._post = post
        self._answered = answered
        self._threads = threads
        self._queue = native.simple_queue()
        self._http = _Http(target)
        self._used = 0.0
        self._started = False

    def send(self, batch: Batch, now: float) -> None:
        """Send a batch; there must be none in flight."""
        if not self._started:
            self._started = True
            native.start(self._run, "impression-producer-http")
        self.batch, self.is_cut = batch, False
        self.overdue_at = now + self._target.seconds
        self._queue.put(batch)

    def cut(self) -> None:
        """End the request in flight: it fails soon."""
        self.is_cut = True
        if self._http.socket is not None:
            cut(self._http.socket)

    def stop(self) -> None:
        """Let the thread end once the request in flight, if any, has."""
        self._queue.put(None)

    def _run(self) -> None:
        self._threads.add(native.thread_id())
        while (batch := self._queue.get()) is not None:
            self._post(partial(self._answered, self, self._exchange(batch)))
        self._http.close()
        self._threads.discard(native.thread_id())  # another thread may get the id

    def _exchange(self, batch: Batch) -> Result:
        result = Result()
        try:
            bearer, by_user = self._tokens(batch, result.missing)
            items = [item for item in batch.items if item.user_id not in result.missing]
            if items:
                body = render(items, by_user)
                result.lines = body.lines
                result.answer = self._ask(body, bearer)
        except Exception as error:  # whatever it is, a batch that was not acknowledged is sent again
            self._http.close()
            result.trouble = self._describe(error)
        return result

    def _tokens(self, batch: Batch, missing: dict[str, str]) -> tuple[str | None, dict[str, str]]:
        """Return the token of the whole request, and those of its users. Raises TokenError."""
        tokens = self._target.tokens
        if not tokens.is_by_user:
            return tokens.get(), {}
        found: dict[str, str] = {}
        for user_id in {item.user_id for item in batch.items if item.user_id}:
            try:
                found[user_id] = tokens.get(user_id) or ""
            except TokenError as error:
                missing[user_id] = str(error)
        return None, found

    def _describe(self, error: Exception) -> str:
        if isinstance(error, TokenError):
            return str(error)
        if self.is_cut or isinstance(error, TimeoutError):
            return f"the collector did not answer within {self._target.seconds:g} s"
        return f"{type(error).__name__}: {error}".removesuffix(": ")

    def _ask(self, body: Body, bearer: str | None) -> Answer:
        """Send it; once more at once if the connection had been closed while it rested. Raises OSError."""
        if time.monotonic() - self._used > IDLE_SECONDS:
            self._http.close()
        is_fresh = self._http.sock is None
        try:
            return self._ask_once(body, bearer)
        except STALE:
            if is_fresh or self.is_cut:
                raise
        self._http.close()
        return self._ask_once(body, bearer)

    def _ask_once(self, body: Body, bearer: str | None) -> Answer:
        headers = {
            "Host": self._target.endpoint.authority,
            "User-Agent": "impression-streams",
            "Accept": "application/json",
            "Content-Type": "application/json",
        }
        if body.is_gzip:
            headers["Content-Encoding"] = "gzip"
        if bearer is not None:
            headers["Authorization"] = f"Bearer {bearer}"
        unsent: Exception | None = None
        try:
            self._http.request("POST", self._target.endpoint.target, body.data, headers)
        except (BrokenPipeError, ConnectionResetError) as error:
            unsent = error  # it may have answered before it had read all, and closed
        try:
            response = self._http.getresponse()
        except (OSError, HTTPException) as error:
            raise unsent or error from None
        try:
            return self._read(response)
        finally:
            response.close()
            if unsent is not None:
                self._http.close()

    def _read(self, response: HTTPResponse) -> Answer:
        data = response.read(MAX_ANSWER_BYTES + 1)
        if len(data) > MAX_ANSWER_BYTES:
            self._http.close()
            data = b""
        elif response.length:  # it ended too early, which `read` with a size doesn't say
            raise ConnectionError("the answer is incomplete")
        self._used = time.monotonic()
        return Answer(response.status, data, response.headers.get("Retry-After"))


class _Http(HTTPConnection):
    """http.client's protocol over our own wire. It reads no proxy from the environment and follows no redirect."""

    def __init__(self, target: Target) -> None:
        super().__init__(target.endpoint.host, target.endpoint.port)
        self.socket: Any = None
        self._target = target

    def connect(self) -> None:
        """Connect. Raises OSError."""
        seconds = min(CONNECT_SECONDS, self._target.seconds)
        wire: Any = connect(self._target.endpoint, self._target.tls, seconds, self._opened)
        self.socket.settimeout(self._target.seconds)
        self.sock = wire

    def _opened(self, sock: Any) -> None:
        self.socket = sock
