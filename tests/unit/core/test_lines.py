"""CONTRACT §3, "Lines", and what is one UTF-8 JSON object."""

from typing import Any

import pytest

from streams.core.lines import MalformedLineError, impression_spans, parse, split


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        pytest.param(None, [b""], id="no value"),
        pytest.param(b"", [b""], id="empty value"),
        pytest.param(b"a", [b"a"], id="one line"),
        pytest.param(b"a\n", [b"a"], id="one at the end ends the last line"),
        pytest.param(b"a\n\n", [b"a", b""], id="a second one is an empty line"),
        pytest.param(b"\n", [b""], id="nothing but the end of a line"),
        pytest.param(b"\na", [b"", b"a"], id="empty first line"),
        pytest.param(b"a\n\nb", [b"a", b"", b"b"], id="empty line in between"),
        pytest.param(b"a\r\nb\x0b\x0c\x85c", [b"a\r", b"b\x0b\x0c\x85c"], id="at 0x0A only"),
        pytest.param("a\u2028b".encode(), ["a\u2028b".encode()], id="not at Unicode's line separators"),
    ],
)
def test_lines_are_split_at_0x0a_only(value: bytes | None, lines: list[bytes]) -> None:
    assert split(value) == lines


DEEP = 1024  # levels, the object included

MALFORMED = {
    "empty": b"",
    "spaces": b" \t\r",
    "not UTF-8": b'{"a":"\xff"}',
    "overlong UTF-8": b'{"a":"\xc0\x80"}',
    "surrogate in UTF-8": b'{"a":"\xed\xa0\x80"}',
    "byte order mark": b'\xef\xbb\xbf{"a":1}',
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "NaN": b'{"a":NaN}',
    "Infinity": b'{"a":Infinity}',
    "-Infinity": b'{"a":-Infinity}',
    "lone high surrogate": b'{"a":"\\ud800"}',
    "lone low surrogate": b'{"a":"\\udc00"}',
    "surrogates in the wrong order": b'{"a":"\\udc00\\ud800"}',
    "lone surrogate in a key": b'{"\\ud800":1}',
    "lone surrogate in an array": b'{"a":[["\\ud800"]]}',
    "lone surrogate that a later key overrides": b'{"a":"\\ud800","a":1}',
    "lone surrogate behind a giant": b'{"b":1e999,"a":"\\ud800","a":1}',
    "cut short": b'{"a":1',
    "two objects": b'{"a":1}{"a":1}',
    "array": b'[{"a":1}]',
    "string": b'"a"',
    "number": b"1",
    "giant number": b"1e999",
    "null": b"null",
    "trailing comma": b'{"a":1,}',
    "comment": b'{"a":1/**/}',
    "single quotes": b"{'a':1}",
    "leading zero": b'{"a":01}',
    "leading plus": b'{"a":+1}',
    "bare point": b'{"a":1.}',
    "hexadecimal": b'{"a":0x1}',
    "two signs before a giant": b'{"b":1e999,"a":--1e999}',
    "giant with a tail": b'{"b":1e999,"a":1e999e5}',
    "giant with a leading zero": b'{"b":1e999,"a":01e999}',
    "control character in a string": b'{"a":"\t"}',
    "zero byte": b'{"a":1}\x00',
    "too deep": b'{"a":' * (DEEP + 1) + b"1" + b"}" * (DEEP + 1),
    "too deep behind a giant": b'{"b":1e999,"a":' + b"[" * DEEP + b"]" * DEEP + b"}",
    "a bomb": b"[" * 4_000_000,
    "a bomb behind a giant": b'{"a":1e999,"b":' + b"[" * 4_000_000,
    "escaped quotes without an end behind a giant": b'{"a":1e999,"' + b'\\"' * 1_000_000,
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
def test_what_is_not_one_json_object_is_malformed(text: bytes) -> None:
    with pytest.raises(MalformedLineError, match=r".+"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param(b"{}", {}, id="empty object"),
        pytest.param(b' \t\r{"a" : 1 } ', {"a": 1}, id="white space around"),
        pytest.param(b'{"a":1,"a":2}', {"a": 2}, id="the last of two equal keys wins"),
        pytest.param(b'{"a":1,"\\u0061":2}', {"a": 2}, id="equal after unescaping"),
        pytest.param(b'{"a":"\\ud83d\\ude00"}', {"a": "\U0001f600"}, id="a pair of surrogates"),
        pytest.param(b'{"a":"\\u0000"}', {"a": "\x00"}, id="an escaped zero"),
        pytest.param(b'{"a":-0}', {"a": 0}, id="minus zero"),
        pytest.param(b'{"a":9007199254740993}', {"a": 2**53 + 1}, id="beyond 2^53, exact"),
        pytest.param(b'{"a":{"b":[1.5,true,null]}}', {"a": {"b": [1.5, True, None]}}, id="nested"),
    ],
)
def test_objects_are_read(text: bytes, value: dict[str, Any]) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    "number", ["1e999", "-1e999", "1.5E+400", "9" * 400, "-" + "9" * 400, "9" * 5000], ids=lambda n: n[:8]
)
def test_a_number_beyond_a_doubles_range_is_json_and_fits_no_field(number: str) -> None:
    value = parse(b'{"s":"1e999 \\" ' + b'1e999","a":%s,"b":[%s]}' % (number.encode(), number.encode()))
    assert value["s"] == '1e999 " 1e999'
    assert isinstance(value["a"], float)
    assert value["a"] > 1e17
    assert value["b"] == [value["a"]]


@pytest.mark.parametrize("levels", [2, 1000, DEEP])
@pytest.mark.parametrize("head", [b"", b'"b":1e999,'], ids=["plain", "behind a giant"])
def test_nesting_is_read_down_to_1024_levels(levels: int, head: bytes) -> None:
    deep = b"{" + head + b'"a":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"
    assert "a" in parse(deep)


SPANS = {
    "none": (b'{"impressions":[]}', []),
    "white space": (b'{ "impressions" :\t[ {"a": 1 } ,\r{"b":2}\t] }', [b'{"a": 1 }', b'{"b":2}']),
    "number formats": (b'{"impressions":[1e3,-0,1.50,100]}', [b"1e3", b"-0", b"1.50", b"100"]),
    "giants": (b'{"x":1e999,"impressions":[1e999,' + b"9" * 5000 + b"]}", [b"1e999", b"9" * 5000]),
    "scalars": (b'{"impressions":[null,true,"]",[]]}', [b"null", b"true", b'"]"', b"[]"]),
    "escapes": (b'{"impressions":["\\u0061\\"]\\ud83d\\ude00"]}', [b'"\\u0061\\"]\\ud83d\\ude00"']),
    "beyond ASCII": ('{"ä":"é","impressions":["ü😀",1]}'.encode(), ['"ü😀"'.encode(), b"1"]),
    "nested arrays": (b'{"impressions":[[[1],[2]],{"a":[{}]}]}', [b"[[1],[2]]", b'{"a":[{}]}']),
    "the same key nested before": (b'{"x":{"impressions":[1]},"impressions":[2]}', [b"2"]),
    "the same key nested after": (b'{"impressions":[2],"x":[{"impressions":[1]}]}', [b"2"]),
    "the same key in an element": (b'{"impressions":[{"impressions":[1,2]}]}', [b'{"impressions":[1,2]}']),
    "the same word as a value": (b'{"x":"impressions","impressions":[1]}', [b"1"]),
    "twice: the last wins": (b'{"impressions":[1],"impressions":[2,3]}', [b"2", b"3"]),
    "twice: the first no array": (b'{"impressions":{"a":[9]},"impressions":[2]}', [b"2"]),
    "escaped key": (b'{"\\u0069mpressions":[1]}', [b"1"]),
    "escaped key last": (b'{"impressions":[0],"\\u0069mpressions":[1]}', [b"1"]),
}


@pytest.mark.parametrize(("text", "spans"), SPANS.values(), ids=SPANS)
def test_spans_are_the_producers_own_bytes(text: bytes, spans: list[bytes]) -> None:
    assert isinstance(parse(text)["impressions"], list)
    assert impression_spans(text) == spans


def test_spans_are_found_beside_1000_levels_of_nesting() -> None:
    text = b'{"x":' + b"[" * 1000 + b"]" * 1000 + b',"impressions":[{"y":' + b"[" * 1000 + b"]" * 1000 + b"}]}"
    parse(text)
    assert impression_spans(text) == [b'{"y":' + b"[" * 1000 + b"]" * 1000 + b"}"]
