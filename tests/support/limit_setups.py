"""Collectors for the cases of tests.support.limit_cases: each has limits that a test can reach, and waits that are
short."""

import json
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from joserfc import jws
from joserfc.jwk import OKPKey

from streams.collector.errors import UnavailableError
from streams.collector.http.limits import Limits
from tests.support.collector import PATH, HeldLog, Running, everything, flush, one_answer, running_collector, status
from tests.support.wait import until

SECONDS = 30.0
SHOP = "https://shop.example"
OTHER = "https://other.example"
HEAD = f"POST {PATH} HTTP/1.1\r\nHost: c\r\nContent-Type: text/plain\r\n".encode()
LARGE = b"x" * 1_000_000
KEY = OKPKey.generate_key("Ed25519")

Setup = Callable[[Path], AbstractContextManager[Running]]
Send = Callable[[Running], int]


def with_limits(limits: Limits | None = None, **settings: Any) -> Setup:
    """Return a set-up of a collector that acknowledges at once."""
    return lambda _folder: running_collector(limits=limits, **settings)


@contextmanager
def _with_tokens(folder: Path) -> Iterator[Running]:
    file = folder / "token_keys.json"
    file.write_text(json.dumps({"keys": [KEY.as_dict(private=False) | {"kid": "k1", "alg": "Ed25519", "use": "sig"}]}))
    with running_collector(token_key_file=file, collector_origins=f"{SHOP},{OTHER}") as running:
        yield running


@contextmanager
def _without_topic(_folder: Path) -> Iterator[Running]:
    log = HeldLog()
    log.missing = "there is no topic"
    with running_collector(log) as running:
        yield running


@contextmanager
def _holding(_folder: Path, **settings: Any) -> Iterator[Running]:
    log = HeldLog()
    log.holding = True
    with running_collector(log, **settings) as running:
        yield running


@contextmanager
def _full(folder: Path, address_share: float) -> Iterator[Running]:
    """Six bodies of a MB, all from one address, wait for the brokers; or four, which is an address's part."""
    waiting = 6 if address_share == 1 else 4
    settings = {"collector_budget_mib": 8, "collector_address_share": address_share}
    with ExitStack() as stack:
        running = stack.enter_context(_holding(folder, **settings))
        body = flush(x=LARGE.decode())
        for _ in range(waiting):
            connection = stack.enter_context(running.connect())
            connection.sendall(HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        log = running.log
        assert isinstance(log, HeldLog)
        until(lambda: log.held == waiting, SECONDS, "they wait for the brokers")
        yield running
        running.call(log.settle)


@contextmanager
def _crowded(_folder: Path) -> Iterator[Running]:
    with running_collector(limits=Limits(connections=1)) as running, running.connect():
        until(lambda: len(running.collector.server.server_state.connections) == 1, SECONDS, "it is there")
        yield running


@contextmanager
def _impatient(_folder: Path) -> Iterator[Running]:
    with running_collector(limits=Limits(unread_seconds=0.5, linger_bytes=100_000)) as running:
        running.collector.server.config.timeout_keep_alive = 1
        yield running


SETUPS: dict[str, Setup] = {
    "quick": with_limits(Limits(head_seconds=0.4, piece_seconds=0.4, linger_seconds=0.4), collector_origins=SHOP),
    "slow": with_limits(Limits(body_seconds=1.0, piece_seconds=SECONDS)),
    "one request": with_limits(collector_address_rate=0.001, collector_address_burst=1),
    "ten impressions": with_limits(collector_user_rate=0.001, collector_user_burst=10),
    "proxied": with_limits(collector_proxies="127.0.0.1", collector_proxy_header="proxy-protocol"),
    "tokens": _with_tokens,
    "no topic": _without_topic,
    "holding": _holding,
    "budget": lambda folder: _full(folder, 1),
    "part": lambda folder: _full(folder, 0.25),
    "crowded": _crowded,
    "impatient": _impatient,
}


def post(body: bytes | Callable[[], bytes], headers: dict[str, str] | None = None) -> Send:
    """Return what sends a body, made when it is sent if it is a function."""
    return lambda running: running.post(body() if callable(body) else body, headers).status


def raw(*pieces: bytes) -> Send:
    """Return what sends bytes as they are, and reads the first answer, 0 if the connection ends without one."""
    return lambda running: status(running.raw(*pieces))


def ask(method: str, path: str = PATH, **headers: str) -> Send:
    """Return what sends a request without a body."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda running: running.ask(method, path, headers=named).status


def twice(body: Callable[[], bytes]) -> Send:
    """Return what sends a body twice; its status is the second one's."""

    def send(running: Running) -> int:
        running.post(body())
        return running.post(body()).status

    return send


def drip(running: Running) -> int:
    """Send a body a byte at a time, until it is answered."""
    with running.connect() as sender:
        sender.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
        sender.settimeout(0.1)
        for _ in range(1_000):
            try:
                return status(sender.recv(65_536))
            except TimeoutError:
                sender.sendall(b"x")
    return 0


def settled(error: Exception) -> Send:
    """Return what sends a flush that the brokers don't take."""

    def send(running: Running) -> int:
        log, body = running.log, flush()
        assert isinstance(log, HeldLog)
        with running.connect() as connection:
            connection.sendall(HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
            until(lambda: log.held == 1, SECONDS, "it waits for the brokers")
            running.call(log.settle, error)
            return status(one_answer(connection))

    return send


def with_token(user: str = "u1", seconds: float = 600, origin: str = "", page: str = "") -> Send:
    """Return what sends a flush of u1 with a token, from a page."""

    def send(running: Running) -> int:
        claims = {"sub": user, "exp": int(time.time() + seconds)} | ({"origin": origin} if origin else {})
        token = jws.serialize_compact({"alg": "Ed25519", "kid": "k1"}, json.dumps(claims), KEY, algorithms=["Ed25519"])
        headers = {"Authorization": f"Bearer {token}"} | ({"Origin": page} if page else {})
        return running.post(flush("u1"), headers).status

    return send


def came(connection: Any, sent: bytes) -> bool:
    """Say whether the collector has read the head of what was sent, or all of a head that doesn't end."""
    return connection.cycle is not None or connection._came == len(sent)


def reset(sent: bytes) -> Send:
    """Return what ends a connection by RST once these bytes have come."""

    def send(running: Running) -> int:
        state = running.collector.server.server_state
        with running.connect() as connection:
            connection.sendall(sent)
            until(lambda: any(came(each, sent) for each in state.connections), SECONDS, "they have come")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        until(lambda: not state.connections, SECONDS, "it is forgotten")
        return 0

    return send


def unread(running: Running) -> int:
    """Ask for more answers than the system's buffers hold, and read none."""
    # So long that few of them come together: there is a limit of that, too.
    ask = b"GET /openapi.json HTTP/1.1\r\nHost: c\r\nX: " + b"x" * 8_000 + b"\r\n\r\n"
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.connect(running.address)
        connection.settimeout(SECONDS)
        with suppress(ConnectionError):  # cut off, as it must be
            connection.sendall(ask * 20_000)
            raise AssertionError("it is never cut off")
    return 0


def goes_on(head: bytes) -> Send:
    """Return what sends a head, and then a body for as long as it is taken."""

    def send(running: Running) -> int:
        with running.connect() as connection:
            connection.sendall(head)
            first = status(one_answer(connection))
            with suppress(ConnectionError):  # cut off, as it must be
                connection.sendall(LARGE * 200)
                raise AssertionError("it is read for ever")
        return first

    return send


def kept_open(request: bytes) -> Send:
    """Return what sends a request, and then nothing more until the other side ends the connection."""

    def send(running: Running) -> int:
        with running.connect() as connection:
            connection.sendall(request)
            first = status(one_answer(connection))
            assert everything(connection) == b""
        return first

    return send


def no_ack() -> Exception:
    """Return what the log says of a record that wasn't acknowledged."""
    return UnavailableError("no ack")
