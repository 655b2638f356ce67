"""What a collector's answer means for what was sent."""

import json
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from impression_streams.http.answer import Answer, Named, Outcome, judge, retry_after

NOW = 1_764_489_600.0
STORED = {"accepted": 1, "rejected": []}


def answer(status: int, value: object = STORED, after: str | None = None) -> Answer:
    return Answer(status, value if isinstance(value, bytes) else json.dumps(value).encode(), after)


@pytest.mark.parametrize("status", [200, 201, 202])
def test_2xx_in_a_collectors_form_is_stored(status: int) -> None:
    named = [{"line": 1, "index": 0, "reason": "future"}, {"line": 0, "index": -1, "reason": "invalid", "more": 1}]
    verdict = judge(answer(status, {"accepted": 3, "rejected": named, "more": 1}), 2, NOW)
    assert verdict.outcome is Outcome.STORED
    assert verdict.rejected == (Named(1, 0, "future"), Named(0, -1, "invalid"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Sign in to the network</html>",
        b'{"accepted":1',
        [],
        {},
        {"accepted": 1},
        {"accepted": True, "rejected": []},
        {"accepted": "1", "rejected": []},
        {"accepted": 1, "rejected": {}},
        {"accepted": 1, "rejected": [1]},
        {"accepted": 1, "rejected": [{"line": 2, "index": 0, "reason": "late"}]},
        {"accepted": 1, "rejected": [{"line": -1, "index": 0, "reason": "late"}]},
        {"accepted": 1, "rejected": [{"line": 0, "index": 0}]},
        {"accepted": 1, "rejected": [{"line": True, "index": 0, "reason": "late"}]},
    ],
)
def test_2xx_in_another_form_has_stored_nothing(body: object) -> None:
    verdict = judge(answer(200, body), 2, NOW)
    assert verdict.outcome is Outcome.AGAIN
    assert verdict.detail == (
        "the collector answered 200 OK, but not as a collector does: is `endpoint` the collector's address?"
    )


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (400, Outcome.REFUSED),
        (415, Outcome.REFUSED),
        (401, Outcome.UNAUTHORISED),
        (403, Outcome.UNAUTHORISED),
        (413, Outcome.TOO_LARGE),
        *((status, Outcome.AGAIN) for status in (301, 302, 307, 404, 405, 408, 421, 425, 429, 431)),
        *((status, Outcome.AGAIN) for status in (500, 501, 502, 503, 504, 507, 520, 599, 999)),
    ],
)
def test_every_other_status_has_its_meaning_and_a_sentence(status: int, outcome: Outcome) -> None:
    verdict = judge(answer(status, {"detail": "why\nit is\x00 so"}), 1, NOW)
    assert verdict.outcome is outcome
    assert verdict.detail.startswith(f"the collector answered {status}")
    assert ": why it is so" in verdict.detail
    assert verdict.rejected == ()


def test_what_a_server_says_is_repeated_in_part() -> None:
    assert len(judge(answer(503, {"title": "x" * 5000}), 1, NOW).detail) < 300
    assert judge(answer(503, b"<html>" * 1000), 1, NOW).detail == "the collector answered 503 Service Unavailable"
    assert judge(answer(503, [1]), 1, NOW).detail == "the collector answered 503 Service Unavailable"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, None),
        ("0", 0.0),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("9" * 50, 999_999_999.0),
        (format_datetime(datetime.fromtimestamp(NOW + 90, UTC), usegmt=True), 90.0),
        (format_datetime(datetime.fromtimestamp(NOW - 90, UTC), usegmt=True), 0.0),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str | None, expected: float | None) -> None:
    assert retry_after(text, NOW) == expected


def test_retry_after_counts_for_every_status_that_is_tried_again() -> None:
    assert judge(answer(503, {}, "5"), 1, NOW).wait == 5.0
    assert judge(answer(429, {}, "5"), 1, NOW).wait == 5.0
    assert judge(answer(503, {}), 1, NOW).wait is None


def test_429_may_name_the_lines_that_have_to_wait() -> None:
    named = {"limited": [{"user_id": "u1", "lines": [0, 2]}, {"user_id": "u2", "lines": [3]}]}
    assert judge(answer(429, named, "5"), 4, NOW).limited == {0, 2, 3}
    assert judge(answer(503, named, "5"), 4, NOW).limited == frozenset(), "nothing else does"


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        [],
        {},
        {"limited": 1},
        {"limited": [1]},
        {"limited": [{}]},
        {"limited": [{"lines": 1}]},
        {"limited": [{"lines": ["0"]}]},
        {"limited": [{"lines": [True]}]},
        {"limited": [{"lines": [4]}]},
        {"limited": [{"lines": [-1]}]},
    ],
)
def test_a_429_that_names_none_as_a_collector_does_holds_for_everything(body: object) -> None:
    verdict = judge(answer(429, body, "5"), 4, NOW)
    assert (verdict.outcome, verdict.wait, verdict.limited) == (Outcome.AGAIN, 5.0, frozenset())
