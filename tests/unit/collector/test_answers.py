"""What is answered: status, headers and JSON."""

import orjson
import pytest

from streams.collector.rules.answers import Answer, of_error, of_limited, of_reading, problem, retry_after
from streams.collector.rules.bodies import BadBodyError, TooLargeError, UnsupportedError
from streams.collector.rules.reading import Reading, Rejected, read
from tests.support.flushes import RULES, A, impression, line

ON_EVERY_ANSWER = {
    b"cache-control": b"no-store",
    b"cross-origin-resource-policy": b"cross-origin",
    b"x-content-type-options": b"nosniff",
    b"x-robots-tag": b"noindex",
}


def headers_of(answer: Answer) -> dict[bytes, bytes]:
    headers = dict(answer.headers)
    assert len(headers) == len(answer.headers)
    assert headers.items() >= ON_EVERY_ANSWER.items()
    assert headers[b"content-length"] == str(len(answer.body)).encode()
    return headers


def answer_to(body: bytes) -> Answer:
    return of_reading(read(body, now_ms=A, partitions=1, rules=RULES))


def test_what_goes_to_the_log_is_answered_by_202_with_its_verdicts() -> None:
    answer = answer_to(line(impressions=[impression(), {}]) + b"\n?")
    assert answer.status == 202
    assert headers_of(answer)[b"content-type"] == b"application/json"
    assert orjson.loads(answer.body) == {
        "accepted": 1,
        "rejected": [{"line": 0, "index": 1, "reason": "invalid"}, {"line": 1, "index": -1, "reason": "malformed"}],
    }


def test_what_holds_nothing_for_the_log_is_answered_by_400() -> None:
    answer = answer_to(b"?\n{}")
    assert answer.status == 400
    assert headers_of(answer)[b"content-type"] == b"application/problem+json"
    value = orjson.loads(answer.body)
    assert (value["title"], value["status"], value["reason"]) == ("Bad Request", 400, "unreadable")
    assert [each["reason"] for each in value["rejected"]] == ["malformed", "invalid"]
    assert "rejected" not in orjson.loads(answer_to(b"").body)


def test_what_could_go_there_with_another_token_is_answered_by_403() -> None:
    reading = Reading(rejected=[Rejected(0, -1, "unauthorised")], token_error="the token has expired")
    reading.refused["unauthorised"] += 1
    answer = of_reading(reading)
    assert answer.status == 403
    assert orjson.loads(answer.body)["detail"] == "the token has expired"


def test_users_who_have_to_wait_are_named_with_their_lines() -> None:
    body = b"\n".join(line(user_id=user) for user in ("u1", "u2", "u1", "u3"))
    answer = of_limited(read(body, now_ms=A, partitions=1, rules=RULES), {"u1": 1.5, "u3": 60.0}, 0)
    assert answer.status == 429
    assert headers_of(answer)[b"retry-after"] == b"60", "it holds for all of them"
    value = orjson.loads(answer.body)
    assert (value["reason"], value["limited"]) == (
        "limit",
        [{"user_id": "u1", "lines": [0, 2], "retry_after": 2}, {"user_id": "u3", "lines": [3], "retry_after": 60}],
    )
    assert "u1" not in value["detail"], "that is logged"


@pytest.mark.parametrize("kind", [BadBodyError, TooLargeError, UnsupportedError])
def test_a_body_that_cant_be_taken_is_answered_by_its_status(kind: type[BadBodyError]) -> None:
    answer = of_error(kind("word", "A sentence."))
    value = orjson.loads(answer.body)
    assert answer.status == value["status"] == kind.status
    assert (value["reason"], value["detail"], value["type"]) == ("word", "A sentence.", "about:blank")


def test_a_problem_may_say_when_to_come_back() -> None:
    assert headers_of(problem(503, "busy", "Later."))[b"content-type"] == b"application/problem+json"
    answer = problem(503, "busy", "Later.", retry_after="7")
    assert headers_of(answer)[b"retry-after"] == b"7"
    assert orjson.loads(answer.body)["title"] == "Service Unavailable"


@pytest.mark.parametrize(
    ("seconds", "chance", "expected"),
    [(0, 0, 1), (0, 0.999, 2), (1, 0, 1), (1, 0.999, 3), (10, 0, 10), (10, 0.999, 16), (0.2, 0, 1), (1e9, 0.5, 3_600)],
)
def test_a_wait_is_whole_seconds_never_shorter_and_spread(seconds: float, chance: float, expected: int) -> None:
    assert retry_after(seconds, chance) == str(expected)
