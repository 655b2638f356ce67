"""Every limit of the collector, with the status that it gets and the counter that counts it."""

import gzip
import os
import zlib
from collections.abc import Callable, Iterator
from http.client import HTTPResponse

import orjson
import pytest

from streams.collector.errors import LineRefusedError, UnavailableError
from streams.collector.http.protocol import Limits
from streams.collector.rules.bodies import MOST_BYTES, MOST_SENT_BYTES
from streams.collector.rules.reading import MOST_FLUSHES
from streams.metrics.base import COLLECTOR
from tests.support.collector import PATH, HeldLog, Running, everything, flush, running_collector, status
from tests.support.wait import until

QUICK = Limits(head_seconds=0.4, body_seconds=1.0, piece_seconds=0.4, linger_seconds=0.4)
SECONDS = 30.0
SHOP = "https://shop.example"
HEAD = f"POST {PATH} HTTP/1.1\r\nHost: c\r\nContent-Type: text/plain\r\n".encode()


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with running_collector(limits=QUICK, collector_origins=SHOP) as running:
        yield running


def counted(name: str, **labels: str) -> float:
    return COLLECTOR.get_sample_value(f"impressions_collector_{name}_total", labels) or 0.0


def bomb(inflated: int) -> bytes:
    return gzip.compress(bytes(inflated))


def many(flushes: int) -> bytes:
    return b"\n".join([flush(f"u{n}") for n in range(flushes)])


def post(body: bytes, **headers: str) -> Callable[[Running], int]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda running: running.post(body, named).status


def raw(*pieces: bytes) -> Callable[[Running], int]:
    return lambda running: status(running.raw(*pieces))


def drip(running: Running) -> int:
    """Send a body byte by byte: each in time, all of it too late."""
    with running.connect() as connection:
        connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
        connection.settimeout(0.1)
        for _ in range(100):
            try:
                if answer := connection.recv(65_536):
                    return status(answer)
            except TimeoutError:
                connection.sendall(b"x")
    return 0


DEEP = b'{"v":1,"user_id":"u1","x":' + b"[" * 2_000 + b"]" * 2_000 + b"}"
# What is sent, the status that it gets, and the reason that is counted.
TABLE: dict[str, tuple[Callable[[Running], int], int, str]] = {
    "body above 1 MiB as sent": (post(b"x" * (MOST_SENT_BYTES + 1)), 413, "body_bytes"),
    "body declared above 1 MiB": (raw(HEAD + b"Content-Length: 9999999999\r\n\r\n"), 413, "body_bytes"),
    "body above 1 MiB in chunks": (
        raw(
            HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"10000\r\n" + b"x" * 65_536 + b"\r\n",
            *[b"10000\r\n" + b"x" * 65_536 + b"\r\n"] * 16,
        ),
        413,
        "body_bytes",
    ),
    "body above 4 MiB inflated": (post(bomb(MOST_BYTES + 1), Content_Encoding="gzip"), 413, "inflated_bytes"),
    "bomb of two members": (post(bomb(MOST_BYTES - 10) + bomb(11), Content_Encoding="gzip"), 413, "inflated_bytes"),
    "65 gzip members": (post(bomb(1) * 65, Content_Encoding="gzip"), 413, "inflated_bytes"),
    "truncated gzip": (post(gzip.compress(flush())[:-1], Content_Encoding="gzip"), 400, "encoding"),
    "not gzip": (post(flush(), Content_Encoding="gzip"), 400, "encoding"),
    "gzip, then rubbish": (post(gzip.compress(flush()) + b"rubbish", Content_Encoding="gzip"), 400, "encoding"),
    "another encoding": (post(zlib.compress(flush()), Content_Encoding="br"), 415, "encoding"),
    "gzip twice": (post(flush(), Content_Encoding="gzip, gzip"), 415, "encoding"),
    "another type": (post(flush(), Content_Type="multipart/form-data"), 415, "media_type"),
    "another charset": (post(flush(), Content_Type="text/plain; charset=utf-16"), 415, "media_type"),
    "501 flushes": (post(many(MOST_FLUSHES + 1)), 413, "flushes"),
    "nested too deeply": (post(DEEP), 400, "unreadable"),
    "no body": (post(b""), 400, "unreadable"),
    "nothing that can be read": (post(b"rubbish\n{}"), 400, "unreadable"),
    "head above 32 KiB": (raw(HEAD + b"X: " + b"x" * 40_000 + b"\r\n\r\n"), 431, "header_bytes"),
    "head that never ends": (raw(HEAD + b"X: ", *[b"x" * 1_000] * 40), 431, "header_bytes"),
    "many small fields": (raw(HEAD + b"X: y\r\n" * 8_000 + b"\r\n"), 431, "header_bytes"),
    "target above 32 KiB": (raw(b"GET /" + b"x" * 40_000 + b" HTTP/1.1\r\n\r\n"), 431, "header_bytes"),
    "trailer above 32 KiB": (
        raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: y\r\n" * 8_000 + b"\r\n"),
        431,
        "header_bytes",
    ),
    "head that takes too long": (raw(HEAD), 408, "header_time"),
    "body that stops": (raw(HEAD + b"Content-Length: 1000\r\n\r\n{"), 408, "piece_time"),
    "body that doesn't begin": (raw(HEAD + b"Content-Length: 1000\r\n\r\n"), 408, "piece_time"),
    "body that drips": (drip, 408, "body_time"),
    "another origin": (post(flush(), Origin="https://evil.example"), 403, "origin"),
    "no origin that has a name": (post(flush(), Origin="null"), 403, "origin"),
    "not HTTP": (raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"), 400, "http"),
}


@pytest.mark.parametrize("case", TABLE)
def test_a_limit_has_its_status_and_is_counted(running: Running, case: str) -> None:
    send, expected, reason = TABLE[case]
    before = counted("refused_requests", reason=reason)
    assert send(running) == expected
    # It is counted by the loop, after the answer has left.
    until(lambda: counted("refused_requests", reason=reason) == before + 1, SECONDS, f"{reason} is counted")
    assert running.post(flush()).status == 202, "others go on"
    assert running.collector.budget.used == 0


@pytest.mark.parametrize(
    "body",
    {
        "500 flushes": many(MOST_FLUSHES),
        "500 impressions": flush(impressions=500),
        "gzip": b"",
    }.items(),
    ids=lambda each: each[0],
)
def test_what_is_just_within_the_limits_is_taken(running: Running, body: tuple[str, bytes]) -> None:
    name, text = body
    headers = {}
    if name == "gzip":
        filler = os.urandom(3 * 2**17).hex().encode()
        text = gzip.compress(flush(x=filler.decode()))
        headers = {"Content-Encoding": "gzip"}
    assert running.post(text, headers).status == 202


def test_every_member_of_gzip_counts(running: Running) -> None:
    lines = [flush(f"member-{n}") for n in range(3)]
    body = b"".join(gzip.compress(line + b"\n") for line in lines)
    answer = running.post(body, query="?encoding=gzip")
    assert (answer.status, orjson.loads(text(answer))["accepted"]) == (202, 3)
    log = running.log
    assert isinstance(log, HeldLog)
    assert {line for _, line in log.taken[-3:]} == set(lines)


def text(answer: HTTPResponse) -> bytes:
    found: bytes = answer.text  # type: ignore[attr-defined]
    return found


def test_one_bad_impression_rejects_itself(running: Running) -> None:
    line = orjson.loads(flush(impressions=3))
    line["impressions"][1]["artwork_id"] = ""
    answer = running.post(orjson.dumps(line) + b"\nrubbish")
    assert answer.status == 202
    assert orjson.loads(text(answer)) == {
        "accepted": 2,
        "rejected": [
            {"line": 0, "index": 1, "reason": "invalid"},
            {"line": 1, "index": -1, "reason": "malformed"},
        ],
    }


def test_a_full_budget_says_so_before_the_body_is_read() -> None:
    log = HeldLog()
    log.holding = True
    with running_collector(log, collector_budget_mib=8) as running:
        waiting = [running.connect() for _ in range(6)]
        large = flush(x="x" * 1_000_000)
        head = HEAD + f"Content-Length: {len(large)}\r\n\r\n".encode()
        for connection in waiting:
            connection.sendall(head + large)
        until(lambda: log.held == len(waiting), SECONDS, "all of them wait for the brokers")
        before = counted("refused_requests", reason="budget")
        with running.connect() as connection:
            connection.sendall(head.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
            answer = connection.recv(65_536)
        assert status(answer) == 503, "no `100 Continue` came before"
        later = answer.lower().split(b"retry-after: ")[1].split(b"\r\n")[0]
        assert 1 <= int(later) <= 3
        assert counted("refused_requests", reason="budget") == before + 1
        running.call(log.settle)
        for connection in waiting:
            assert status(connection.recv(65_536)) == 202
            connection.close()
        until(lambda: running.collector.budget.used == 0, SECONDS, "nothing waits")
        log.holding = False
        assert running.post(large).status == 202


def test_waits_are_different() -> None:
    log = HeldLog()
    log.missing = "there is no topic"
    with running_collector(log) as running:
        waits = {running.post(flush()).headers["Retry-After"] for _ in range(50)}
        assert waits == {"2", "3"}
        assert running.ask("GET", "/readyz").status == 503


@pytest.mark.parametrize(
    ("error", "expected"), [(UnavailableError("no ack"), 503), (LineRefusedError("too large"), 413)]
)
def test_what_the_brokers_do_not_take_is_not_called_stored(error: Exception, expected: int) -> None:
    log = HeldLog()
    log.holding = True
    with running_collector(log) as running, running.connect() as connection:
        body = flush()
        connection.sendall(HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        until(lambda: log.held == 1, SECONDS, "it waits for the brokers")
        accepted = counted("impressions", outcome="accepted")
        running.call(log.settle, error)
        assert status(connection.recv(65_536)) == expected
        assert counted("impressions", outcome="accepted") == accepted


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
