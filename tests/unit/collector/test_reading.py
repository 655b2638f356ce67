"""A body's lines: which go to the log, which are refused, what is predicted, and how many there may be."""

import pytest

from streams.collector.rules.bodies import TooLargeError
from streams.collector.rules.reading import (
    MOST_FLUSHES,
    MOST_REJECTED,
    MOST_TOKEN_LINES,
    Logged,
    Reader,
    Reading,
    read,
)
from streams.core.decode import MAX_LINE_BYTES
from streams.core.partitioner import partition_of
from tests.support.flushes import LATENESS, RULES, TOLERANCE, A, impression, line

PARTITIONS = 4
TOKEN = b'{"token":"v4.public.AAAA"}'


def reading_of(*lines: bytes) -> Reading:
    return read(b"\n".join(lines), now_ms=A, partitions=PARTITIONS, rules=RULES)


def rejected(reading: Reading) -> list[tuple[int, int, str]]:
    return [(each.line, each.index, each.reason) for each in reading.rejected]


def too_large(body: bytes) -> str:
    with pytest.raises(TooLargeError) as caught:
        read(body, now_ms=A, partitions=PARTITIONS, rules=RULES)
    assert caught.value.reason == "pieces"
    return caught.value.detail


def test_a_flush_goes_to_its_users_partition_byte_for_byte() -> None:
    text = b' { "x":[1e999], ' + line(user_id="u7").lstrip(b"{") + b"\t\r"
    reading = reading_of(text)
    assert reading.lines == [(partition_of("u7", PARTITIONS), text)]
    assert reading.logged == [Logged(0, "u7", "f1", 1, 0)]
    assert (reading.accepted, reading.flushes, reading.rejected, reading.refused.total()) == (1, 1, [], 0)


def test_what_has_a_user_goes_to_the_log_good_or_bad() -> None:
    wrong = line(v=2, flush_id="")
    large = line(more="x" * MAX_LINE_BYTES)
    many = line(impressions=[impression()] * 501)
    reading = reading_of(wrong, large, many, line(impressions=[]))
    assert [text for _, text in reading.lines] == [wrong, large, many, line(impressions=[])]
    assert rejected(reading) == [(0, -1, "invalid"), (1, -1, "oversize"), (2, -1, "oversize"), (3, -1, "invalid")]
    assert [each.flush_id for each in reading.logged] == ["", "f1", "f1", "f1"]
    assert reading.accepted == 0
    assert not reading.empty


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"?", "malformed"),
        (b"", "malformed"),
        (b"[]", "malformed"),
        (b"\xff", "malformed"),
        (b"\xef\xbb\xbf" + line(), "malformed"),
        (line(x="?").replace(b'"?"', b"NaN"), "malformed"),
        (line(x="?").replace(b'"?"', b"[" * 1_025 + b"]" * 1_025), "malformed"),
        (line(user_id="auth0|1"), "invalid"),
        (line(user_id=7), "invalid"),
        (b'{"v":1}', "invalid"),
        (line(user_id="", more="x" * MAX_LINE_BYTES), "oversize"),
    ],
)
def test_what_has_no_user_is_refused_by_reason(text: bytes, reason: str) -> None:
    reading = reading_of(line(), text, line(flush_id="f2"))
    assert [each.line for each in reading.logged] == [0, 2]
    assert reading.refused == {reason: 1}
    assert rejected(reading) == [(1, -1, reason)]
    assert reading_of(text, b"").empty


def test_nesting_below_the_limit_is_no_problem() -> None:
    deep = line(x="?").replace(b'"?"', b"[" * 1_023 + b"]" * 1_023)
    assert reading_of(deep).accepted == 1


def test_an_impression_is_rejected_alone() -> None:
    late = impression(seen_at=A - LATENESS - 1)
    reading = reading_of(
        line(impressions=[impression(seen_at=A + TOLERANCE), impression(seen_at=A + TOLERANCE + 1), {}, late, late])
    )
    # The second late one is of an artwork that was seen before in this body; the first, perhaps in an earlier one.
    assert rejected(reading) == [(0, 1, "future"), (0, 2, "invalid"), (0, 3, "late"), (0, 4, "late")]
    assert reading.accepted == 1
    assert reading.logged == [Logged(0, "u1", "f1", 5, 4)]


def test_late_is_known_as_far_as_this_body_goes_and_by_user() -> None:
    late = [impression(seen_at=A - LATENESS - 1)]
    assert rejected(reading_of(line(impressions=late), line(user_id="u2", impressions=late))) == []
    assert rejected(reading_of(line(), line(impressions=late), line(user_id="u2", impressions=late))) == [
        (1, 0, "late")
    ]


def test_repeats_go_to_the_log_and_are_counted() -> None:
    reading = reading_of(line(), TOKEN, line(), TOKEN, line(user_id="u2"), line())
    assert len(reading.lines) == 4
    assert (reading.repeats, reading.flushes, reading.accepted) == (2, 4, 4)


def test_lines_end_at_line_feeds_only_and_one_at_the_end_ends_the_last() -> None:
    inside = line(x="a\u2028b\u0085c\rd\x0b").replace(b"\\r", b" ").replace(b"\\u000b", b" ")
    assert len(reading_of(inside, b"").lines) == 1
    assert rejected(reading_of(line(), b"", b"")) == [(1, -1, "malformed")]
    assert rejected(reading_of(b"", line())) == [(0, -1, "malformed")]


@pytest.mark.parametrize("body", [b"", TOKEN, TOKEN + b"\n" + TOKEN, TOKEN + b"\n"])
def test_a_body_without_flushes_is_empty(body: bytes) -> None:
    reading = reading_of(body)
    assert reading.empty
    assert not reading.forbidden
    assert (reading.flushes, reading.rejected) == (0, [])


@pytest.mark.parametrize("text", [TOKEN, b' { "token" : "x" } \r', b'{"token":"\\u0061","token":"b"}', b'{"token":""}'])
def test_a_token_line_is_no_flush_and_not_passed_on(text: bytes) -> None:
    reading = reading_of(text, line(), text, b"?")
    assert reading.lines == [(partition_of("u1", PARTITIONS), line())]
    assert reading.flushes == 2
    # Lines are numbered as they were sent.
    assert rejected(reading) == [(3, -1, "malformed")]


@pytest.mark.parametrize("text", [b'{"token":1}', b'{"token":"a","v":1}', b'{"Token":"a"}', b'{"token":"\xc3\xa9"}'])
def test_what_is_nearly_a_token_line_is_a_wrong_flush(text: bytes) -> None:
    assert reading_of(line(), text).refused == {"invalid": 1}


def test_the_number_of_flushes_is_bounded() -> None:
    body = b"\n".join([line()] * MOST_FLUSHES)
    assert read(body, now_ms=A, partitions=1, rules=RULES).flushes == MOST_FLUSHES
    assert "500 flushes" in too_large(body + b"\n?")
    assert "500 flushes" in too_large(b"\n" * (MOST_FLUSHES + 1))
    assert "600 lines" in too_large(b"\n" * 4_000_000)


def test_the_number_of_token_lines_is_bounded() -> None:
    tokens = b"\n".join([TOKEN] * MOST_TOKEN_LINES)
    body = tokens + b"\n" + b"\n".join([line()] * MOST_FLUSHES)
    assert read(body, now_ms=A, partitions=1, rules=RULES).flushes == MOST_FLUSHES
    assert "100 token lines" in too_large(tokens + b"\n" + TOKEN)


def test_the_number_of_rejected_pieces_is_bounded() -> None:
    wrong = line(impressions=[0] * 500)
    most = [wrong] * (MOST_REJECTED // 500)
    assert len(reading_of(*most).rejected) == MOST_REJECTED
    assert "5000 pieces" in too_large(b"\n".join([*most, line(v=2)]))
    ahead = line(impressions=[impression(seen_at=A + TOLERANCE + 1)] * 500)
    assert "5000 pieces" in too_large(b"\n".join([ahead] * (1 + MOST_REJECTED // 500)))


def test_a_large_body_is_read_in_steps() -> None:
    def steps(*lines: bytes) -> int:
        reader = Reader(b"\n".join(lines), now_ms=A, partitions=PARTITIONS, rules=RULES)
        count = 1
        while reader.step():
            count += 1
        assert reader.reading == reading_of(*lines)
        return count

    assert steps(line()) == 1
    assert steps(*[line()] * 500) == 8
    # What takes longer ends a step earlier.
    assert steps(*[line(impressions=[0] * 500)] * 10) == 11
    assert steps(*[line(more="x" * 100_000)] * 3) > 1
    assert steps(*[TOKEN] * 90) == 2


def test_users_and_their_impressions_are_counted() -> None:
    reading = reading_of(line(impressions=[impression(), {}]), line(user_id="u2"), line(), line(user_id="u3", v=2))
    assert reading.users == {"u1": 3, "u2": 1, "u3": 1}
