"""Who may record what: a header for the whole body, token lines for the lines after them, users, pools and origins."""

import orjson
import pytest

from streams.collector.rules.answers import of_reading
from streams.collector.rules.reading import Authority, Reader, Reading, bearer, read
from tests.support.flushes import RULES, A, impression, line
from tests.unit.collector.test_tokens import EXP, NOW, OTHERS, as_paseto, tokens

ONE, TWO = line(), line(user_id="u2", flush_id="f2")
T1, T2 = as_paseto({"sub": "u1", "exp": EXP}), as_paseto({"sub": "u2", "exp": EXP})
OLD = as_paseto({"sub": "u1", "exp": int(NOW) - 600})
FORGED = as_paseto({"sub": "u1", "exp": EXP}, OTHERS)


def token_line(token: str) -> bytes:
    return orjson.dumps({"token": token})


def reading_of(*lines: bytes, token: str = "", origin: str = "") -> Reading:
    authority = Authority(tokens(), NOW, origin, token)
    return read(b"\n".join(lines), now_ms=A, partitions=1, rules=RULES, authority=authority)


def taken(reading: Reading) -> list[int]:
    """The numbers of the lines that go to the log; all others must have been refused by name."""
    assert {each.line for each in reading.rejected if each.reason == "unauthorised"} | {
        each.line for each in reading.logged
    } == {each.line for each in reading.rejected} | {each.line for each in reading.logged}
    return [each.line for each in reading.logged]


def test_a_header_is_for_the_whole_body() -> None:
    reading = reading_of(ONE, TWO, ONE, token=T1)
    assert taken(reading) == [0, 2]
    assert [(each.line, each.index, each.reason) for each in reading.rejected] == [(1, -1, "unauthorised")]
    assert reading.refused == {"unauthorised": 1}
    assert (reading.flushes, reading.accepted, reading.forbidden) == (3, 2, False)
    assert of_reading(reading).status == 202


def test_a_token_line_is_for_the_lines_after_it_up_to_the_next() -> None:
    assert taken(reading_of(ONE, token_line(T1), ONE, TWO, token_line(T2), ONE, TWO)) == [2, 6]
    assert taken(reading_of(ONE, token_line(T2), TWO, ONE, token=T1)) == [0, 2]


@pytest.mark.parametrize("token", [OLD, FORGED, "", "x"])
def test_a_token_that_is_not_valid_authorises_nothing_not_even_by_the_header(token: str) -> None:
    assert taken(reading_of(ONE, token_line(token), ONE, token=T1)) == [0]
    assert taken(reading_of(token_line(T1), ONE, token_line(token), ONE)) == [1]
    assert reading_of(ONE, token=token).forbidden


def test_a_body_with_nothing_else_is_forbidden_and_the_answer_says_why() -> None:
    none = reading_of(ONE, TWO)
    assert none.forbidden
    assert orjson.loads(of_reading(none).body)["token"] == none.token_reason == "missing"
    other = orjson.loads(of_reading(reading_of(TWO, token=T1)).body)
    assert other["detail"].startswith("the token doesn't cover")
    assert "token" not in other
    answer = of_reading(reading_of(ONE, token_line(FORGED), ONE, token=OLD))
    assert answer.status == 403
    problem = orjson.loads(answer.body)
    assert (problem["reason"], problem["token"]) == ("unauthorised", "expired")
    assert problem["detail"] == "the token has expired"
    assert [each["line"] for each in problem["rejected"]] == [0, 2]


def test_what_has_no_user_is_refused_for_that_whatever_the_token() -> None:
    reading = reading_of(b"?", line(user_id=""), TWO, token=T1)
    assert reading.refused == {"malformed": 1, "invalid": 1, "unauthorised": 1}
    # None of it is in the log, and some could be: sent again with another token, nothing is lost.
    assert reading.forbidden
    empty = reading_of(b"?", token=T1)
    assert empty.empty
    assert of_reading(empty).status == 400


def test_a_wrong_flush_goes_to_the_log_for_its_own_user_only() -> None:
    assert taken(reading_of(line(v=2), line(v=2, user_id="u2"), token=T1)) == [0]


def test_a_token_may_be_for_some_pools() -> None:
    token = as_paseto({"sub": "u1", "exp": EXP, "pools": ["main", "side"]})

    def in_pools(*pools: str) -> bytes:
        return line(impressions=[impression(pool_id=each) if each else impression() for each in pools])

    reading = reading_of(
        in_pools("main", "side"),
        in_pools("main", "other"),
        in_pools("", "main"),
        in_pools("other") + b" ",
        line(impressions=[impression(pool_id="side"), {}]),
        line(impressions=[impression(pool_id="other"), {}]),
        token=token,
    )
    assert [each.line for each in reading.logged] == [0, 2, 4]
    assert reading.refused == {"unauthorised": 3}


def test_a_token_may_be_for_an_origin() -> None:
    token = as_paseto({"sub": "u1", "exp": EXP, "origin": "https://a.example"})
    assert taken(reading_of(ONE, token=token, origin="https://a.example")) == [0]
    assert reading_of(ONE, token=token, origin="https://b.example").forbidden
    assert reading_of(token_line(token), ONE).token_error == "the token is for another origin"


def test_checking_tokens_ends_a_step() -> None:
    lines = [token_line(as_paseto({"sub": f"u{n}", "exp": EXP})) for n in range(40)]
    reader = Reader(b"\n".join(lines), now_ms=A, partitions=1, rules=RULES, authority=Authority(tokens(), NOW))
    assert [reader.step() for _ in range(5)] == [True] * 4 + [False]


def test_without_an_authority_tokens_mean_nothing() -> None:
    reading = read(b"\n".join([token_line(FORGED), ONE]), now_ms=A, partitions=1, rules=RULES)
    assert taken(reading) == [1]
    assert reading.token_error == ""


@pytest.mark.parametrize(
    ("header", "expected"),
    [("Bearer x.y", "x.y"), ("bearer  x.y ", "x.y"), ("", ""), ("Basic x", ""), ("Bearer", ""), ("x.y", "")],
)
def test_the_token_of_a_header(header: str, expected: str) -> None:
    assert bearer(header) == expected
