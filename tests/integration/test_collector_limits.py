"""Every limit of the collector, with the status that it gets and the counter that counts it."""

import gzip
import os
import zlib
from collections.abc import Callable, Iterator

import orjson
import pytest

from streams.collector.errors import LineRefusedError, UnavailableError
from streams.collector.http.limits import Limits
from streams.collector.rules.bodies import MOST_BYTES, MOST_SENT_BYTES
from streams.collector.rules.reading import MOST_FLUSHES
from tests.support.collector import PATH, HeldLog, Running, counted, flush, one_answer, running_collector, status, text
from tests.support.wait import until

QUICK = Limits(head_seconds=0.4, piece_seconds=0.4, linger_seconds=0.4)
SECONDS = 30.0
SHOP = "https://shop.example"
HEAD = f"POST {PATH} HTTP/1.1\r\nHost: c\r\nContent-Type: text/plain\r\n".encode()


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with running_collector(limits=QUICK, collector_origins=SHOP) as running:
        yield running


def bomb(inflated: int) -> bytes:
    return gzip.compress(bytes(inflated))


def many(flushes: int) -> bytes:
    return b"\n".join([flush(f"u{n}") for n in range(flushes)])


def post(body: bytes, **headers: str) -> Callable[[Running], int]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda running: running.post(body, named).status


def raw(*pieces: bytes) -> Callable[[Running], int]:
    return lambda running: status(running.raw(*pieces))


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
    "trailer that never ends": (
        raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: ", *[b"x" * 10_000] * 100),
        431,
        "header_bytes",
    ),
    "chunk extension that never ends": (
        raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5;x=", *[b"x" * 10_000] * 100),
        431,
        "header_bytes",
    ),
    "head that takes too long": (raw(HEAD), 408, "header_time"),
    "body that stops": (raw(HEAD + b"Content-Length: 1000\r\n\r\n{"), 408, "piece_time"),
    "body that doesn't begin": (raw(HEAD + b"Content-Length: 1000\r\n\r\n"), 408, "piece_time"),
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


def test_a_body_that_drips_has_a_limit_too() -> None:
    before = counted("refused_requests", reason="body_time")
    with (
        running_collector(limits=Limits(body_seconds=1.0, piece_seconds=SECONDS)) as running,
        running.connect() as sender,
    ):
        sender.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
        sender.settimeout(0.1)
        answer = b""
        for _ in range(1_000):
            try:
                answer = sender.recv(65_536)
                break
            except TimeoutError:
                sender.sendall(b"x")
        assert status(answer) == 408
        until(lambda: counted("refused_requests", reason="body_time") == before + 1, SECONDS, "it is counted")


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
    with running_collector(log, collector_budget_mib=8, collector_address_share=1) as running:
        waiting = [running.connect() for _ in range(6)]
        large = flush(x="x" * 1_000_000)
        head = HEAD + f"Content-Length: {len(large)}\r\n\r\n".encode()
        for connection in waiting:
            connection.sendall(head + large)
        until(lambda: log.held == len(waiting), SECONDS, "all of them wait for the brokers")
        before = counted("refused_requests", reason="budget")
        with running.connect() as connection:
            connection.sendall(head.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
            answer = one_answer(connection)
        assert status(answer) == 503, "no `100 Continue` came before"
        later = answer.lower().split(b"retry-after: ")[1].split(b"\r\n")[0]
        assert 1 <= int(later) <= 3
        assert counted("refused_requests", reason="budget") == before + 1
        running.call(log.settle)
        for connection in waiting:
            assert status(one_answer(connection)) == 202
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
        assert status(one_answer(connection)) == expected
        assert counted("impressions", outcome="accepted") == accepted
