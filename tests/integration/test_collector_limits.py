"""Every limit of the collector, with the status that it gets and the counter that counts it."""

import gzip
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache

import orjson
import pytest

from streams.collector.errors import LineRefusedError, UnavailableError
from streams.collector.rules.reading import MOST_FLUSHES
from tests.support.collector import PATH, HeldLog, Running, counted, flush, one_answer, running_collector, status, text
from tests.support.limit_cases import CASES, many
from tests.support.limit_setups import SETUPS
from tests.support.wait import until
from tools import limits_page

SECONDS = 30.0
HEAD = f"POST {PATH} HTTP/1.1\r\nHost: c\r\nContent-Type: text/plain\r\n".encode()
Standing = Callable[[str], Running]


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    """Returns the collector of a set-up, which stands until the module's end."""
    with ExitStack() as stack:

        @cache
        def of(setup: str) -> Running:
            return stack.enter_context(SETUPS[setup](tmp_path_factory.mktemp("limits")))

        yield of


@pytest.fixture(scope="module")
def running(standing: Standing) -> Running:
    return standing("quick")


@pytest.mark.parametrize("name", CASES)
def test_a_limit_has_its_status_and_is_counted(standing: Standing, name: str) -> None:
    case = CASES[name]
    running = standing(case.setup)
    before = counted(case.counter, **case.labels)
    got = case.send(running)
    # It is counted by the loop, after the answer has left.
    until(lambda: counted(case.counter, **case.labels) >= before + 1, SECONDS, f"{case.counter} counts it")
    counts = counted(case.counter, **case.labels) - before
    assert limits_page.row(name, case, got) in limits_page.PAGE.read_text().splitlines(), "the page says what it got"
    assert (got, counts) == (case.status, 1)


@pytest.mark.parametrize("setup", ["quick", "slow", "impatient"])
def test_others_go_on(standing: Standing, setup: str) -> None:
    running = standing(setup)
    assert running.post(flush()).status == 202
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
