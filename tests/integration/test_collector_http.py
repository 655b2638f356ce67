"""HTTP as nobody should send it: each connection gets one meaning, or an error and its end."""

from collections.abc import Iterator

import pytest

from streams.collector.http.limits import Limits
from tests.support.collector import PATH, HeldLog, Running, everything, flush, running_collector, status, statuses
from tests.support.wait import until

SECONDS = 30.0
# Idle connections end soon, so that reading to their end doesn't take long.
QUICK = Limits(head_seconds=1.0, linger_seconds=0.5)

POST = f"POST {PATH} HTTP/1.1\r\nHost: c\r\nContent-Type: text/plain\r\n".encode()
SMUGGLED = b"GET /metrics HTTP/1.1\r\nHost: c\r\n\r\n"
LINE = flush()
LENGTH = f"Content-Length: {len(LINE)}\r\n".encode()


def chunked(*pieces: bytes, extension: bytes = b"") -> bytes:
    chunks = b"".join(b"%x%s\r\n%s\r\n" % (len(piece), extension, piece) for piece in pieces)
    return chunks + b"0\r\n\r\n"


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with running_collector(limits=QUICK) as running:
        running.collector.server.config.timeout_keep_alive = 1
        yield running


# Two ways to say where a body ends, of which a proxy may believe the other one.
SMUGGLING = {
    "length and chunks": POST + LENGTH + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(LINE) + SMUGGLED,
    "chunks and length": POST + b"Transfer-Encoding: chunked\r\n" + LENGTH + b"\r\n" + chunked(LINE) + SMUGGLED,
    "two lengths": POST + LENGTH + b"Content-Length: 0\r\n\r\n" + LINE + SMUGGLED,
    "two equal lengths": POST + LENGTH + LENGTH + b"\r\n" + LINE + SMUGGLED,
    "a list of lengths": POST + b"Content-Length: 5, 5\r\n\r\n" + SMUGGLED,
    "a length with a sign": POST + b"Content-Length: +5\r\n\r\n" + SMUGGLED,
    "a negative length": POST + b"Content-Length: -5\r\n\r\n" + SMUGGLED,
    "a length in hex": POST + b"Content-Length: 0x10\r\n\r\n" + SMUGGLED,
    "a length beyond 64 bits": POST + b"Content-Length: 99999999999999999999\r\n\r\n" + SMUGGLED,
    "chunks, not last": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n" + chunked(LINE) + SMUGGLED,
    "another coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n" + chunked(LINE) + SMUGGLED,
    "a space before the colon": POST + b"Transfer-Encoding : chunked\r\n\r\n" + chunked(LINE) + SMUGGLED,
    "a folded field": POST + b"Transfer-Encoding:\r\n chunked\r\n" + LENGTH + b"\r\n" + LINE + SMUGGLED,
    "a NUL in a field": POST + b"X: a\0b\r\n" + LENGTH + b"\r\n" + LINE + SMUGGLED,
    "a bare CR in a field": POST + b"X: a\rTransfer-Encoding: chunked\r\n\r\n" + chunked(LINE) + SMUGGLED,
    "a chunk's size with a sign": POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n" + SMUGGLED,
    "a chunk's size beyond 64 bits": POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 17 + b"\r\n" + SMUGGLED,
    "a chunk without its end": POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n" + SMUGGLED,
}


@pytest.mark.parametrize("case", SMUGGLING)
def test_a_request_with_two_meanings_is_refused_and_ends_the_connection(running: Running, case: str) -> None:
    log = running.log
    assert isinstance(log, HeldLog)
    before = len(log.taken)
    answer = running.raw(SMUGGLING[case])
    assert statuses(answer) == [400]
    assert b"connection: close" in answer.lower()
    assert len(log.taken) == before


# Requests that are not quite usual, and the statuses that they get, in their order.
CORPUS: dict[str, tuple[bytes, list[int]]] = {
    "a body in chunks": (POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(LINE[:10], LINE[10:]), [202]),
    "chunks with extensions": (
        POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(LINE, extension=b';a=b;c="d"'),
        [202],
    ),
    "a trailer": (POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(LINE)[:-2] + b"X: y\r\n\r\n", [202]),
    "two requests at once": ((POST + LENGTH + b"\r\n" + LINE) * 2, [202, 202]),
    "a hundred requests at once": ((POST + LENGTH + b"\r\n" + LINE) * 100, [202] * 100),
    "a good one, then rubbish": (POST + LENGTH + b"\r\n" + LINE + b"rubbish\r\n\r\n", [202, 400]),
    "what follows `Connection: close`": (POST + LENGTH + b"Connection: close\r\n\r\n" + LINE + SMUGGLED, [202]),
    "HTTP/1.0": (POST.replace(b"1.1", b"1.0") + LENGTH + b"\r\n" + LINE, [202]),
    "HTTP/1.0, twice": ((POST.replace(b"1.1", b"1.0") + LENGTH + b"\r\n" + LINE) * 2, [202]),
    "HTTP/2's preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400]),
    "an unknown method": (b"BREW /v1/impressions HTTP/1.1\r\nHost: c\r\n\r\n", [400]),
    "CONNECT": (b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n", [400]),
    "OPTIONS of everything": (b"OPTIONS * HTTP/1.1\r\nHost: c\r\nConnection: close\r\n\r\n", [404]),
    "a whole address as target": (
        b"GET http://other.example/healthz HTTP/1.1\r\nHost: c\r\nConnection: close\r\n\r\n",
        [200],
    ),
    "a target that is not a path": (b"GET healthz HTTP/1.1\r\nHost: c\r\n\r\n", [400]),
    "a target with a byte that no URL has": (b"GET /\xff HTTP/1.1\r\nHost: c\r\n\r\n", [400]),
    "a path with dots": (b"GET /x/../metrics HTTP/1.1\r\nHost: c\r\nConnection: close\r\n\r\n", [404]),
    "an escaped path": (b"GET /%6detrics%00 HTTP/1.1\r\nHost: c\r\nConnection: close\r\n\r\n", [404]),
    "a WebSocket's upgrade": (
        b"GET /healthz HTTP/1.1\r\nHost: c\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n\r\n",
        [200],
    ),
    "an upgrade, and what follows": (
        b"GET /healthz HTTP/1.1\r\nHost: c\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n" + SMUGGLED,
        [200],
    ),
    "a body with GET": (
        b"GET /healthz HTTP/1.1\r\nHost: c\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
        [200],
    ),
    "empty lines before it": (b"\r\n\r\n" + POST + LENGTH + b"Connection: close\r\n\r\n" + LINE, [202]),
    "only line feeds": (b"GET /healthz HTTP/1.1\nHost: c\n\n", [400]),
    "a NUL as method": (b"\0 / HTTP/1.1\r\n\r\n", [400]),
    "nothing": (b"", []),
}


@pytest.mark.parametrize("case", CORPUS)
def test_unusual_requests(running: Running, case: str) -> None:
    request, expected = CORPUS[case]
    assert statuses(running.raw(request)) == expected
    assert running.ask("GET", "/healthz").status == 200


def test_of_more_requests_than_may_wait_the_first_are_answered(running: Running) -> None:
    found = statuses(running.raw((POST + LENGTH + b"\r\n" + LINE) * 1_000))
    assert found[-1] == 400
    assert set(found[:-1]) == {202}
    assert len(found) > QUICK.pipelined


def test_head_has_no_body(running: Running) -> None:
    answer = running.raw(b"HEAD /healthz HTTP/1.1\r\nHost: c\r\nConnection: close\r\n\r\n")
    assert status(answer) == 200
    assert answer.endswith(b"\r\n\r\n")


def test_the_body_is_asked_for_only_if_it_is_wanted(running: Running) -> None:
    with running.connect() as connection:
        connection.sendall(POST + LENGTH + b"Expect: 100-continue\r\nConnection: close\r\n\r\n")
        assert connection.recv(65_536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(LINE)
        assert status(everything(connection)) == 202
    wrong = POST.replace(b"text/plain", b"image/png") + LENGTH + b"Expect: 100-continue\r\n\r\n"
    assert statuses(running.raw(wrong)) == [415]


def test_a_connection_is_kept_after_a_body_that_was_not_read(running: Running) -> None:
    """Closing it would reset it, and a browser might see an error of the network instead of the status."""
    wrong = POST.replace(b"text/plain", b"image/png") + b"Content-Length: 1000000\r\n\r\n" + b"x" * 1_000_000
    assert statuses(running.raw(wrong + POST + LENGTH + b"Connection: close\r\n\r\n" + LINE)) == [415, 202]


def test_who_sends_a_body_without_end_is_answered_and_cut_off(running: Running) -> None:
    with running.connect() as connection:
        connection.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n")
        chunk = chunked(b"x" * 65_536)[:-5]
        try:
            for _ in range(1_000):
                connection.sendall(chunk)
        except OSError:
            pass  # cut off, as it must be
        else:
            pytest.fail("64 MB were taken")


def test_an_answer_is_not_lost_when_rubbish_follows_the_request() -> None:
    log = HeldLog()
    log.holding = True
    with running_collector(log, QUICK) as running, running.connect() as connection:
        connection.sendall(POST + LENGTH + b"\r\n" + LINE)
        until(lambda: log.held == 1, SECONDS, "it waits for the brokers")
        connection.sendall(b"rubbish\r\n\r\n" + POST + LENGTH + b"\r\n" + LINE)
        running.call(log.settle)
        assert statuses(everything(connection)) == [202, 400]
        assert len(log.taken) == 1
