"""A collector in this process that keeps what it gets in a list, and misbehaves when told to.

Its good behaviour is the contract's (§6), as the real one's: tests/contract/test_collector.py runs on both. What it
does wrong, it does for one request each, in the order in which faults are given.
"""

import gzip
import json
import ssl
import struct
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import SO_LINGER, SOL_SOCKET
from threading import Event, Lock, Thread
from typing import Any

from impression_streams.ids import now_ms
from streams.core.decode import DecodedFlush, InvalidImpression, decode

MAX_BYTES = 1024 * 1024
MAX_INFLATED = 4 * MAX_BYTES
MAX_FLUSHES = 500
FUTURE_MS = 300_000
HANG_SECONDS = 120.0
DRIP_SECONDS = 0.1

Problem = tuple[int, str]


@dataclass
class Request:
    """What came: the header by names in lower case, the body as sent and as read."""

    path: str
    headers: dict[str, str]
    body: bytes
    text: bytes = b""


@dataclass
class Double:
    """The double. `tokens` are the users that tokens stand for; None where none is required."""

    url: str = ""
    tokens: dict[str, str] | None = None
    max_bytes: int = MAX_BYTES
    requests: list[Request] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)
    connections: int = 0
    faults: "deque[Fault]" = field(default_factory=deque)
    released: Event = field(default_factory=Event)  # lets whoever hangs go on
    lock: Lock = field(default_factory=Lock)

    def ids(self) -> list[str]:
        """Return the ids of all impressions that are stored, once for each time."""
        decoded = [decode(line) for line in self.lines]
        flushes = [each.flush for each in decoded if isinstance(each, DecodedFlush)]
        return [impression.impression_id for flush in flushes for impression in flush.impressions]

    def take(self, text: bytes, bearer: str) -> tuple[int, dict[str, Any]]:
        """Store what can be stored; return the status and the answer."""
        user = None if self.tokens is None else self.tokens.get(bearer, "")
        accepted, rejected, stored, unauthorised = 0, list[dict[str, object]](), list[bytes](), False
        for number, line in enumerate(text.removesuffix(b"\n").split(b"\n")):
            if (token := _token(line)) is not None:
                user = None if self.tokens is None else self.tokens.get(token, "")
                continue
            decoded = decode(line)
            owner = decoded.flush.user_id if isinstance(decoded, DecodedFlush) else decoded.user_id
            if owner and user is not None and owner != user:
                unauthorised = True
                rejected.append({"line": number, "index": -1, "reason": "unauthorised"})
            elif not isinstance(decoded, DecodedFlush):
                rejected.append({"line": number, "index": -1, "reason": decoded.reason})
                stored += [line] if owner else []
            else:
                wrong = [(i, reason) for i, each in enumerate(decoded.impressions) if (reason := _reason(each))]
                rejected += [{"line": number, "index": i, "reason": reason} for i, reason in wrong]
                accepted += len(decoded.impressions) - len(wrong)
                stored.append(line)
        if not stored:
            status, detail = (403, "not this user's token") if unauthorised else (400, "nothing in it can be read")
            return status, {"status": status, "detail": detail, "rejected": rejected}
        with self.lock:
            self.lines += stored
        return 202, {"accepted": accepted, "rejected": rejected}


def _token(line: bytes) -> str | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return str(value["token"]) if isinstance(value, dict) and value.keys() == {"token"} else None


def _reason(impression: object) -> str:
    if isinstance(impression, InvalidImpression):
        return "invalid"
    return "future" if getattr(impression, "seen_at", 0) - now_ms() > FUTURE_MS else ""


class Handler(BaseHTTPRequestHandler):
    """Serves one connection."""

    protocol_version = "HTTP/1.1"
    double: Double

    def setup(self) -> None:
        super().setup()
        with self.double.lock:
            self.double.connections += 1

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        double = self.double
        size = int(self.headers.get("Content-Length", "0"))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.path, headers, b"")
        with double.lock:
            double.requests.append(request)
            fault = double.faults.popleft() if double.faults else None
        if fault is not None and fault(self, request):
            return
        request.body = self.rfile.read(size)
        problem = self._read(request, size)
        if problem is not None:
            self.answer(problem[0], {"status": problem[0], "detail": problem[1]})
            return
        bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
        self.answer(*double.take(request.text, bearer))

    def _read(self, request: Request, size: int) -> Problem | None:
        if request.path.split("?")[0] != "/v1/impressions":
            return 404, "no such page"
        if request.headers.get("content-type", "").split(";")[0] not in ("text/plain", "application/json"):
            return 415, "text/plain or application/json is expected"
        if size > self.double.max_bytes:
            return 413, f"{self.double.max_bytes} bytes are allowed"
        request.text = request.body
        if request.headers.get("content-encoding") == "gzip" or "encoding=gzip" in request.path:
            try:
                request.text = gzip.decompress(request.body)
            except (OSError, EOFError):
                return 400, "the body is not gzip"
        if len(request.text) > MAX_INFLATED or request.text.count(b"\n") >= MAX_FLUSHES + 100:
            return 413, "too much"
        return None

    def answer(self, status: int, value: object, headers: dict[str, str] | None = None) -> None:
        """Answer with JSON."""
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status, HTTPStatus(status).phrase)
        for name, text in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def swallow(self, request: Request) -> bytes:
        """Read the body and store it without a word; return what would be answered."""
        request.body = self.rfile.read(int(self.headers["Content-Length"]))
        assert self._read(request, 0) is None
        bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
        return json.dumps(self.double.take(request.text, bearer)[1]).encode()

    def reset(self) -> None:
        """End the connection at once, by RST."""
        self.close_connection = True
        self.connection.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


# Does something wrong; returns whether the request is dealt with.
Fault = Callable[[Handler, Request], bool]


def status(code: int, headers: dict[str, str] | None = None, body: object = None) -> Fault:
    """Answer so, after the body was read, and store nothing."""

    def fault(handler: Handler, request: Request) -> bool:
        request.body = handler.rfile.read(int(handler.headers["Content-Length"]))
        handler.answer(code, {"detail": "by order"} if body is None else body, headers)
        return True

    return fault


def early(code: int) -> Fault:
    """Answer before the body is read, and close."""

    def fault(handler: Handler, request: Request) -> bool:
        handler.close_connection = True
        handler.answer(code, {"detail": "by order"}, {"Connection": "close"})
        return True

    return fault


def forgets(handler: Handler, request: Request) -> bool:
    """Store it, and reset the connection instead of answering."""
    handler.swallow(request)
    handler.reset()
    return True


def half(handler: Handler, request: Request) -> bool:
    """Store it, and send half of the answer."""
    handler.swallow(request)
    handler.close_connection = True
    handler.wfile.write(b'HTTP/1.1 202 Accepted\r\nContent-Length: 30\r\n\r\n{"accepted"')
    return True


def resets(handler: Handler, request: Request) -> bool:
    """Reset the connection before anything is read."""
    handler.reset()
    return True


def closes(handler: Handler, request: Request) -> bool:
    """Serve it, and close the connection without having said so."""
    handler.close_connection = True
    return False


def says_goodbye(handler: Handler, request: Request) -> bool:
    """Serve it, with an answer in two pieces that says that the connection ends with it."""
    body = handler.swallow(request)
    handler.close_connection = True
    head = f"HTTP/1.1 202 Accepted\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    handler.wfile.write(head.encode())
    handler.double.released.wait(DRIP_SECONDS)
    handler.wfile.write(body)
    return True


def hangs(handler: Handler, request: Request) -> bool:
    """Store it, and say nothing until released; then reset the connection."""
    handler.swallow(request)
    handler.double.released.wait(HANG_SECONDS)
    handler.reset()
    return True


def drips(handler: Handler, request: Request) -> bool:
    """Store it, and answer so slowly that it never ends, with a pause too short for a time-out of its own."""
    handler.swallow(request)
    handler.close_connection = True
    handler.wfile.write(b"HTTP/1.1 202 Accepted\r\nX-Padding: ")
    try:
        while not handler.double.released.wait(DRIP_SECONDS):
            handler.wfile.write(b"x")
    except OSError:
        return True  # nobody waits any longer
    return True


def serves(handler: Handler, request: Request) -> bool:
    """Do nothing wrong."""
    return False


@contextmanager
def running_double(certificate: Path | None = None, tokens: dict[str, str] | None = None) -> Iterator[Double]:
    """Run a double; with TLS if there is a certificate, in a file with its key."""
    double = Double(tokens=tokens)

    class Bound(Handler):
        pass

    Bound.double = double
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bound)
    server.daemon_threads = True
    server.block_on_close = False
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    double.url = f"{'http' if certificate is None else 'https'}://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield double
    finally:
        double.released.set()
        server.shutdown()
        thread.join()
        server.server_close()
