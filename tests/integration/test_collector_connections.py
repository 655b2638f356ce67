"""Connections: those that are slow, those that are gone, and how all of them end."""

import gc
import selectors
import socket
import struct
import time
from collections.abc import Iterator

import pytest

from streams.collector.http.limits import Limits
from streams.collector.http.protocol import LimitedProtocol
from streams.metrics.base import COLLECTOR
from tests.support.collector import PATH, HeldLog, Running, everything, flush, one_answer, running_collector, status
from tests.support.limit_setups import unread
from tests.support.wait import until

SECONDS = 60.0
POST = f"POST {PATH} HTTP/1.1\r\nHost: c\r\nContent-Type: text/plain\r\n".encode()
LINE = flush()
WHOLE = POST + f"Content-Length: {len(LINE)}\r\n\r\n".encode() + LINE
PATIENT = Limits(head_seconds=SECONDS, body_seconds=SECONDS, piece_seconds=SECONDS)


def known(running: Running) -> int:
    return len(running.collector.server.server_state.connections)


def ended(reason: str) -> float:
    return COLLECTOR.get_sample_value("impressions_collector_connections_ended_total", {"reason": reason}) or 0.0


def reset(connection: socket.socket) -> None:
    """Close a connection by RST, as proxies and phones do."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@pytest.fixture
def collected() -> Iterator[None]:
    """Free what has no cycle at once, and nothing else: as in the collector itself."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def alive() -> int:
    """How many connections' objects there are, garbage included."""
    return sum(isinstance(each, LimitedProtocol) for each in gc.get_objects())


@pytest.mark.usefixtures("collected")
@pytest.mark.parametrize("sent", [b"", POST, WHOLE, WHOLE[:-1]], ids=["nothing", "half a head", "a request", "a body"])
def test_a_connection_that_is_reset_leaves_nothing_behind(sent: bytes) -> None:
    with running_collector(limits=PATIENT) as running:
        before, was = alive(), ended("reset")
        for _ in range(3):
            connections = [running.connect() for _ in range(100)]
            for connection in connections:
                connection.sendall(sent)
            if sent == WHOLE:
                assert all(status(one_answer(each)) == 202 for each in connections)
            until(lambda: known(running) == 100, SECONDS, "all of them are there")
            for connection in connections:
                reset(connection)
            until(lambda: known(running) == 0, SECONDS, "all of them are forgotten")
        # Their keep-alive timers, of 15 s, would still hold them.
        until(lambda: alive() <= before, SECONDS, "no object of theirs is left, without a collection of garbage")
        assert ended("reset") == was + 300


@pytest.mark.usefixtures("collected")
def test_a_connection_that_is_closed_leaves_nothing_behind() -> None:
    with running_collector() as running:
        before = alive()
        for _ in range(100):
            assert running.post(LINE).status == 202
        until(lambda: alive() <= before, SECONDS, "no object of theirs is left, without a collection of garbage")


def test_a_thousand_connections_that_send_a_byte_now_and_then_are_ended_while_others_are_answered() -> None:
    with running_collector(limits=Limits(head_seconds=4.0, body_seconds=5.0, linger_seconds=SECONDS)) as running:
        slow = Slow(running)
        others = [running.connect() for _ in range(10)]
        deadline, rounds = time.monotonic() + SECONDS, 0
        while slow.left and time.monotonic() < deadline:
            slow.send_a_byte()
            for each in others:
                each.sendall(WHOLE)
            assert [status(one_answer(each)) for each in others] == [202] * len(others)
            rounds += 1
        assert slow.left == 0, "all of them are ended, whatever they send"
        assert set(slow.statuses) == {408}
        assert rounds > 1, "the others were answered meanwhile"
        for each in others:
            each.close()
        until(lambda: known(running) == 0, SECONDS, "all of them are forgotten")
        assert running.collector.budget.used == 0


class Slow:
    """A thousand connections: half of them are slow in a head, the others in a body."""

    def __init__(self, running: Running) -> None:
        self.statuses: list[int] = []
        self._selector = selectors.DefaultSelector()
        for number in range(1_000):
            connection = running.connect()
            connection.sendall(POST[:20] if number % 2 else WHOLE[: -len(LINE)])
            connection.setblocking(False)
            self._selector.register(connection, selectors.EVENT_READ)

    @property
    def left(self) -> int:
        """How many are still open."""
        return len(self._selector.get_map())

    def send_a_byte(self) -> None:
        """Send a byte on each; let go of those that were answered."""
        for key, _ in self._selector.select(0.1):
            assert isinstance(key.fileobj, socket.socket)
            self._selector.unregister(key.fileobj)
            with key.fileobj as connection:
                self.statuses.append(status(connection.recv(65_536)))
        for key in self._selector.get_map().values():
            assert isinstance(key.fileobj, socket.socket)
            key.fileobj.send(b"x")


def test_idle_connections_end_and_busy_ones_are_kept() -> None:
    with running_collector() as running:
        running.collector.server.config.timeout_keep_alive = 1
        was = ended("idle")
        with running.connect() as connection:
            for _ in range(10):
                connection.sendall(WHOLE)
                assert status(one_answer(connection)) == 202
            assert everything(connection) == b""
        until(lambda: ended("idle") == was + 1, SECONDS, "it is counted")


def test_who_does_not_read_the_answers_is_cut_off() -> None:
    with running_collector(limits=Limits(unread_seconds=0.5)) as running:
        assert unread(running) == 0
        until(lambda: known(running) == 0, SECONDS, "it is forgotten")


def test_who_is_gone_while_others_wait_in_the_pipeline_breaks_nothing() -> None:
    log = HeldLog()
    log.holding = True
    with running_collector(log) as running:
        connection = running.connect()
        connection.sendall(WHOLE + WHOLE[:-10])
        until(lambda: log.held == 1, SECONDS, "the first one waits for the brokers")
        reset(connection)
        until(lambda: known(running) == 0, SECONDS, "it is forgotten")
        running.call(log.settle)
        log.holding = False
        assert running.post(LINE).status == 202
        until(lambda: running.collector.budget.used == 0, SECONDS, "nothing waits")


def ends_in_order(connection: socket.socket) -> bytes:
    """Return what comes until the other side ends the connection. Raises ConnectionResetError if it does so by RST."""
    pieces = []
    while piece := connection.recv(65_536):
        pieces.append(piece)
    return b"".join(pieces)


# Early answers, by what is sent before them; much of the body follows each.
LARGE = b"Content-Length: 1000000\r\n"
EARLY = {
    "413": (POST + b"Content-Length: 2000000\r\nConnection: close\r\n\r\n", 413),
    "413 to HTTP/1.0": (POST.replace(b"1.1", b"1.0") + b"Content-Length: 2000000\r\n\r\n", 413),
    "415 to HTTP/1.0": (b"POST /v1/impressions HTTP/1.0\r\nHost: c\r\n" + LARGE + b"\r\n", 415),
    "503 before the body": (POST + LARGE + b"Connection: close\r\n\r\n", 503),
    "404 of a page": (b"POST /nowhere HTTP/1.0\r\nHost: c\r\n" + LARGE + b"\r\n", 404),
    "400": (b"rubbish\r\n\r\n", 400),
    "431": (POST + b"X: " + bytes(40_000).replace(b"\0", b"x") + b"\r\n\r\n", 431),
}


@pytest.mark.parametrize("early", EARLY)
def test_an_early_answer_is_seen_by_who_is_still_sending(early: str) -> None:
    head, expected = EARLY[early]
    log = HeldLog()
    log.missing = "there is no topic"
    with running_collector(log, PATIENT) as running, running.connect() as connection:
        connection.sendall(head)
        assert status(one_answer(connection)) == expected
        # With bytes that wait unread, closing would be a reset: of what was answered, too.
        for _ in range(10):
            connection.sendall(b"x" * 50_000)
        assert ends_in_order(connection) == b""
        connection.close()
        until(lambda: known(running) == 0, SECONDS, "it is forgotten")


def test_a_body_that_came_too_late_is_answered_by_408_that_is_seen() -> None:
    limits = Limits(head_seconds=SECONDS, piece_seconds=0.3)
    with running_collector(limits=limits) as running, running.connect() as connection:
        connection.sendall(WHOLE[:-10].replace(b"1.1", b"1.0", 1))
        assert status(one_answer(connection)) == 408
        connection.sendall(WHOLE[-10:])
        assert ends_in_order(connection) == b""


def test_who_goes_on_sending_is_cut_off_after_a_while() -> None:
    was = ended("limit")
    with running_collector(limits=Limits(linger_bytes=1_000_000)) as running, running.connect() as connection:
        connection.sendall(EARLY["413"][0])
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            connection.sendall(b"x" * 2**28)
        until(lambda: ended("limit") == was + 1, SECONDS, "it is counted")


def test_who_finds_no_room_is_told_so_whatever_they_have_sent() -> None:
    with running_collector(limits=Limits(connections=1, turned_away=2)) as running:
        kept = running.connect()
        until(lambda: known(running) == 1, SECONDS, "it is there")
        for _ in range(3):
            with running.connect() as further:
                further.sendall(WHOLE)
                assert status(ends_in_order(further)) == 503
        # Those who have been told so don't stay, and there is room for no more than two of them.
        waiting = [running.connect() for _ in range(10)]
        until(lambda: known(running) <= 3, SECONDS, "the others are closed at once")
        assert all(status(everything(each)) in (503, 0) for each in waiting)
        for connection in (kept, *waiting):
            connection.close()
        until(lambda: known(running) == 0, SECONDS, "all of them are forgotten")
        assert running.post(LINE).status == 202


def test_a_connection_that_never_asks_is_closed_in_silence() -> None:
    with running_collector(limits=Limits(head_seconds=0.3)) as running, running.connect() as connection:
        assert everything(connection) == b""


def test_at_the_end_readyz_says_so_first_and_what_was_taken_is_answered() -> None:
    log = HeldLog()
    log.holding = True
    with running_collector(log, PATIENT, collector_notice_seconds=300) as running:
        idle, busy, sending, asking = (running.connect() for _ in range(4))
        idle.sendall(WHOLE.replace(b"POST", b"PUT", 1))
        assert status(one_answer(idle)) == 405
        busy.sendall(WHOLE)
        sending.sendall(WHOLE[:-10])
        until(lambda: log.held == 1, SECONDS, "it waits for the brokers")
        running.stop()
        # The notice: whoever watches learns of it, and everything is still taken.
        until(lambda: running.ask("GET", "/readyz").status == 503, SECONDS, "it isn't ready")
        assert running.ask("GET", "/healthz").status == 200
        asking.sendall(b"GET /healthz HTTP/1.1\r\nHost: c\r\n\r\n")
        assert b"connection: close" in everything(asking).lower()
        running.stop()  # the notice is over
        assert everything(idle) == b""
        sending.sendall(WHOLE[-10:])
        until(lambda: log.held == 2, SECONDS, "the body in flight has arrived")
        running.call(log.settle)
        for connection in (busy, sending):
            answer = everything(connection)
            assert status(answer) == 202
            assert b"connection: close" in answer.lower()
        running.wait_end()
        with pytest.raises(ConnectionRefusedError):
            running.connect()
        for connection in (idle, busy, sending, asking):
            connection.close()
