"""Strict JSON: lines that the contract calls malformed raise, and the bytes of each impression are available."""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

# How deep arrays and objects may nest (decision 0003).
MOST_LEVELS = 1_024
# Python's own recursion limit, 1,000 calls, is below MOST_LEVELS. A line with at most this many brackets stays far from
# the limit; a flush of 500 impressions has 504.
FEW_LEVELS = 510
# A number with more digits is outside a double's range; Python refuses to read 4,301 digits as an int.
MOST_DIGITS = 309

_SPACE = re.compile(r"[ \t\n\r]*")
# Surrogate pairs are tried first, so a surrogate that matches the second alternative is a lone one.
_ESCAPE = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u([0-9a-fA-F]{4})|\\.", re.DOTALL)
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


class Malformed(ValueError):
    """Not one JSON object in UTF-8."""


def _no_constant(text: str) -> Any:
    raise Malformed(text)


def _integer(text: str) -> int | float:
    return int(text) if len(text) <= MOST_DIGITS else float(text)


# The fast path, for all lines except those with numbers that Python would not read as an int.
_DECODER = json.JSONDecoder(parse_constant=_no_constant)
_DECODER_OF_LONG_NUMBERS = json.JSONDecoder(parse_constant=_no_constant, parse_int=_integer)


def parse_object(line: bytes) -> dict[str, Any]:
    """Return the line's JSON object; the last of equal keys wins. Raises Malformed."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed("not UTF-8") from error
    value = _parse(text) if line.count(b"[") + line.count(b"{") <= FEW_LEVELS else _parse_deep(text)
    if not isinstance(value, dict):
        raise Malformed("not an object")
    if "\\u" in text and _has_lone_surrogate(text):
        raise Malformed("a lone surrogate")
    return value


def _parse(text: str) -> Any:
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise Malformed(str(error)) from error
    except Malformed:
        raise
    except ValueError:  # a number with more digits than Python reads as an int
        try:
            return _DECODER_OF_LONG_NUMBERS.decode(text)
        except json.JSONDecodeError as error:
            raise Malformed(str(error)) from error


def _parse_deep(text: str) -> Any:
    """Parse a text with many brackets: usually it has many impressions, rarely is it nested deeply."""
    level = deepest = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        found = match.group()
        if found in "[{":
            level += 1
            deepest = max(deepest, level)
            if deepest > MOST_LEVELS:
                raise Malformed("nested too deep")
        elif found in "]}":
            level -= 1
    if deepest <= FEW_LEVELS:
        return _parse(text)
    return _parse_with_room(text)


def _parse_with_room(text: str) -> Any:
    """Parse in a thread that may recurse as deep as the line. Others have the same limit, and don't use it."""
    limit = sys.getrecursionlimit()
    with ThreadPoolExecutor(1) as thread:
        sys.setrecursionlimit(max(limit, 2 * MOST_LEVELS))
        try:
            return thread.submit(_parse, text).result()
        finally:
            sys.setrecursionlimit(limit)


def impression_texts(line: bytes) -> list[bytes]:
    """Return the exact bytes of each element of the last `impressions` in a line that parse_object has read."""
    text = line.decode("utf-8")
    array: int | None = None
    for key, start in _members(text, _skip(text, 0)):
        if key == "impressions":
            array = start
    if array is None:
        raise ValueError("no impressions")
    return [text[start:end].encode() for start, end in _elements(text, array)]


def _members(text: str, place: int) -> Iterator[tuple[str, int]]:
    """Yield each key of the object at `place`, and where its value starts."""
    place = _skip(text, place + 1)
    while text[place] != "}":
        key, start = _key(text, place)
        yield key, start
        place = _skip(text, _end_of_value(text, start))
        if text[place] == ",":
            place = _skip(text, place + 1)


def _elements(text: str, place: int) -> Iterator[tuple[int, int]]:
    """Yield where each element of the array at `place` starts and ends."""
    place = _skip(text, place + 1)
    while text[place] != "]":
        end = _end_of_value(text, place)
        yield place, end
        place = _skip(text, end)
        if text[place] == ",":
            place = _skip(text, place + 1)


def _end_of_value(text: str, place: int) -> int:
    """Return where the valid value at `place` ends."""
    if text[place] not in "[{":
        return _raw(text, place)[1]
    level = 0
    for found in _STRING_OR_BRACKET.finditer(text, place):
        level += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found.group(), 0)
        if level == 0:
            return found.end()
    raise ValueError("no end")


def _key(text: str, place: int) -> tuple[str, int]:
    """Return the key at `place`, and where its value starts."""
    if text[place : place + 1] != '"':
        raise Malformed(f"no key at {place}")
    try:
        key, place = scanstring(text, place + 1, True)
    except json.JSONDecodeError as error:
        raise Malformed(str(error)) from error
    place = _skip(text, place)
    if text[place : place + 1] != ":":
        raise Malformed(f"no value at {place}")
    return key, _skip(text, place + 1)


def _raw(text: str, place: int) -> tuple[Any, int]:
    try:
        return _DECODER_OF_LONG_NUMBERS.raw_decode(text, place)
    except json.JSONDecodeError as error:
        raise Malformed(str(error)) from error


def _skip(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    return found.end() if found else place


def _has_lone_surrogate(text: str) -> bool:
    alone: Sequence[str] = _ESCAPE.findall(text)
    return any(each and 0xD800 <= int(each, 16) <= 0xDFFF for each in alone)
