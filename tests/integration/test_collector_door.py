"""Whom the collector lets in: buckets, proxies, connections, origins; and what every answer has."""

import re
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from itertools import chain
from socket import socket

import orjson
import pytest

from streams.collector.errors import UnavailableError
from streams.collector.http.limits import Limits
from tests.support.collector import (
    PATH,
    HeldLog,
    Running,
    counted,
    everything,
    flush,
    one_answer,
    running_collector,
    status,
    text,
)
from tests.support.wait import until

SECONDS = 30.0
PATIENT = Limits(body_seconds=60.0, piece_seconds=60.0)
SHOP = "https://shop.example"
HEAD = f"POST {PATH} HTTP/1.1\r\nHost: c\r\nContent-Type: text/plain\r\n".encode()


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with running_collector(collector_origins=SHOP) as running:
        yield running


def test_an_address_has_a_bucket() -> None:
    with running_collector(collector_address_rate=0.001, collector_address_burst=3) as running:
        before = counted("limited_requests", kind="address")
        answers = [running.post(flush()) for _ in range(5)]
        assert [answer.status for answer in answers] == [202, 202, 202, 429, 429]
        assert int(answers[-1].headers["Retry-After"]) >= 1
        assert counted("limited_requests", kind="address") == before + 2
        assert running.ask("GET", "/readyz").status == 200, "whoever watches over it has no bucket"


def test_a_user_has_a_bucket() -> None:
    with running_collector(collector_user_rate=0.001, collector_user_burst=10) as running:
        before = counted("limited_requests", kind="user")
        statuses = [running.post(flush(user, 10)).status for user in ("u1", "u1", "u2")]
        assert statuses == [202, 429, 202]
        assert counted("limited_requests", kind="user") == before + 1
        assert isinstance(running.log, HeldLog)
        assert len(running.log.taken) == 2, "what was refused is not in the log"


def test_of_many_users_the_one_over_the_limit_is_named_and_nobody_is_charged() -> None:
    with running_collector(collector_user_rate=0.001, collector_user_burst=10) as running:
        assert isinstance(running.log, HeldLog)
        assert running.post(flush("greedy", 10)).status == 202
        body = [flush("first", 10), flush("greedy"), flush("last", 10)]
        answer = running.post(b"\n".join(body))
        assert answer.status == 429
        named = orjson.loads(text(answer))["limited"]
        assert [(each["user_id"], each["lines"]) for each in named] == [("greedy", [1])]
        assert int(answer.headers["Retry-After"]) >= named[0]["retry_after"] >= 1
        assert len(running.log.taken) == 1, "what was refused is not in the log"
        # Each of the others still has all that it may record at once.
        assert running.post(b"\n".join([body[0], body[2]])).status == 202
        assert running.post(flush("first")).status == 429


def test_what_the_brokers_did_not_take_is_not_charged() -> None:
    log = HeldLog()
    with running_collector(log, collector_user_rate=0.001, collector_user_burst=10) as running:
        log.holding = True
        with running.connect() as connection:
            body = flush("u1", 10)
            connection.sendall(HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
            until(lambda: log.held == 1, SECONDS, "it waits for the brokers")
            running.call(log.settle, UnavailableError("no ack"))
            assert status(one_answer(connection)) == 503
        log.holding = False
        assert running.post(body).status == 202, "it may be sent again unchanged"


def test_an_address_cannot_fill_the_budget_with_slow_bodies() -> None:
    """Its part of the smallest budget is 4 MiB; the rest is for everybody else."""
    with running_collector(limits=PATIENT, collector_budget_mib=8, collector_proxies="127.0.0.0/8") as running:
        budget = running.collector.budget
        piece = b"x" * 1_000_000

        def begin(client: int, size: int = 2**20) -> socket:
            connection = running.connect()
            head = HEAD + f"X-Forwarded-For: 198.51.100.{client}\r\nContent-Length: {size}\r\n\r\n".encode()
            connection.sendall(head + piece[:size])
            return connection

        slow = [begin(1) for _ in range(4)]
        until(lambda: budget.used == 4 * len(piece), SECONDS, "four bodies are being read")
        before = counted("refused_requests", reason="limit")
        with begin(1) as fifth:
            answer = one_answer(fifth)
            assert status(answer) == 503
            assert b"retry-after: " in answer.lower()
        until(lambda: counted("refused_requests", reason="limit") == before + 1, SECONDS, "it is counted")
        # A body of unknown length finds out while it comes.
        with running.connect() as chunked:
            head = HEAD + b"X-Forwarded-For: 198.51.100.1\r\nTransfer-Encoding: chunked\r\n\r\n"
            chunked.sendall(head + b"40000\r\n" + bytes(0x40000) + b"\r\n")
            assert status(one_answer(chunked)) == 503
        assert running.post(flush(), {"X-Forwarded-For": "198.51.100.2"}).status == 202, "others go on"
        for connection in slow:
            connection.close()
        until(lambda: budget.used == 0, SECONDS, "nothing is held")
        assert running.post(flush(), {"X-Forwarded-For": "198.51.100.1"}).status == 202


def test_a_proxy_is_believed_only_if_it_is_configured() -> None:
    hops = [{"X-Forwarded-For": f"198.51.100.{n}"} for n in range(3)]
    with running_collector(collector_address_rate=0.001, collector_address_burst=1) as running:
        assert [running.post(flush(), each).status for each in hops] == [202, 429, 429]
    proxies = "127.0.0.0/8"
    with running_collector(
        collector_address_rate=0.001, collector_address_burst=1, collector_proxies=proxies
    ) as running:
        assert [running.post(flush(), each).status for each in hops] == [202, 202, 202]
        # The left end of the list is what the client itself has sent.
        spoofed = {"X-Forwarded-For": "203.0.113.7, 198.51.100.1"}
        assert running.post(flush(), spoofed).status == 429


def version_2(address: str) -> bytes:
    """Return a PROXY header of version 2, of a TCP connection of IPv4."""
    addresses = ip_address(address).packed + ip_address("10.0.0.1").packed + bytes([0, 1, 0, 2])
    return b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + len(addresses).to_bytes(2) + addresses


def post_after(running: Running, *preamble: bytes) -> int:
    """Return the status of a request on a connection that begins with these bytes."""
    body = flush()
    head = HEAD + f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    return status(running.raw(*preamble, head + body))


@pytest.mark.parametrize("host", ["127.0.0.1", "::"])
def test_a_proxy_may_name_the_client_before_http_begins(host: str) -> None:
    """Also a proxy of IPv4 on a socket of IPv6, which names it ::ffff:127.0.0.1."""
    with running_collector(
        limits=Limits(head_seconds=0.4),
        collector_host=host,
        collector_without_tokens=True,
        collector_address_rate=0.001,
        collector_address_burst=1,
        collector_proxies="127.0.0.0/8",
        collector_proxy_header="proxy-protocol",
    ) as running:
        running.address = "127.0.0.1", running.address[1]
        lines = [f"PROXY TCP4 198.51.100.{n} 10.0.0.1 1 2\r\n".encode() for n in range(2)]
        assert [post_after(running, each) for each in lines] == [202, 202]
        assert post_after(running, version_2("198.51.100.2")) == 202
        assert [post_after(running, version_2(f"198.51.100.{n}")) for n in range(3)] == [429, 429, 429]
        assert post_after(running, lines[0][:9], lines[0][9:]) == 429, "in two pieces, too"
        assert post_after(running) == 400, "a proxy's connection begins with it"
        assert post_after(running, b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff" + bytes(70_000)) == 400
        assert status(running.raw(lines[0][:9])) == 0, "and it must come in time"


@pytest.mark.parametrize("header", [b"PROXY TCP4 198.51.100.1 10.0.0.1 1 2\r\n", version_2("198.51.100.1")])
def test_nobody_else_may(header: bytes) -> None:
    """From any other address it is what it is to HTTP: nothing. Their requests without it are as they always are."""
    with running_collector(collector_proxies="192.0.2.0/24", collector_proxy_header="proxy-protocol") as running:
        assert post_after(running, header) == 400
        assert post_after(running) == 202
    with running_collector(collector_proxies="127.0.0.0/8") as running:
        assert post_after(running, header) == 400, "they name it in a field"


def test_more_connections_than_there_may_be_get_503() -> None:
    with running_collector(limits=Limits(connections=2)) as running:
        kept = [running.connect() for _ in range(2)]
        server = running.collector.server
        until(lambda: len(server.server_state.connections) == 2, SECONDS, "both are there")
        with running.connect() as third:
            assert status(everything(third)) == 503
        for connection in kept:
            connection.close()
        until(lambda: not server.server_state.connections, SECONDS, "both are gone")
        assert running.post(flush()).status == 202


def test_cors_echoes_an_allowed_origin_and_no_other(running: Running) -> None:
    allowed = running.post(flush(), {"Origin": SHOP}).headers
    assert allowed["Access-Control-Allow-Origin"] == SHOP
    assert allowed["Access-Control-Allow-Credentials"] == "true", "beacons send credentials"
    assert "Origin" in allowed["Vary"]
    other = running.post(flush(), {"Origin": "https://evil.example"}).headers
    assert other["Access-Control-Allow-Origin"] is None
    preflight = running.ask("OPTIONS", PATH, headers={"Origin": SHOP, "Access-Control-Request-Method": "POST"})
    assert preflight.status == 204
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
    assert running.ask("OPTIONS", PATH, headers={"Origin": "https://evil.example"}).status == 403


def dates(answers: bytes) -> list[int]:
    """Return how many fields Date each answer has, if each of them has the time; the tolerance is the test's own."""
    found = [re.findall(rb"(?im)^date: (.+?)\r$", head) for head in re.findall(rb"HTTP/1.1 .+?\r\n\r\n", answers, re.S)]
    for each in chain.from_iterable(found):
        assert abs(parsedate_to_datetime(each.decode()).timestamp() - time.time()) < SECONDS
    return [len(each) for each in found]


def test_every_answer_says_once_when_it_was_given_and_pages_may_read_it(running: Running) -> None:
    """A recorder knows by it how far its device's clock is off."""
    body = flush()
    origin = f"Origin: {SHOP}\r\nConnection: close\r\n".encode()
    post = HEAD + origin + f"Content-Length: {len(body)}\r\n\r\n".encode() + body
    requests = {
        202: post,
        204: post.replace(b"POST", b"OPTIONS"),
        415: post.replace(b"text/plain", b"image/png"),
        405: post.replace(b"POST", b"PUT"),
        200: post.replace(b"POST " + PATH.encode(), b"GET /v1/users/u1/config"),
        404: post.replace(b"POST " + PATH.encode(), b"GET /recorder/0/x.js"),
        400: b"rubbish\r\n\r\n",
        431: HEAD + b"X: " + b"x" * 40_000 + b"\r\n\r\n",
    }
    for expected, request in requests.items():
        answer = running.raw(request)
        assert status(answer) == expected
        assert dates(answer) == [1], expected
    assert b"date" in running.raw(post).lower().split(b"access-control-expose-headers: ")[1].split(b"\r")[0].split(
        b", "
    )


@pytest.mark.parametrize(
    "path", [PATH, "/healthz", "/readyz", "/metrics", "/docs", "/robots.txt", "/recorder.js", "/nowhere"]
)
def test_every_answer_is_safe_for_browsers_and_robots(running: Running, path: str) -> None:
    headers = running.ask("GET", path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Robots-Tag"] == "noindex"
    assert headers["Cross-Origin-Resource-Policy"]
    assert headers["Server"] is None


@pytest.mark.parametrize(
    ("method", "path", "expected", "allow"),
    [
        ("GET", PATH, 405, "POST, OPTIONS"),
        ("HEAD", PATH, 405, "POST, OPTIONS"),
        ("PUT", PATH, 405, "POST, OPTIONS"),
        ("DELETE", "/readyz", 405, "GET, HEAD"),
        ("GET", "/nowhere", 404, None),
        ("GET", "/v1/impressions/", 404, None),
        ("OPTIONS", "/nowhere", 404, None),
    ],
)
def test_methods_and_paths(running: Running, method: str, path: str, expected: int, allow: str | None) -> None:
    answer = running.ask(method, path)
    assert answer.status == expected
    assert answer.headers["Allow"] == allow
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_docs_need_nothing_from_elsewhere(running: Running) -> None:
    page = running.ask("GET", "/docs")
    assert page.status == 200
    assert b"<script" not in text(page)
    assert b"http://" not in text(page)
    assert b"https://" not in text(page)
    paths = orjson.loads(text(running.ask("GET", "/openapi.json")))["paths"]
    assert PATH in paths
    for path in paths:
        assert path.encode() in text(page)
