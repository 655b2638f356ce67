"""Turn a file's values into the fields of an artwork. No unit, format or meaning is guessed from a value."""

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

import orjson

from impression_streams.types import MAX_TIME_MS

TimeUnit = Literal["s", "ms", "us", "ns"]

PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# As ms, a smaller number is in 1970 to 1973: whoever writes it means seconds, and must say so.
FIRST_PLAUSIBLE_MS = 100_000_000_000
NO_VALUE = ("", "NULL", "null", r"\N", "None", "NA", "N/A", "NaN", "nan")
ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
MAX_ORDINAL = 2**32 - 1
_TRUE, _FALSE = frozenset({"true", "t", "yes", "y", "1"}), frozenset({"false", "f", "no", "n", "0"})


def identifier(value: str) -> str:
    """Return an id. Raises ValueError if it is none (contract §3)."""
    if ID.fullmatch(value) is None:
        raise ValueError("an id is 1 to 128 characters of A-Z, a-z, 0-9, and . _ : -")
    return value


def ordinal(value: object) -> int:
    """Return a whole number from 0 to 2^32 - 1, as a number or text. Raises ValueError."""
    number = _whole(value)
    if number is None or not 0 <= number <= MAX_ORDINAL:
        raise ValueError(f"a whole number from 0 to {MAX_ORDINAL} is expected")
    return number


def retired(value: object) -> bool:
    """Return a truth, as a boolean, 0 or 1, or a word. Raises ValueError."""
    if isinstance(value, bool):
        return value
    word = str(_whole(value)) if isinstance(value, int | float) else str(value).strip().lower()
    if word not in _TRUE | _FALSE:
        raise ValueError("true or false is expected")
    return word in _TRUE


def moment(unit: TimeUnit | None) -> Callable[[object], int]:
    """Return the reader of times, as ms since the epoch: ISO 8601 (UTC if without a zone), or a number in `unit`.

    Without a unit, numbers are ms, as everywhere in the contract, and one that is more likely seconds is refused.
    """

    def read(value: object) -> int:
        match value:
            case datetime():
                found = _ms(value)
            case date():
                found = _ms(datetime(value.year, value.month, value.day))
            case _ if (number := _whole(value)) is not None:
                found = number * 1000 // PER_SECOND[unit or "ms"]
                if unit is None and 0 < number < FIRST_PLAUSIBLE_MS:
                    raise ValueError(f"{number} ms is {_day(number)}: say --time-unit s, or ms if that is right")
            case str():
                found = _iso(value.strip())
            case _:
                raise ValueError("a time is expected")
        if not 0 <= found <= MAX_TIME_MS:
            raise ValueError("a time from 1970 to 2286 is expected")
        return found

    return read


def dna(value: object) -> bytes:
    """Return a feature vector as JSON. It is a list of finite numbers, or such a list as JSON. Raises ValueError."""
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            value = None
    if not isinstance(value, list | tuple) or not all(map(_is_finite, value)):
        raise ValueError("a list of finite numbers is expected, such as [0.12, -0.5]")
    return orjson.dumps([float(number) for number in value])


def is_absent(value: Any, words: frozenset[str]) -> bool:
    """Say whether a value stands for none: null, NaN, or one of the words."""
    if isinstance(value, str):
        return value in words
    return value is None or (isinstance(value, float) and math.isnan(value))


def _is_finite(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def _whole(value: object) -> int | None:
    """Return a whole number; a column with gaps holds them as floats."""
    match value:
        case bool():
            return None
        case int():
            return value
        case float() if value.is_integer():
            return int(value)
        case str() if re.fullmatch(r"\s*[+-]?[0-9]{1,20}\s*", value):
            return int(value)
    return None


def _iso(text: str) -> int:
    # Python reads digits alone, such as 20240131, as a date; here they are a number.
    try:
        return _ms(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        raise ValueError("a time is expected: ISO 8601, or a number since the epoch") from None


def _ms(value: datetime) -> int:
    return ((value if value.tzinfo else value.replace(tzinfo=UTC)) - EPOCH) // timedelta(milliseconds=1)


def _day(ms: int) -> str:
    return f"in {(EPOCH + timedelta(milliseconds=ms)):%B %Y}"
