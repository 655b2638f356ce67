"""How the oracle reads JSON. Which lines it accepts as JSON is tested in tests/unit/rules."""

import pytest

from oracle.jsontext import parse_object


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
def test_json_objects_are_read(line: bytes, value: dict[str, object]) -> None:
    assert parse_object(line) == value


def test_1024_levels_of_nesting_are_read() -> None:
    value: object = parse_object(b'{"a":' + b"[" * 1_023 + b"]" * 1_023 + b"}")["a"]
    levels = 0
    while isinstance(value, list):
        levels, value = levels + 1, value[0] if value else None
    assert levels == 1_023


def test_brackets_in_a_string_are_not_levels() -> None:
    assert parse_object(b'{"a":"' + b'[\\"' * 2_000 + b'"}') == {"a": '["' * 2_000}
