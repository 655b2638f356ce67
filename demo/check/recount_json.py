"""The recount's own reading of JSON lines: strict, with the exact bytes of each impression at hand.

This module and its `recount*` siblings import the standard library and confluent_kafka only, so that an error
in the worker's decoding can't hide in its own check.
"""

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# Levels of arrays and objects, the outermost counted as one, that a line may have; deeper is malformed.
MAX_DEPTH = 1024
# CPython counts its C scanner's recursion against this limit, two levels a nested value at most.
_RECURSION_LIMIT = 8 * MAX_DEPTH
# Longer integers are far outside every field's range; int() itself refuses above 4,300 digits.
_LONGEST_INTEGER = 20
_HUGE: int = 10**_LONGEST_INTEGER
_STRING_OR_BRACKET = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)
_SPACE = re.compile(r"[ \t\n\r]*")


class Malformed(ValueError):
    """The line is not one UTF-8 JSON object as contract section 3 wants it; the text says why."""


def decode(line: bytes) -> dict[str, object]:
    """Return the line's object; of two equal keys the last wins. Raises Malformed (section 3, *Judging*)."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed(f"not UTF-8: {error.reason}") from None
    if _depth(text) > MAX_DEPTH:
        raise Malformed(f"nested deeper than {MAX_DEPTH} levels")
    try:
        with _deep_recursion():
            value = _DECODER.decode(text)
            _refuse_lone_surrogates(value)
    except UnicodeEncodeError:
        raise Malformed("a lone surrogate") from None
    except ValueError as error:
        raise Malformed(f"not JSON: {error}") from None
    if not isinstance(value, dict):
        raise Malformed("not a JSON object")
    return value


def impression_payloads(line: bytes) -> list[bytes]:
    """Return the exact bytes of each element of the last `impressions` array of a line that `decode` took."""
    text = line.decode("utf-8")
    with _deep_recursion():
        starts = [start for key, start in _members(text, _skip(text, 0)) if key == "impressions"]
        return [text[start:end].encode("utf-8") for start, end in _elements(text, starts[-1])]


def _members(text: str, at: int) -> Iterator[tuple[str, int]]:
    """Yield each key of the object at `at` with the place where its value starts."""
    at = _skip(text, at + 1)
    while text[at] != "}":
        key, at = _DECODER.raw_decode(text, at)
        at = _skip(text, _skip(text, at) + 1)
        yield key, at
        _, at = _DECODER.raw_decode(text, at)
        at = _after_comma(text, at)


def _elements(text: str, at: int) -> Iterator[tuple[int, int]]:
    """Yield start and end of each element of the array at `at`."""
    at = _skip(text, at + 1)
    while text[at] != "]":
        _, end = _DECODER.raw_decode(text, at)
        yield at, end
        at = _after_comma(text, end)


def _after_comma(text: str, at: int) -> int:
    at = _skip(text, at)
    return _skip(text, at + 1) if text[at] == "," else at


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _depth(text: str) -> int:
    depth = deepest = 0
    for token in _STRING_OR_BRACKET.finditer(text):
        if token[0] in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif token[0] in "]}":
            depth -= 1
    return deepest


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    # Checked here, and not in the finished object, because a key that a later equal one overrides counts too.
    for key, value in pairs:
        _refuse_lone_surrogates(key)
        _refuse_lone_surrogates(value)
    return dict(pairs)


def _refuse_lone_surrogates(value: object) -> None:
    if isinstance(value, str):
        value.encode("utf-8")
    elif isinstance(value, list):
        for element in value:
            _refuse_lone_surrogates(element)


def _integer(digits: str) -> int:
    if len(digits) <= _LONGEST_INTEGER:
        return int(digits)
    return -_HUGE if digits.startswith("-") else _HUGE


def _constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer, parse_constant=_constant)


@contextmanager
def _deep_recursion() -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _RECURSION_LIMIT))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
