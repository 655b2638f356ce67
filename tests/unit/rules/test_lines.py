"""Contract section 3, *Lines*: how records are split, which lines are one JSON object, and which are too large."""

import json

import pytest

from tests.support.flushes import A, flush, impression
from tests.support.judging import Implementation, digest, log

MIB = 1024 * 1024
LEVELS = 1024
GOOD = json.dumps(flush())


def extended(text: str) -> bytes:
    """Return a good flush with additional fields."""
    return (GOOD[:-1] + "," + text + "}").encode()


def padded(text: str, size: int) -> bytes:
    """Return the object in `text`, padded to `size` with spaces before its end."""
    return (text[:-1] + " " * (size - len(text)) + "}").encode()


MALFORMED: dict[str, bytes | None] = {
    "no value": None,
    "empty": b"",
    "spaces": b" \t\r",
    "one space": b" ",
    "not UTF-8": b'{"a":"\xff"}',
    "not UTF-8, a flush": GOOD.encode().replace(b"u1", b"u\xff"),
    "overlong UTF-8": b'{"a":"\xc0\x80"}',
    "surrogate in UTF-8": b'{"a":"\xed\xa0\x80"}',
    "surrogate in UTF-8, a flush": GOOD.encode().replace(b"u1", b"\xed\xa0\x80"),
    "byte order mark": b'\xef\xbb\xbf{"a":1}',
    "byte order mark, a flush": b"\xef\xbb\xbf" + GOOD.encode(),
    "byte order mark, nothing in it": b"\xef\xbb\xbf{}",
    "UTF-16, no line feed": '{"a":1}'.encode("utf-16"),
    "NaN": b'{"a":NaN}',
    "NaN in a flush": extended('"a":NaN'),
    "Infinity": b'{"a":Infinity}',
    "Infinity in a flush": extended('"a":Infinity'),
    "-Infinity": b'{"a":-Infinity}',
    "-Infinity in a flush": extended('"a":-Infinity'),
    "lone high surrogate": b'{"a":"\\ud800"}',
    "lone high surrogate in a flush": extended('"a":"\\ud800"'),
    "lone low surrogate": b'{"a":"\\udc00"}',
    "surrogates in the wrong order": b'{"a":"\\udc00\\ud800"}',
    "a high surrogate before a letter": b'{"a":"\\ud800\\u0041"}',
    "lone surrogate in a key": b'{"\\ud800":1}',
    "lone surrogate in a flush's key": extended('"a":{"\\ud800":1}'),
    "lone surrogate in an array": b'{"a":[["\\ud800"]]}',
    "lone low surrogate in a flush's list": extended('"a":[["\\udfff"]]'),
    "lone surrogate that a later key overrides": b'{"a":"\\ud800","a":1}',
    "lone surrogate that a flush's key overrides": GOOD.replace("{", '{"v":"\\ud800",', 1).encode(),
    "lone surrogate after a giant": b'{"b":1e999,"a":"\\ud800","a":1}',
    "lone surrogate after a giant in a flush": GOOD.replace("{", '{"a":1e999,"b":"\\ud800","b":1,', 1).encode(),
    "half an object": b"{",
    "cut short": b'{"a":1',
    "cut short, a flush": GOOD[:-1].encode(),
    "two objects": b'{"a":1}{"a":1}',
    "two objects apart": b"{} {}",
    "two flushes": (GOOD + GOOD).encode(),
    "array": b"[]",
    "array of an object": b'[{"a":1}]',
    "array of a flush": f"[{GOOD}]".encode(),
    "string": b'"a"',
    "number": b"1",
    "giant number": b"1e999",
    "null": b"null",
    "trailing comma": b'{"a":1,}',
    "trailing comma in an array": b'{"a":[1,]}',
    "trailing comma in a flush": GOOD.replace("]}", "],}").encode(),
    "comment": b'{"a":1/**/}',
    "single quotes": b"{'a':1}",
    "single quotes, a flush": GOOD.replace('"', "'").encode(),
    "no quotes": b"{a:1}",
    "leading zero": b'{"a":01}',
    "leading zero in a flush": GOOD.replace(str(A), "01", 1).encode(),
    "leading plus": b'{"a":+1}',
    "bare point": b'{"a":1.}',
    "nothing before the point": b'{"a":.5}',
    "hexadecimal": b'{"a":0x1}',
    "two signs before a giant": b'{"b":1e999,"a":--1e999}',
    "giant with a tail": b'{"b":1e999,"a":1e999e5}',
    "giant with a leading zero": b'{"b":1e999,"a":01e999}',
    "giant cut short": b'{"a":' + b"9" * 5_000,
    "control character in a string": b'{"a":"\t"}',
    "control character in a flush": GOOD.replace("u1", "u\t1").encode(),
    "another control character": b'{"a":"\x01"}',
    "an invalid escape": b'{"a":"\\x41"}',
    "a no-break space": b'{"a":\xc2\xa01}',
    "zero byte": b'{"a":1}\x00',
    "zero byte after nothing": b"{}\x00",
    "objects too deep": b'{"a":' * (LEVELS + 1) + b"1" + b"}" * (LEVELS + 1),
    "arrays too deep": b'{"a":' + b"[" * LEVELS + b"]" * LEVELS + b"}",
    "too deep after a giant": b'{"b":1e999,"a":' + b"[" * LEVELS + b"]" * LEVELS + b"}",
    "deep and cut short": b'{"a":' + b"[" * 1_000 + b"]" * 1_000,
    "a bomb": b"[" * 4_000_000,
    "a bomb in an object": b'{"a":' + b"[" * 100_000,
    "a bomb after a giant": b'{"a":1e999,"b":' + b"[" * 4_000_000,
    "escaped quotes without an end after a giant": b'{"a":1e999,"' + b'\\"' * 1_000_000,
    "rubbish and too long": b"x" * 2_000_000,
    "an object cut short and too long": padded(GOOD, MIB + 1)[:-1],
    "an invalid flush cut short": GOOD.replace('"v": 1', '"v": 2')[:-1].encode(),
}


@pytest.mark.parametrize("value", MALFORMED.values(), ids=MALFORMED)
def test_what_is_not_one_json_object_is_malformed_and_kept(judge: Implementation, value: bytes | None) -> None:
    found = judge(log(value, first=7))
    (rejected,), (row,) = found.rejected, found.ledger
    size = len(value or b"")
    assert (rejected.reason, rejected.source_offset, rejected.line, rejected.idx) == ("malformed", 7, 0, -1)
    assert (rejected.payload, rejected.payload_bytes, rejected.detail) == (digest(value or b""), size, True)
    assert (rejected.user_id, rejected.rejected_at) == ("", A)
    assert (row.received, row.rejected, row.accepted, row.flush_id, row.user_id) == (1, 1, 0, "", "")
    assert (row.transport, row.bytes, row.appended_at, row.sent_at) == ("", size, A, 0)


# JSON objects that are not flushes are read, and are invalid; all the others are part of a good flush.
READ = {
    "empty object": b"{}",
    "white space around": b' \t\r{"a" : 1 } \r',
    "minus zero": b'{"\\u0061":-0}',
    "surrogate pair": extended('"a":"\\ud83d\\ude00"'),
    "escaped zero": extended('"a":"\\u0000"'),
    "escaped backslash before u": extended('"a":"\\\\ud800"'),
    "byte order mark in a string": extended('"a":"\ufeff"'),
    "carriage return at the end": GOOD.encode() + b"\r",
    "beyond 2^53": extended('"a":9007199254740993'),
    "nested": extended('"a":{"b":[1.5,true,null]}'),
    "deepest nesting": extended('"a":' + "[" * (LEVELS - 1) + "]" * (LEVELS - 1)),
    "deepest nesting after a giant": extended('"b":1e999,"a":' + "[" * (LEVELS - 1) + "]" * (LEVELS - 1)),
    "1000 levels": extended('"a":' + "[" * 1_000 + "]" * 1_000),
    "1000 levels in an impression": GOOD.replace('"i1"', '"i1","a":' + "[" * 1_000 + "]" * 1_000).encode(),
    "brackets in a string": extended('"a":"' + "[" * 5_000 + '\\"["'),
    "escaped quotes and brackets in a string": extended('"a":"' + '[\\"' * 2_000 + '"'),
    "a giant in a string": extended('"a":"1e999 \\" 1e999"'),
    **{f"giant {n[:8]}": extended(f'"a":{n}') for n in ("1e999", "-1e999", "1.5E+400", "9" * 400, "9" * 5_000)},
    "a negative giant": extended('"a":-' + "9" * 400),
    "giants in a list": extended('"a":[1e999,' + "9" * 5_000 + "]"),
    "a giant in an impression": GOOD.replace('"i1"', '"i1","a":1e999').encode(),
    "a long giant in an impression": GOOD.replace('"i1"', '"i1","a":' + "9" * 5_000).encode(),
    "an underflow": extended('"a":1e-999'),
}


@pytest.mark.parametrize("value", READ.values(), ids=READ)
def test_odd_json_is_read(judge: Implementation, value: bytes) -> None:
    found = judge(log(value))
    assert found.reasons == ([] if len(value) > 50 else ["invalid"])


@pytest.mark.parametrize(
    ("old", "new", "user_id"),
    [
        ('"u1"', '5, "\\u0075ser_id": "u2"', "u2"),
        ('"u1"', '"bad id","user_id":"u1"', "u1"),
        ('"u1"', '"u1","user_id":"bad id"', ""),
    ],
)
def test_the_last_of_two_equal_keys_wins(judge: Implementation, old: str, new: str, user_id: str) -> None:
    found = judge(log(GOOD.replace(old, new).encode()))
    assert found.ledger[0].user_id == user_id
    assert found.reasons == ([] if user_id else ["invalid"])


WITH = {count: json.dumps(flush(impressions=[impression()] * count)).encode() for count in (1, 499, 500, 501)}
DECIDES: dict[str, tuple[bytes, str]] = {
    "1 MiB less a byte": (padded(GOOD, MIB - 1), ""),
    "1 MiB": (padded(GOOD, MIB), ""),
    "1 MiB and a byte": (padded(GOOD, MIB + 1), "oversize"),
    "1 impression": (WITH[1], ""),
    "499 impressions": (WITH[499], ""),
    "500 impressions": (WITH[500], ""),
    "501 impressions": (WITH[501], "oversize"),
    "oversize before invalid": (padded(json.dumps(flush(v=2)), MIB + 1), "oversize"),
    "oversize before invalid, another field": (padded(json.dumps(flush(tier="gold")), MIB + 1), "oversize"),
    "oversize and not a flush": (padded('{"a":1}', MIB + 1), "oversize"),
    "501 numbers before a wrong field": (json.dumps(flush(v=2, impressions=[1] * 501)).encode(), "oversize"),
    "501 nulls before a wrong field": (json.dumps(flush(tier="x", impressions=[None] * 501)).encode(), "oversize"),
    "a wrong field before wrong impressions": (json.dumps(flush(v=2, impressions=[1])).encode(), "invalid"),
    "no impressions": (json.dumps(flush(impressions=[])).encode(), "invalid"),
}


@pytest.mark.parametrize(("value", "reason"), DECIDES.values(), ids=DECIDES)
def test_the_first_reason_decides(judge: Implementation, value: bytes, reason: str) -> None:
    found = judge(log(value))
    (row,) = found.ledger
    if reason:
        ids = ("", "") if b'"a":1' in value else ("f1", "u1")
        assert (row.received, row.rejected, row.flush_id, row.user_id, row.tier) == (1, 1, *ids, "")
        assert [(each.reason, each.idx, each.user_id) for each in found.rejected] == [(reason, -1, ids[1])]
        assert (found.rejected[0].payload, found.rejected[0].payload_bytes) == (digest(value), len(value))
    else:
        assert found.reasons == []
        assert row.accepted + row.duplicates == row.received == value.count(b"artwork_id")


def test_only_the_first_mib_of_a_line_above_23_mib_is_kept(judge: Implementation) -> None:
    found = judge(log(b"x" * 23 * MIB + b"\n" + b"y" * (23 * MIB + 1)))
    assert [each.payload_bytes for each in found.rejected] == [23 * MIB, MIB]
    assert found.rejected[1].payload == digest(b"y" * MIB)


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        pytest.param(None, [b""], id="no value"),
        pytest.param(b"", [b""], id="empty value"),
        pytest.param(b"\n", [b""], id="only a line feed"),
        pytest.param(b"\n\n", [b"", b""], id="two line feeds"),
        pytest.param(b"a", [b"a"], id="one line"),
        pytest.param(b"a\n", [b"a"], id="a final line feed ends the last line"),
        pytest.param(b"a\n\n", [b"a", b""], id="a second final line feed makes an empty line"),
        pytest.param(b"\na", [b"", b"a"], id="empty first line"),
        pytest.param(b"a\n\nb", [b"a", b"", b"b"], id="empty line in the middle"),
        pytest.param(b"a\r\nb\x0b\x0c\x85c\r", [b"a\r", b"b\x0b\x0c\x85c\r"], id="at 0x0A only"),
        pytest.param("\na\u2028b".encode(), [b"", "a\u2028b".encode()], id="not at Unicode's line separators"),
    ],
)
def test_lines_are_split_at_0x0a_only(judge: Implementation, value: bytes | None, lines: list[bytes]) -> None:
    found = judge(log(value))
    assert [each.payload for each in found.rejected] == list(map(digest, lines))
    assert [(row.line, row.bytes) for row in found.ledger] == [(n, len(line)) for n, line in enumerate(lines)]


def test_a_bad_line_does_not_affect_its_neighbours(judge: Implementation) -> None:
    good = [json.dumps(flush(user_id=f"u{n}")).encode() for n in range(3)]
    value = b"\n".join([b"", good[0], b"", b"nonsense", good[1], b"\xff", b"[" * 100_000, good[2], b"", b""])
    found = judge(log(value, None, b""))
    assert found.letters == "xfxxfxxfxxx"
    assert found.reasons == ["malformed"] * 8
    assert [each.line for each in found.rejected] == [0, 2, 3, 5, 6, 8, 0, 0]
    assert [(each.line, each.user_id) for each in found.accepted] == [(1, "u0"), (4, "u1"), (7, "u2")]
