"""`impressions top` in a real terminal and in a pipe, against real endpoints and those that misbehave."""

import fcntl
import http.server
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from streams.embedded.ports import free_pair
from streams.metrics import catalogue as metrics
from streams.runtime import health
from streams.top import target as targets
from streams.top.target import Target, ask
from streams.worker import observe

pytestmark = pytest.mark.integration

SECONDS = 60.0
LEAVES_SCREEN = b"\x1b[?1049l"
SHOWS_CURSOR = b"\x1b[?25h"


@pytest.fixture(scope="module")
def endpoints() -> list[str]:
    """A worker's and a sink's endpoint, as the processes serve them."""
    observe.begin()
    first = free_pair()
    for port, ready, registry in (
        (first, metrics.worker_ready, metrics.WORKER),
        (first + 1, metrics.sink_ready, metrics.SINK),
    ):
        ready.set(1)
        health.serve("127.0.0.1", port, health.Health(ready), registry)
    return [f"127.0.0.1:{first}", f"127.0.0.1:{first + 1}"]


class Terminal:
    """The command in a terminal of this size."""

    def __init__(self, columns: int, lines: int, *arguments: str) -> None:
        self._pid, self._descriptor = pty.fork()
        if self._pid == 0:
            os.environ["TERM"] = "xterm-256color"
            os.execv(sys.executable, [sys.executable, "-m", "streams", "top", *arguments])
        fcntl.ioctl(self._descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.output = b""

    def wait_for(self, text: bytes) -> None:
        """Read until the text was shown."""
        deadline = time.monotonic() + SECONDS
        while text not in self.output:
            assert time.monotonic() < deadline, self.output[-2_000:]
            self.read()

    def read(self) -> bool:
        """Read what comes within a moment; return whether the terminal is still open."""
        if not select.select([self._descriptor], [], [], 0.1)[0]:
            return True
        try:
            piece = os.read(self._descriptor, 65_536)
        except OSError:  # Linux's way to say that the other side has closed
            return False
        self.output += piece
        return bool(piece)

    def press(self, keys: bytes) -> None:
        os.write(self._descriptor, keys)

    def kill(self, number: int) -> None:
        os.kill(self._pid, number)

    def exit_code(self) -> int:
        while self.read():
            pass
        _, status = os.waitpid(self._pid, 0)
        os.close(self._descriptor)
        return os.waitstatus_to_exitcode(status)


@pytest.mark.parametrize(
    "leave",
    [
        pytest.param(lambda terminal: terminal.press(b"q"), id="q"),
        pytest.param(lambda terminal: terminal.press(b"\x03"), id="Ctrl-C"),
        pytest.param(lambda terminal: terminal.kill(signal.SIGTERM), id="SIGTERM"),
    ],
)
@pytest.mark.parametrize("columns", [80, 120])
def test_it_shows_itself_in_a_terminal_and_gives_it_back(
    endpoints: list[str], columns: int, leave: Callable[[Terminal], None]
) -> None:
    terminal = Terminal(columns, 24, *endpoints)
    terminal.wait_for(b"duplicate")
    leave(terminal)
    assert terminal.exit_code() == 0
    _, _, after = terminal.output.partition(LEAVES_SCREEN)
    assert SHOWS_CURSOR in terminal.output
    plain = re.sub(rb"\x1b\[[0-9;?]*[a-zA-Z]", b"", after).decode()
    assert "No problems; 2 of 2 processes answer." in plain
    assert max(map(len, plain.splitlines())) <= columns


def test_in_a_pipe_it_prints_lines_and_says_what_it_cannot_reach(endpoints: list[str]) -> None:
    gone = f"127.0.0.1:{free_pair()}"
    command = [sys.executable, "-m", "streams", "top", *endpoints, gone, "--count", "2", "--every", "0.5"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    problem, first, second = done.stdout.splitlines()
    assert problem.endswith(f"problem {gone} can't be reached: nothing listens there.")
    assert "processes=2/3" in first
    assert "received/s=0.0" in second
    assert "\x1b" not in done.stdout


def test_an_address_that_is_none_is_one_sentence() -> None:
    command = [sys.executable, "-m", "streams", "top", "worker-0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines() == ["'worker-0' is not the address of a metrics endpoint, as worker-0:9101 is."]


@contextmanager
def server(answer: Callable[[http.server.BaseHTTPRequestHandler], None]) -> Iterator[Target]:
    """A server that answers so."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield Target("x", "127.0.0.1", running.server_address[1])
        running.shutdown()


def send(handler: http.server.BaseHTTPRequestHandler, body: bytes, status: int = 200) -> None:
    handler.send_response(status)
    handler.end_headers()
    handler.wfile.write(body)


def test_an_endpoint_that_is_no_worker_and_no_sink_is_named() -> None:
    with server(lambda handler: send(handler, b"process_open_fds 3\n")) as one:
        assert ask(one).unreachable == "it answers, and is neither a worker nor a sink"
    with server(lambda handler: send(handler, b"", 404)) as one:
        assert ask(one).unreachable == "it answers with 404, and has no metrics"
    with server(lambda handler: send(handler, b"<html>\x1b[2J</html>")) as one:
        assert "can't be read" in ask(one).unreachable
        assert "\x1b" not in ask(one).unreachable


def test_an_answer_that_is_too_long_or_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "MOST_BYTES", 1024**2)
    monkeypatch.setattr(targets, "SECONDS", 0.5)
    stop = threading.Event()

    def drip(handler: http.server.BaseHTTPRequestHandler) -> None:
        send(handler, b"# ")
        while not stop.wait(0.1):
            handler.wfile.write(b"x")
            handler.wfile.flush()

    with server(lambda handler: send(handler, b"# x\n" * 1024**2)) as one:
        assert "it answers more than 1 MiB" in ask(one).unreachable
    with server(drip) as one:
        assert ask(one).unreachable == "no answer within 0.5 s"
        stop.set()


def test_a_process_that_is_not_ready_says_why(endpoints: list[str]) -> None:
    host, _, port = endpoints[0].partition(":")
    metrics.worker_ready.set(0)
    answer = ask(Target("worker-0", host, int(port)))
    metrics.worker_ready.set(1)
    assert (answer.kind, answer.not_ready, answer.unreachable) == ("worker", "not ready", "")
