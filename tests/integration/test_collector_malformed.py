"""Malformed and unusual HTTP, as in tests/support/malformed.py: nothing is smuggled in, and others go on."""

import socket
from collections.abc import Iterator

import pytest

from streams.collector.http.limits import Limits
from tests.support.collector import HeldLog, Running, everything, one_answer, running_collector, statuses
from tests.support.malformed import ALL, Case
from tests.support.raw_http import CLOSE, GOOD, HOST, LINE, SMUGGLED, length, post, unsized
from tests.support.wait import until

# What waits for more is ended soon, so that reading to the end doesn't take long.
QUICK = Limits(head_seconds=2.0, piece_seconds=1.0, linger_seconds=0.5)


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with running_collector(limits=QUICK) as running:
        yield running


def recorded(running: Running, user: str) -> int:
    """Return how many flushes of a user the log has."""
    assert isinstance(running.log, HeldLog)
    return sum(b'"%b"' % user.encode() in line for _, line in running.log.taken)


@pytest.mark.parametrize("case", ALL.values(), ids=ALL)
def test_a_request_has_one_meaning_or_is_refused(running: Running, case: Case) -> None:
    before = recorded(running, GOOD)
    answers = running.raw(case.sent)
    assert statuses(answers) == case.statuses
    # Nothing of what follows can be read as another request.
    assert b"connection: close" in answers.rpartition(b"HTTP/1.1 ")[2].partition(b"\r\n\r\n")[0].lower()
    assert recorded(running, GOOD) - before == case.recorded
    assert recorded(running, SMUGGLED) == 0
    assert running.post(LINE).status == 202, "others go on"


@pytest.mark.parametrize("case", ALL.values(), ids=ALL)
def test_it_makes_no_difference_in_which_pieces_it_comes(running: Running, case: Case) -> None:
    """A byte at a time, as far as its answer lets it."""
    before = recorded(running, GOOD)
    with running.connect() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(len(case.sent)):
            try:
                connection.sendall(case.sent[at : at + 1])
            except OSError:
                break  # it was refused before its end
        answers = everything(connection)
    assert statuses(answers) == case.statuses
    assert recorded(running, GOOD) - before == case.recorded
    assert recorded(running, SMUGGLED) == 0


def test_an_expected_100_comes_before_the_body_and_the_answer_after_it(running: Running) -> None:
    with running.connect() as connection:
        connection.sendall(unsized(length(), b"Expect: 100-continue", CLOSE, body=b""))
        assert one_answer(connection) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(LINE)
        assert statuses(everything(connection)) == [202]


def test_http_1_0_is_never_told_to_continue(running: Running) -> None:
    with running.connect() as connection:
        connection.sendall(unsized(length(), b"Expect: 100-continue", body=b"", version=b"HTTP/1.0"))
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        connection.settimeout(30.0)
        connection.sendall(LINE)
        assert statuses(everything(connection)) == [202]


def test_answers_come_in_the_order_of_the_requests() -> None:
    log = HeldLog()
    log.holding = True
    with running_collector(log, QUICK) as running, running.connect() as connection:
        connection.sendall(post() + post(method=b"PUT") + post(usual=(HOST,)) + b"rubbish\r\n\r\n")
        until(lambda: log.held == 1, 30.0, "the first one waits for the brokers")
        running.call(log.settle)
        assert statuses(everything(connection)) == [202, 405, 415, 400]
        assert len(log.taken) == 1
