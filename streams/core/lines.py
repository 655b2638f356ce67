"""From a record's bytes to lines, and from a line to JSON (contract §3, "Lines")."""

import json
import math
import re
import sys
from typing import Any

import orjson

# orjson reads 1,024 levels of nesting. json, which re-reads lines to find the spans of rejected impressions, counts
# nesting against Python's recursion limit (1,000 minus the caller's depth) and must not give up earlier than orjson.
sys.setrecursionlimit(max(sys.getrecursionlimit(), 4_096))

# Strings, closed or not (so no text is scanned twice), and runs of the characters of numbers and names.
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[-+.0-9A-Za-z]++', re.DOTALL)
_NUMBER = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")


class MalformedLineError(ValueError):
    """The line is not one UTF-8 JSON object; the text says where."""


def split(value: bytes | None) -> list[bytes]:
    """Return a record's lines. A missing or empty value is one empty line (which is malformed)."""
    if not value:
        return [b""]
    if b"\n" not in value:
        return [value]
    return value.removesuffix(b"\n").split(b"\n")


def repeats(value: bytes) -> tuple[bytes, int]:
    """Return a piece's first line, and how many lines it has if all are equal to it; 0 if they are not."""
    end = value.find(b"\n")
    if end < 0:
        return value, 1
    text = value[:end]
    if value.endswith(b"\n"):
        count, rest = divmod(len(value), end + 1)
        return text, 0 if rest or value != value[: end + 1] * count else count
    count, rest = divmod(len(value) + 1, end + 1)
    return text, 0 if rest or value != (value[: end + 1] * count)[:-1] else count


def parse(line: bytes) -> dict[str, Any]:
    """Return the line's JSON object; the last of two equal keys wins. Raises MalformedLineError.

    Nesting deeper than 1,024 levels is malformed: that is orjson's limit, and nothing in the contract nests deeper
    than three.
    """
    try:
        value = _load(line)
    except orjson.JSONDecodeError as error:
        raise MalformedLineError(str(error)) from None
    if type(value) is not dict:
        raise MalformedLineError(f"a JSON object is expected, not {type(value).__name__}")
    return value


def _tame(token: re.Match[bytes]) -> bytes:
    """Replace a number beyond a double's range by one within it that isn't valid in any field either."""
    text = token.group()
    return b"1.5e300" if _NUMBER.fullmatch(text) and math.isinf(float(text)) else text


def _load(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError as error:
        # A number beyond a double's range is JSON: the only thing that the contract allows and orjson refuses.
        if "infinity" not in str(error):
            raise
        return orjson.loads(_TOKEN.sub(_tame, line))


def _parse_int(digits: str) -> int | float:
    # No integer field accepts more than 16 digits, and Python refuses to parse more than 4,300.
    return int(digits) if len(digits) < 32 else math.inf


def impression_spans(line: bytes) -> list[bytes]:
    """Return the bytes of each element of a flush's `impressions`, exactly as in the line.

    `parse` must accept `line`, and its impressions must be an array. Only rejections need this: their payload is the
    producer's own text, number formats and unknown fields included.
    """
    text = line.decode()
    decoder = json.JSONDecoder(parse_int=_parse_int)
    spans: list[bytes] = []
    at = _skip(text, 0) + 1  # past the opening brace
    while text[at := _skip(text, at)] != "}":
        key, at = decoder.raw_decode(text, at)
        at = _skip(text, _skip(text, at) + 1)  # past the colon
        if key == "impressions" and text[at] == "[":
            spans, at = _elements(text, at, decoder)
        else:
            _, at = decoder.raw_decode(text, at)
        at = _skip(text, at)
        if text[at] == ",":
            at += 1
    return spans


def _elements(text: str, at: int, decoder: json.JSONDecoder) -> tuple[list[bytes], int]:
    spans = []
    at = _skip(text, at + 1)
    while text[at] != "]":
        _, end = decoder.raw_decode(text, at)
        spans.append(text[at:end].encode())
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return spans, at + 1


def _skip(text: str, at: int) -> int:
    while text[at] in " \t\r\n":
        at += 1
    return at
