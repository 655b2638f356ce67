"""The processes to ask, and what each answers: its metrics, whether it is ready, or why it can't be reached."""

import http.client
import socket
import ssl
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from streams.errors import UserError
from streams.top.samples import Samples, parse, plain

# For one answer as a whole, however slowly it comes.
SECONDS = 2.0
MOST_BYTES = 16 * 1024 * 1024
MOST_REASON = 300
_PIECE = 65_536


@dataclass(frozen=True)
class Target:
    """A process's endpoint. One that isn't `expected` is shown only if it answers."""

    name: str
    host: str
    port: int
    tls: bool = False
    expected: bool = True

    @property
    def address(self) -> str:
        """Return host and port."""
        return address(self.host, self.port)


@dataclass(frozen=True)
class Answer:
    """What a process answered at a time (s, monotonic): samples, or the reason why there are none."""

    target: Target
    at: float
    samples: Samples | None = None
    unreachable: str = ""
    not_ready: str = ""

    @property
    def kind(self) -> str:
        """Return worker or sink; empty if it is neither."""
        kinds = (kind for kind in ("worker", "sink") if self.samples and f"impressions_{kind}_ready" in self.samples)
        return next(kinds, "")


def address(host: str, port: int) -> str:
    """Return host and port as people write them."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def named(text: str) -> Target:
    """Return the target of a URL, or of host:port. Raises UserError."""
    parts = urlsplit(text if "://" in text else f"http://{text}")
    try:
        port = parts.port
    except ValueError:
        port = None
    if parts.scheme not in ("http", "https") or not parts.hostname or port is None:
        raise UserError(f"{plain(text)!r} is not the address of a metrics endpoint, as worker-0:9101 is.")
    return Target(address(parts.hostname, port), parts.hostname, port, parts.scheme == "https")


def ask(target: Target) -> Answer:
    """Fetch a process's metrics and readiness. It never raises for what a server, or the network, does."""
    try:
        status, text = _get(target, "/metrics")
        if status != http.client.OK:
            return Answer(target, time.monotonic(), unreachable=f"it answers with {status}, and has no metrics")
        samples = parse(text)
        status, reason = _get(target, "/readyz")
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Answer(target, time.monotonic(), unreachable=_why(error))
    not_ready = "" if status == http.client.OK else plain(reason.strip())[:MOST_REASON] or "no reason given"
    answer = Answer(target, time.monotonic(), samples, not_ready=not_ready)
    if not answer.kind:
        return Answer(target, time.monotonic(), unreachable="it answers, and is neither a worker nor a sink")
    return answer


def _get(target: Target, path: str) -> tuple[int, str]:
    """Return status and body. Proxies are not asked: these are addresses of the same network."""
    deadline = time.monotonic() + SECONDS
    if target.tls:
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            target.host, target.port, timeout=SECONDS, context=ssl.create_default_context()
        )
    else:
        connection = http.client.HTTPConnection(target.host, target.port, timeout=SECONDS)
    try:
        connection.request("GET", path)
        answer, body = connection.getresponse(), bytearray()
        while piece := answer.read1(_PIECE):
            body += piece
            if len(body) > MOST_BYTES:
                raise ValueError(f"it answers more than {MOST_BYTES // 1024**2} MiB")
            if time.monotonic() > deadline:
                raise TimeoutError
        return answer.status, body.decode(errors="replace")
    finally:
        connection.close()


def _why(error: Exception) -> str:
    match error:
        case ConnectionRefusedError():
            return "nothing listens there"
        case TimeoutError():
            return f"no answer within {SECONDS:g} s"
        case socket.gaierror():
            return "there is no such host"
        case http.client.HTTPException() | ValueError():
            return plain(f"what it answers can't be read ({error})")[:MOST_REASON]
        case _:
            return plain(str(error))[:MOST_REASON]
