"""Whom the collector lets in: buckets, proxies, connections, origins; and what every answer has."""

from collections.abc import Iterator

import orjson
import pytest

from streams.collector.http.limits import Limits
from tests.support.collector import (
    PATH,
    HeldLog,
    Running,
    counted,
    everything,
    flush,
    running_collector,
    status,
    text,
)
from tests.support.wait import until

SECONDS = 30.0
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


def test_a_proxy_may_name_the_client_before_http_begins() -> None:
    def post(running: Running, *preamble: bytes) -> int:
        body = flush()
        return status(
            running.raw(*preamble, HEAD + f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        )

    limit = Limits(head_seconds=0.4)
    with running_collector(
        limits=limit,
        collector_address_rate=0.001,
        collector_address_burst=1,
        collector_proxies="127.0.0.0/8",
        collector_proxy_header="proxy-protocol",
    ) as running:
        lines = [f"PROXY TCP4 198.51.100.{n} 10.0.0.1 1 2\r\n".encode() for n in range(2)]
        assert [post(running, each) for each in lines] == [202, 202]
        assert post(running, lines[0][:9], lines[0][9:]) == 429, "in two pieces, too"
        assert post(running) == 400, "a proxy's connection begins with it"
        assert post(running, b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff" + bytes(70_000)) == 400
        assert status(running.raw(lines[0][:9])) == 0, "and it must come in time"


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


@pytest.mark.parametrize("path", [PATH, "/healthz", "/readyz", "/metrics", "/docs", "/robots.txt", "/nowhere"])
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
