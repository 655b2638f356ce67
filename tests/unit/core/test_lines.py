"""How a UTF-8 JSON object is read. tests/unit/rules cover which lines are one."""

from typing import Any

import pytest

from streams.core.lines import impression_spans, parse

DEEP = 1024  # levels, the object included


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
@pytest.mark.parametrize("head", [b"", b'"b":1e999,'], ids=["plain", "after a giant"])
def test_nesting_is_read_down_to_1024_levels(levels: int, head: bytes) -> None:
    deep = b"{" + head + b'"a":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"
    assert "a" in parse(deep)


def test_an_empty_list_of_impressions_has_no_spans() -> None:
    assert impression_spans(b'{"impressions":[]}') == []
