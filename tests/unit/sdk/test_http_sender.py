"""The pace of a producer that sends to a collector: when it sends, waits, sends again and gives up."""

import json

import pytest

from impression_streams.delivery import Rejection
from impression_streams.http.answer import Answer, describe
from impression_streams.http.connection import Result
from impression_streams.http.sender import LONGEST_WAIT_SECONDS
from impression_streams.http.token import Tokens
from tests.support.sender_bench import NOW, bench
from tests.unit.sdk.test_http_batch import flush, raw


def test_what_comes_while_all_connections_are_busy_shares_the_next_request(monkeypatch: pytest.MonkeyPatch) -> None:
    it = bench(monkeypatch)
    it.submit(flush(1))
    it.submit(flush(2))
    it.submit(flush(3))
    it.submit(flush(4))
    assert it.in_flight() == [["f1"], ["f2"]]
    it.answer()
    it.tick()
    assert it.in_flight() == [["f3", "f4"], ["f2"]]
    assert [(report.flush_id, report.error) for report in it.reports] == [("f1", None)]


def test_flushes_wait_for_each_other_for_a_moment_unless_they_fill_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    it = bench(monkeypatch, linger=0.01)
    it.submit(flush(1))
    assert it.in_flight() == []
    assert it.sender.next_retry() == NOW + 0.01
    it.tick(0.005)
    it.submit(flush(2))
    it.tick(0.005)
    assert it.in_flight() == [["f1", "f2"]]
    it.submit(*(flush(number) for number in range(500)))
    assert [len(ids) for ids in it.in_flight()] == [2, 500]


def test_a_failure_holds_up_everything_and_then_the_same_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    it = bench(monkeypatch)
    it.submit(flush(1), flush(2))
    batch = it.sender._connections[0].batch
    it.fail()
    it.submit(flush(3))
    assert it.in_flight() == []
    assert it.sender.next_retry() == NOW + 0.5
    it.tick(0.5)
    assert it.in_flight() == [["f1", "f2"], ["f3"]]
    assert it.sender._connections[0].batch is batch
    assert it.sender.retries == 2
    assert it.reports == []


@pytest.mark.parametrize(("after", "expected"), [("4", 6.0), ("0", 0.0), ("99999", LONGEST_WAIT_SECONDS * 1.5)])
def test_retry_after_is_honoured_and_exceeded_by_up_to_half(
    monkeypatch: pytest.MonkeyPatch, after: str, expected: float
) -> None:
    it = bench(monkeypatch)
    it.submit(flush(1), seconds=10_000)
    it.answer(503, {}, after)
    assert it.sender._resume_at == NOW + expected


def test_users_over_their_limit_wait_and_the_others_of_the_request_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    it = bench(monkeypatch)
    it.submit(flush(1), flush(2), flush(3), seconds=10_000)
    it.answer(429, {"limited": [{"user_id": "u1", "lines": [0, 2], "retry_after": 4}]}, "4")
    it.tick()
    assert it.in_flight() == [["f2"]]
    it.answer()
    it.submit(flush(4), seconds=10_000)
    assert it.in_flight() == [["f4"]], "nor does anything else"
    it.answer()
    assert [(report.flush_id, report.error) for report in it.reports] == [("f2", None), ("f4", None)]
    assert it.sender.next_retry() == NOW + 6.0
    it.tick(6.0)
    assert it.in_flight() == [["f1", "f3"]]


def test_if_nobody_of_the_request_is_named_everything_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    it = bench(monkeypatch)
    it.submit(flush(1), seconds=10_000)
    it.answer(429, {"limited": []}, "4")
    assert it.in_flight() == []
    assert it.sender._resume_at == NOW + 6.0


def test_pauses_grow_with_failures_in_a_row_and_are_short_again_after_a_success(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    it = bench(monkeypatch)
    it.submit(flush(1), seconds=10_000)
    for pause in (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0):
        it.fail()
        assert it.sender.next_retry() == it.now[0] + pause
        it.tick(pause)
    it.answer()
    it.submit(flush(2), seconds=10_000)
    it.fail()
    assert it.sender.next_retry() == it.now[0] + 0.5


def test_of_two_connections_that_fail_together_one_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    it = bench(monkeypatch)
    it.submit(flush(1))
    it.submit(flush(2))
    it.fail(0)
    it.fail(1)
    assert it.sender.next_retry() == pytest.approx(NOW + 1.0)
    it.tick(1.0)
    assert it.in_flight() == [["f1"], ["f2"]]


def test_what_waits_beyond_its_time_is_given_up_with_the_reason_and_the_rest_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    it = bench(monkeypatch)
    short, long = flush(1), flush(2)
    it.submit(short, seconds=0.2)
    it.fail()
    it.submit(long, seconds=100)
    assert it.sender.next_retry() == NOW + 0.2
    it.tick(0.2)
    assert [(r.flush_id, r.error) for r in it.reports] == [("f1", "not acknowledged in time: no answer")]
    it.tick(0.3)
    assert it.in_flight() == [["f2"]]


def test_a_request_that_takes_too_long_is_ended_once(monkeypatch: pytest.MonkeyPatch) -> None:
    it = bench(monkeypatch)
    it.submit(flush(1))
    assert it.sender.next_retry() == NOW + 20
    it.tick(20)
    assert it.sender._connections[0].is_cut
    assert it.sender.next_retry() is None
    it.fail()
    it.tick(1)
    assert it.in_flight() == [["f1"]]


def test_413_halves_what_is_sent_until_one_alone_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    it = bench(monkeypatch)
    it.submit(*(flush(number) for number in range(4)))
    it.answer(413, {"detail": "too many bytes"})
    it.tick()
    assert it.in_flight() == [["f0", "f1"], ["f2", "f3"]]
    it.answer(413, {"detail": "too many bytes"})
    it.answer(which=1)
    it.tick()
    assert it.in_flight() == [["f0"], ["f1"]]
    it.answer(413, {"detail": "too many bytes"})
    it.answer(which=1)
    assert it.sender.next_retry() is None
    errors = {report.flush_id: report.error for report in it.reports}
    refused = f"the collector answered {describe(413)}: too many bytes"
    assert errors == {"f2": None, "f3": None, "f1": None, "f0": refused}
    assert it.sender.retries == 0


@pytest.mark.parametrize("status", [400, 401, 403, 415])
def test_what_is_refused_is_reported_at_once(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    it = bench(monkeypatch, Tokens("fixed"))
    it.submit(flush(1), flush(2))
    it.answer(status, {"detail": "because"})
    assert [report.flush_id for report in it.reports] == ["f1", "f2"]
    assert all(f"{status}" in (report.error or "") and "because" in (report.error or "") for report in it.reports)
    assert it.sender.next_retry() is None


def test_a_refused_token_is_asked_for_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[str] = []

    def ask() -> str:
        given.append(f"t{len(given)}")
        return given[-1]

    tokens = Tokens(ask)
    it = bench(monkeypatch, tokens)
    assert tokens.get() == "t0"
    it.submit(flush(1))
    it.answer(403, {})
    assert tokens.get() == "t1"
    it.tick()
    assert it.in_flight() == [["f1"]]
    it.answer(403, {})
    assert [report.flush_id for report in it.reports] == ["f1"]
    assert it.reports[0].error is not None
    assert "403 Forbidden" in it.reports[0].error
    it.submit(flush(1))
    it.answer(401, {})
    it.tick()
    assert it.in_flight() == [["f1"]]  # a later one has its own second try


def test_of_a_request_only_what_was_unauthorised_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = Tokens(user_token=lambda user: f"{user}-token")
    it = bench(monkeypatch, tokens)
    it.submit(flush(1, "u1"), flush(2, "u2"))
    named = {"accepted": 1, "rejected": [{"line": 1, "index": -1, "reason": "unauthorised"}]}
    it.answer(202, named)
    assert [(report.flush_id, report.error) for report in it.reports] == [("f1", None)]
    it.tick()
    assert it.in_flight() == [["f2"]]
    it.answer(202, {"accepted": 0, "rejected": [{"line": 0, "index": -1, "reason": "unauthorised"}]})
    assert it.reports[1].error == "the collector refused it as unauthorised: the token is not one for this user"


def test_a_user_without_a_token_holds_up_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    it = bench(monkeypatch, Tokens(user_token=lambda user: "t"))
    it.submit(flush(1, "u1"), flush(2, "u2"), seconds=10)
    connection = it.sender._connections[0]
    body = json.dumps({"accepted": 1, "rejected": []}).encode()
    it.sender._answered(connection, Result(Answer(202, body), "", [-1, 0], {"u1": "no token for u1"}))
    assert [(report.flush_id, report.error) for report in it.reports] == [("f2", None)]
    it.submit(flush(3, "u3"), seconds=10)
    assert it.in_flight() == [["f3"]]
    it.tick(3.0)
    assert it.in_flight() == [["f3"], ["f1"]]
    it.fail(1, {"u1": "no token for u1"})
    it.tick(7.0)
    assert it.reports[-1].error == "not acknowledged in time: no token for u1"


def test_verdicts_reach_the_report_of_their_flush(monkeypatch: pytest.MonkeyPatch) -> None:
    it = bench(monkeypatch)
    it.submit(flush(1), flush(2, impressions=3), flush(3))
    rejected = [
        {"line": 1, "index": 0, "reason": "future"},
        {"line": 1, "index": 2, "reason": "late"},
        {"line": 2, "index": -1, "reason": "invalid"},
    ]
    it.answer(202, {"accepted": 2, "rejected": rejected})
    one, two, three = it.reports
    assert (one.accepted, one.rejected) == (1, ())
    first, last = two.rejected
    assert (first.reason, first.index, first.impression_id[:4]) == ("future", 0, "i2.0")
    assert (last.reason, last.index, last.impression_id[:4]) == ("late", 2, "i2.2")
    assert (two.error, two.impressions, two.accepted) == (None, 3, 1)
    assert (three.error, three.accepted, three.rejected) == (None, 0, (Rejection("invalid", -1),))


def test_verdicts_of_a_raw_record_name_its_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    it = bench(monkeypatch)
    it.submit(raw(b"a\nb\nc"))
    it.answer(202, {"accepted": 1, "rejected": [{"line": 2, "index": -1, "reason": "malformed"}]})
    assert it.reports[0].rejected == (Rejection("malformed", -1, "", 2),)
    assert (it.reports[0].error, it.reports[0].accepted) == (None, 0)


def test_giving_up_reports_everything_once_and_nothing_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    it = bench(monkeypatch)
    it.submit(flush(1))
    it.submit(flush(2))
    it.submit(flush(3))
    connection = it.sender._connections[0]
    it.sender.abandon()
    assert connection.is_cut
    assert sorted(report.flush_id for report in it.reports) == ["f1", "f2", "f3"]
    it.sender._answered(connection, Result(Answer(202, b'{"accepted":1,"rejected":[]}'), "", [0]))
    it.submit(flush(4))
    assert sorted(report.flush_id for report in it.reports) == ["f1", "f2", "f3", "f4"]
    assert {report.error for report in it.reports} == {"not acknowledged in time"}
