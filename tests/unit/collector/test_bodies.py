"""What a body may be: types, encodings, sizes, and gzip in every broken form."""

import gzip
import zlib

import pytest

from streams.collector.rules.bodies import (
    MOST_BYTES,
    MOST_MEMBERS,
    MOST_SENT_BYTES,
    BadBodyError,
    Body,
    BodyError,
    Inflater,
    TooLargeError,
    UnsupportedError,
    declared_bytes,
    is_gzip,
)

TEXT = b'{"v":1}\n' * 1_000
GZIP = gzip.compress(TEXT)


def inflate(data: bytes, limit: int = MOST_BYTES, step: int = 1_000_000) -> bytes:
    inflater = Inflater(limit)
    out = b"".join(inflater.feed(data[at : at + step]) for at in range(0, len(data), step))
    inflater.finish()
    return out


def refusal(data: bytes, limit: int = MOST_BYTES) -> tuple[int, str]:
    """The status and the reason with which a gzip body is refused."""
    with pytest.raises(BodyError) as caught:
        inflate(data, limit)
    return caught.value.status, caught.value.reason


@pytest.mark.parametrize(
    ("content_type", "content_encoding", "query", "expected"),
    [
        ("text/plain", "", "", False),
        ("text/plain;charset=UTF-8", "", "", False),
        ('Application/JSON ; charset="utf-8"', "identity", "", False),
        ("application/json", "gzip", "", True),
        ("application/json", " X-Gzip ", "", True),
        ("text/plain", "", "encoding=gzip", True),
        ("text/plain", "gzip", "a=b&encoding=GZIP", True),
        ("text/plain", "", "encoding=", False),
        ("text/plain", "", "encodings=br", False),
    ],
)
def test_types_and_encodings_that_are_taken(
    content_type: str, content_encoding: str, query: str, expected: bool
) -> None:
    assert is_gzip(content_type, content_encoding, query) is expected


@pytest.mark.parametrize(
    ("content_type", "content_encoding", "query", "reason"),
    [
        ("", "", "", "content_type"),
        ("application/x-www-form-urlencoded", "", "", "content_type"),
        ("text/html", "", "", "content_type"),
        ("application/jsonp", "", "", "content_type"),
        ("text/plain;charset=iso-8859-1", "", "", "charset"),
        ("text/plain", "br", "", "encoding"),
        ("text/plain", "gzip, gzip", "", "encoding"),
        ("text/plain", "", "encoding=deflate", "encoding"),
        ("text/plain", "gzip", "encoding=br", "encoding"),
        ("text/plain", "", "encoding=gzip&encoding=gzip", "encoding"),
        ("text/plain", "", "&".join(["a=b"] * 17), "query"),
    ],
)
def test_types_and_encodings_that_are_not_taken(
    content_type: str, content_encoding: str, query: str, reason: str
) -> None:
    with pytest.raises(UnsupportedError) as caught:
        is_gzip(content_type, content_encoding, query)
    assert (caught.value.status, caught.value.reason) == (415, reason)


def test_a_declared_length_is_checked_before_the_body_is_read() -> None:
    assert declared_bytes("") is None
    assert declared_bytes("0") == 0
    assert declared_bytes(str(MOST_SENT_BYTES)) == MOST_SENT_BYTES
    for text in (str(MOST_SENT_BYTES + 1), "9" * 5_000):
        with pytest.raises(TooLargeError):
            declared_bytes(text)
    for text in ("-1", "+1", "1e3", "1,1", " 1", "\u0661", "0x1"):
        with pytest.raises(BadBodyError):
            declared_bytes(text)


def test_gzip_in_one_member_or_several_by_any_pieces() -> None:
    level9 = zlib.compressobj(9, zlib.DEFLATED, 31)
    data = GZIP + gzip.compress(b"") + level9.compress(b"end") + level9.flush()
    for step in (1, 7, 64, len(data)):
        assert inflate(data, step=step) == TEXT + b"end"


def test_what_is_left_inside_zlib_comes_out_too() -> None:
    # So well compressed that the last input is taken long before the last output is given.
    text = b"a" * (3 * 64 * 1024 + 100)
    assert inflate(gzip.compress(text, 9), step=10_000) == text


@pytest.mark.parametrize("end", [1, 5, 10, 15, len(GZIP) - 9, len(GZIP) - 8, len(GZIP) - 1])
def test_a_truncated_body_is_refused(end: int) -> None:
    assert refusal(GZIP[:end]) == (400, "gzip")
    assert refusal(GZIP + GZIP[:end]) == (400, "gzip")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(TEXT, id="not gzip"),
        pytest.param(zlib.compress(TEXT), id="zlib"),
        pytest.param(GZIP + b"\n", id="garbage after the end"),
        pytest.param(GZIP + b"\0", id="padding after the end"),
        pytest.param(GZIP[:-8] + b"\0\0\0\0" + GZIP[-4:], id="wrong checksum"),
        pytest.param(GZIP[:-4] + b"\0\0\0\0", id="wrong length"),
        pytest.param(GZIP[:30] + b"\xff" * 20 + GZIP[50:], id="damaged"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_what_is_not_whole_gzip_is_refused(data: bytes) -> None:
    assert refusal(data) == (400, "gzip")


def test_the_limit_is_on_what_comes_out() -> None:
    assert inflate(gzip.compress(bytes(1_000)), limit=1_000) == bytes(1_000)
    assert refusal(gzip.compress(bytes(1_001)), limit=1_000) == (413, "inflated_bytes")
    halves = gzip.compress(bytes(501)) + gzip.compress(bytes(500))
    assert refusal(halves, limit=1_000) == (413, "inflated_bytes")


def test_a_bomb_is_not_inflated_to_find_out_how_large_it_is() -> None:
    bomb = gzip.compress(bytes(16 * 1024 * 1024))
    assert len(bomb) < MOST_SENT_BYTES
    inflater = Inflater()
    with pytest.raises(TooLargeError):
        inflater.feed(bomb)
    assert inflater.inflated == MOST_BYTES + 1


def test_members_are_bounded() -> None:
    member = gzip.compress(b"x")
    assert inflate(member * MOST_MEMBERS) == b"x" * MOST_MEMBERS
    assert refusal(member * (MOST_MEMBERS + 1)) == (413, "gzip_members")


def test_a_plain_body_is_bounded_as_it_is_sent() -> None:
    body = Body(gzip=False)
    assert body.feed(b"x" * MOST_SENT_BYTES) == MOST_SENT_BYTES
    with pytest.raises(TooLargeError) as caught:
        body.feed(b"x")
    assert caught.value.reason == "sent_bytes"


def test_a_gzip_body_is_bounded_as_it_is_sent_too() -> None:
    # Stored, not compressed: as large on the way as inside.
    stored = zlib.compressobj(0, zlib.DEFLATED, 31)
    data = stored.compress(bytes(MOST_SENT_BYTES)) + stored.flush()
    body = Body(gzip=True)
    with pytest.raises(TooLargeError) as caught:
        body.feed(data)
    assert caught.value.reason == "sent_bytes"
    assert body.inflated == 0


def test_a_body_counts_what_it_got_and_what_it_keeps() -> None:
    body = Body(gzip=True)
    kept = [body.feed(piece) for piece in (GZIP[:20], GZIP[20:])]
    assert (body.sent, body.inflated, sum(kept)) == (len(GZIP), len(TEXT), len(TEXT))
    assert body.finish() == TEXT
    plain = Body(gzip=False)
    assert plain.finish() == b""
    assert (plain.feed(b"a"), plain.feed(b""), plain.feed(b"bc")) == (1, 0, 2)
    assert (plain.finish(), plain.sent, plain.inflated) == (b"abc", 3, 3)


def test_a_body_may_be_limited_further() -> None:
    with pytest.raises(TooLargeError):
        Body(gzip=False, limit=2).feed(b"abc")
    with pytest.raises(TooLargeError):
        Body(gzip=False, most_sent=2).feed(b"abc")
