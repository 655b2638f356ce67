"""Which lines the oracle takes for JSON objects, and the bytes that it finds in them."""

import pytest

from oracle.jsontext import Malformed, impression_texts, parse_object


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b" ",
        b"[]",
        b"null",
        b'"a"',
        b"{",
        b"{} {}",
        b"{}\x00",
        b"\xef\xbb\xbf{}",
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":-Infinity}',
        b'{"a":"\xff"}',
        b'{"a":"\xed\xa0\x80"}',
        b'{"a":"\\ud800"}',
        b'{"a":"\\udc00\\ud800"}',
        b'{"\\ud800":1}',
        b'{"a":"\\ud800\\u0041"}',
        b'{"a":"\\ud800","a":1}',
        b'{"a":01}',
        b'{"a":1.}',
        b'{"a":.5}',
        b'{"a":+1}',
        b"{'a':1}",
        b'{"a":1,}',
        b'{"a":[1,]}',
        b'{"a":"\x01"}',
        b'{"a":"\\x41"}',
        b'{"a":\xc2\xa01}',
        b"{a:1}",
        b'{"a":' + b"[" * 1_024 + b"]" * 1_024 + b"}",
        b'{"a":' + b"[" * 100_000,
        b'{"a":' + b"[" * 1_000 + b"]" * 1_000,
        b'{"a":' + b"9" * 5_000,
    ],
)
def test_what_is_not_one_object_of_valid_json_is_malformed(line: bytes) -> None:
    with pytest.raises(Malformed):
        parse_object(line)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (b" \t\r{} \r", {}),
        (b'{"a":1,"a":2}', {"a": 2}),
        (b'{"a":"\\ud83d\\ude00"}', {"a": "\U0001f600"}),
        (b'{"a":"\\\\ud800"}', {"a": "\\ud800"}),
        (b'{"a":"\xef\xbb\xbf"}', {"a": "\ufeff"}),
        (b'{"\\u0061":-0}', {"a": 0}),
        (b'{"a":1e999}', {"a": float("inf")}),
        (b'{"a":' + b"9" * 5_000 + b"}", {"a": float("inf")}),
    ],
)
def test_what_is_json_is_read(line: bytes, value: dict[str, object]) -> None:
    assert parse_object(line) == value


def test_1024_levels_are_read() -> None:
    value: object = parse_object(b'{"a":' + b"[" * 1_023 + b"]" * 1_023 + b"}")["a"]
    levels = 0
    while isinstance(value, list):
        levels, value = levels + 1, value[0] if value else None
    assert levels == 1_023


def test_brackets_in_a_string_are_no_levels() -> None:
    assert parse_object(b'{"a":"' + b'[\\"' * 2_000 + b'"}') == {"a": '["' * 2_000}


@pytest.mark.parametrize(
    ("line", "texts"),
    [
        (b'{"impressions":[1]}', [b"1"]),
        (
            b'{"impressions": [ {"a" : [1, "]"]} ,\t-0.0,"\\u00e9", null ] }',
            [b'{"a" : [1, "]"]}', b"-0.0", b'"\\u00e9"', b"null"],
        ),
        (b'{"impressions":[1],"impre\\u0073sions":[{"b":"}\\""}],"z":{"impressions":[3]}}', [b'{"b":"}\\""}']),
        ('{"é":"ü[","impressions":[{"é":"ü"}]}'.encode(), ['{"é":"ü"}'.encode()]),
        (b'{"impressions":[' + b"[" * 1_000 + b"]" * 1_000 + b",2]}", [b"[" * 1_000 + b"]" * 1_000, b"2"]),
        (b'{"impressions":[' + b"9" * 5_000 + b"]}", [b"9" * 5_000]),
    ],
)
def test_the_bytes_of_each_impression_are_those_of_the_line(line: bytes, texts: list[bytes]) -> None:
    parse_object(line)
    assert impression_texts(line) == texts
