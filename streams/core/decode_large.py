"""Checks a line too large to be accepted without building an object of it: in a worker, `[{},{},...` costs 30 times its
length as objects.

A large line is malformed or oversize, and only its flush_id and user_id are needed. msgspec skips every other value,
and checks it while it does so. It leaves out three things, which are checked here: UTF-8, surrogates and nesting. A
property test compares the result with `streams.core.lines.parse`.
"""

import re
from codecs import getincrementaldecoder
from collections.abc import Iterator
from itertools import accumulate

import orjson
from msgspec import MsgspecError, Raw, Struct, json

from streams.core.lines import MalformedLineError

# orjson's limit (contract §3).
MOST_LEVELS = 1_024
# The longest text of a valid id, if each of its 128 characters is an escape: `\\u0061`.
MOST_ID_BYTES = 2 + 6 * 128
_BLOCK_BYTES = 64 * 1024

# Text in which each escape is one that JSON may have, as far as surrogates go: a high one stands before a low one.
_PAIRED = re.compile(
    rb"(?:[^\\]++|\\[^u]|\\u(?:[0-9a-ce-fA-CE-F]|[dD][0-7])|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F])*+"
)
# A piece of a line between strings, or after a few of them: a whole line's strings at once may be millions.
_SEGMENT = re.compile(rb'(?:[^"]{1,65536}+|"(?:[^"\\]++|\\.)*+"){1,1000}+', re.DOTALL)
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_BRACKETS = b"[]{}"
_NOT_BRACKETS = bytes(each for each in range(256) if each not in _BRACKETS)
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
# Brackets that are counted at once, as long as so many can't reach the limit.
_FEW_BRACKETS = MOST_LEVELS // 2
_NOTHING = Raw(b"")


class _Ids(Struct):
    """What is read of a large line; everything else is skipped."""

    flush_id: Raw = _NOTHING
    user_id: Raw = _NOTHING


_read = json.Decoder(_Ids).decode


def ids(line: bytes) -> tuple[object, object]:
    """Return the line's flush_id and user_id; None for one that is absent, or too long for an id.

    Raises MalformedLineError exactly where `parse` would.
    """
    _check_utf8(line)
    _check_surrogates(line)
    _check_levels(line)
    try:
        found = _read(line)
    except (MsgspecError, RecursionError) as error:
        raise MalformedLineError(str(error)) from None
    return _value(found.flush_id), _value(found.user_id)


def _value(raw: Raw) -> object:
    text = bytes(raw) if 0 < len(raw) <= MOST_ID_BYTES else b"null"
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:  # a number beyond a double's range
        return None


def _check_utf8(line: bytes) -> None:
    decoder = getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(line), _BLOCK_BYTES):
            decoder.decode(line[start : start + _BLOCK_BYTES])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise MalformedLineError(f"not UTF-8: {error.reason}") from None


def _check_surrogates(line: bytes) -> None:
    if b"\\u" in line and _PAIRED.fullmatch(line) is None:
        raise MalformedLineError("a lone surrogate, or another wrong escape")


def _check_levels(line: bytes) -> None:
    """Raise if the line nests too deep. Without this, msgspec's own limit would decide, which depends on the caller."""
    if line.count(b"[") + line.count(b"{") <= MOST_LEVELS:
        return
    level = 0
    for brackets in _brackets(line):
        opened = brackets.count(b"[") + brackets.count(b"{")
        if (
            level + opened > MOST_LEVELS
            and max(accumulate(map(_STEP.__getitem__, brackets), initial=level)) > MOST_LEVELS
        ):
            raise MalformedLineError(f"nested deeper than {MOST_LEVELS} levels")
        level += 2 * opened - len(brackets)


def _brackets(line: bytes) -> Iterator[bytes]:
    """Yield the brackets that are outside strings, a few at a time, up to a string without an end."""
    at = 0
    while at < len(line) and (segment := _SEGMENT.match(line, at)) is not None:
        text = _STRING.sub(b"", segment.group()).translate(None, _NOT_BRACKETS)
        for start in range(0, len(text), _FEW_BRACKETS):
            yield text[start : start + _FEW_BRACKETS]
        at = segment.end()
