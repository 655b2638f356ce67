"""A collector in a thread of the test's own process, with limits that a test can wait for and a log that it holds."""

import asyncio
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from socket import create_connection, socket
from typing import Any, TypeVar

import orjson
import uvloop

from streams.collector.errors import UnavailableError
from streams.collector.http.limits import Limits
from streams.collector.http.recorder import FOLDER
from streams.collector.log import Log
from streams.collector.server import Collector
from streams.metrics.base import COLLECTOR
from streams.settings import Settings

T = TypeVar("T")

START_SECONDS = 30.0
PATH = "/v1/impressions"
JSON = {"Content-Type": "application/json"}


class HeldLog(Log):
    """A log of four partitions without brokers: it acknowledges at once, or when the test says so."""

    def __init__(self) -> None:
        super().__init__(Settings())
        self.taken: list[tuple[int, bytes]] = []
        self.holding = False
        self.missing = ""
        """Why no topic is known; empty if one is."""
        self._waiting: list[asyncio.Future[None]] = []

    async def start(self) -> None:
        """Nothing is there to be started."""

    async def close(self) -> None:
        """Nor to be ended."""

    @property
    def partitions(self) -> int:
        """Four, if the topic is known."""
        if self.missing:
            raise UnavailableError(self.missing)
        return 4

    def why_not_ready(self) -> str | None:
        """Why no topic is known, if none is."""
        return self.missing or None

    async def append(self, lines: Sequence[tuple[int, bytes]]) -> None:
        """Take lines; return once they are acknowledged."""
        self.taken += lines
        if self.holding:
            future = asyncio.get_running_loop().create_future()
            self._waiting.append(future)
            await future

    def settle(self, error: Exception | None = None) -> None:
        """Acknowledge everything that is held, or let it fail. Call it in the loop."""
        for future in self._waiting:
            future.set_exception(error) if error else future.set_result(None)
        self._waiting.clear()

    @property
    def held(self) -> int:
        """How many requests wait."""
        return len(self._waiting)


class Running:
    """A collector that runs in a thread."""

    def __init__(self, settings: Settings, log: Log, limits: Limits | None, recorder_files: Path) -> None:
        self.log = log
        self._started: Future[Collector] = Future()
        self._arguments = settings, 0, log, limits, None, recorder_files
        self._thread = threading.Thread(target=self._run, name="collector")

    def start(self) -> None:
        """Return once it serves."""
        self._thread.start()
        self.collector = self._started.result(START_SECONDS)
        self.address = self.collector.address

    def _run(self) -> None:
        async def main() -> None:
            try:
                collector = Collector(*self._arguments)
            except BaseException as error:
                self._started.set_exception(error)
                return
            self._loop = asyncio.get_running_loop()
            # Connections wait in the socket's backlog from then on.
            self._started.set_result(collector)
            await collector.run()

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main())

    def call(self, what: Callable[..., T], *arguments: Any) -> T:
        """Call a function in the loop; return what it returns."""

        async def call() -> T:
            return what(*arguments)

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(START_SECONDS)

    def stop(self) -> None:
        """Begin to end, as on SIGTERM."""
        self.call(self.collector.stop, "test")

    def wait_end(self) -> None:
        """Return once it has ended."""
        self._thread.join(START_SECONDS)
        assert not self._thread.is_alive(), "the collector does not end"

    def connect(self) -> socket:
        """Return a connection to it."""
        return create_connection(self.address, START_SECONDS)

    def raw(self, *pieces: bytes) -> bytes:
        """Send bytes as they are, and return what is answered until the connection ends."""
        with self.connect() as connection:
            for piece in pieces:
                connection.sendall(piece)
            return everything(connection)

    def ask(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> HTTPResponse:
        """Send a request, and return the answer, whose body has been read (`answer.text`)."""
        connection = HTTPConnection(*self.address, timeout=START_SECONDS)
        try:
            connection.request(method, path, body or None, headers or {})
            answer = connection.getresponse()
            answer.text = answer.read()  # type: ignore[attr-defined]
            return answer
        finally:
            connection.close()

    def post(self, body: bytes, headers: dict[str, str] | None = None, query: str = "") -> HTTPResponse:
        """Record a body."""
        return self.ask("POST", PATH + query, body, {**JSON, **(headers or {})})


def one_answer(connection: socket) -> bytes:
    """Return one answer, whole, from a connection that stays open; what there is, if the connection ends."""
    came = b""
    while b"\r\n\r\n" not in came and (piece := connection.recv(65_536)):
        came += piece
    head, _, body = came.partition(b"\r\n\r\n")
    found = re.search(rb"content-length: (\d+)", head.lower())
    missing = (int(found[1]) if found else 0) - len(body)
    while missing > 0 and (piece := connection.recv(missing)):
        came += piece
        missing -= len(piece)
    return came


def text(answer: HTTPResponse) -> bytes:
    """Return the body of an answer to `ask` or `post`."""
    found: bytes = answer.text  # type: ignore[attr-defined]
    return found


def counted(name: str, **labels: str) -> float:
    """Return a counter of this process."""
    return COLLECTOR.get_sample_value(f"impressions_collector_{name}_total", labels) or 0.0


def everything(connection: socket) -> bytes:
    """Return what comes until the other side ends the connection, by FIN or RST."""
    pieces = []
    try:
        while piece := connection.recv(65_536):
            pieces.append(piece)
    except ConnectionResetError:
        pass  # what came before counts
    return b"".join(pieces)


def status(answer: bytes) -> int:
    """Return the status of the first answer in these bytes; 0 if there is none."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


def statuses(answers: bytes) -> list[int]:
    """Return the statuses of all answers in these bytes."""
    return [int(each.split(b" ", 1)[0]) for each in answers.split(b"HTTP/1.1 ")[1:]]


def flush(user: str = "u1", impressions: int = 1, now_ms: int | None = None, **more: Any) -> bytes:
    """Return a flush as its line."""
    at = int(1000 * time.time()) if now_ms is None else now_ms
    seen = [{"impression_id": f"i{n}", "artwork_id": f"a{n:04d}", "seen_at": at} for n in range(impressions)]
    return orjson.dumps({"v": 1, "flush_id": "f1", "user_id": user, "sent_at": at, "impressions": seen, **more})


@contextmanager
def running_collector(
    log: Log | None = None, limits: Limits | None = None, recorder_files: Path = FOLDER, **settings: Any
) -> Iterator[Running]:
    """Run a collector, with a log that acknowledges at once if none is given."""
    quick = {"collector_notice_seconds": 0, "collector_address_rate": 0, "collector_user_rate": 0, **settings}
    running = Running(Settings.model_validate(quick), log or HeldLog(), limits, recorder_files)
    running.start()
    try:
        yield running
    finally:
        if running._thread.is_alive():
            running.stop()
        running.wait_end()
