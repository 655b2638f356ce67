"""Answers are read however they are cut, and what is none is refused within bounds."""

import pytest

from load.users.answer import MOST_BODY_BYTES, MOST_HEADER_BYTES, Answer, AnswerReader, BadAnswerError

PLAIN = b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n[1,2,3]"
CHUNKED = (
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\nTRANSFER-ENCODING: Chunked\r\n\r\n"
    b"3;name=value\r\n[1,\r\n4\r\n2,3]\r\n0\r\n\r\n"
)


@pytest.mark.parametrize("data", [PLAIN, CHUNKED], ids=["with its length", "in chunks"])
def test_an_answer_is_read_wherever_it_is_cut(data: bytes) -> None:
    for cut in range(len(data) + 1):
        reader = AnswerReader()
        found = [reader.feed(data[:cut]), reader.feed(data[cut:])]
        assert [each for each in found if each] == [Answer(202, None, b"[1,2,3]", keep=True)], cut
        assert not reader.begun


def test_answers_follow_each_other_over_a_connection() -> None:
    reader = AnswerReader()
    assert reader.feed(PLAIN) == reader.feed(CHUNKED) == reader.feed(PLAIN)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"HTTP/1.1 503 No\r\nretry-after: 7\r\ncontent-length: 0", Answer(503, 7.0, b"", keep=True)),
        (b"HTTP/1.1 503 No\r\nRetry-After: Mon, 30 Nov 2026\r\ncontent-length: 0", Answer(503, None, b"", keep=True)),
        (b"HTTP/1.1 429 No\r\nConnection: Close\r\ncontent-length: 0", Answer(429, None, b"", keep=False)),
        (b"HTTP/1.0 200 OK\r\ncontent-length: 0", Answer(200, None, b"", keep=False)),
        (b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 0", Answer(200, None, b"", keep=True)),
        (b"HTTP/1.1 304 Not Modified", Answer(304, None, b"", keep=True)),
    ],
)
def test_what_the_header_says_is_kept(head: bytes, expected: Answer) -> None:
    assert AnswerReader().feed(head + b"\r\n\r\n") == expected


def test_an_answer_may_end_with_its_connection() -> None:
    reader = AnswerReader()
    assert reader.feed(b"HTTP/1.1 502 Bad Gateway\r\n\r\nsorry") is None
    assert reader.end() == Answer(502, None, b"sorry", keep=False)
    assert AnswerReader().end() is None


def test_a_part_of_an_answer_is_none_at_the_end() -> None:
    reader = AnswerReader()
    assert reader.feed(PLAIN[:-1]) is None
    assert reader.begun
    assert reader.end() is None


def test_what_follows_an_answer_unasked_ends_the_connection() -> None:
    found = AnswerReader().feed(PLAIN + b"HTTP/1.1 408 ")
    assert found is not None
    assert not found.keep


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (MOST_BODY_BYTES + 1),
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * MOST_HEADER_BYTES,
    ],
    ids=["no HTTP", "no status", "negative length", "no chunk", "long body", "long header"],
)
def test_what_is_no_answer_is_refused(data: bytes) -> None:
    with pytest.raises(BadAnswerError):
        AnswerReader().feed(data)
