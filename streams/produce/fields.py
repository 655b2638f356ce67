"""Turn a column's value into an impression's field: other logs write ids as numbers, and times in many ways."""

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from impression_streams.types import MAX_TIME_MS

TimeUnit = Literal["auto", "s", "ms", "us", "ns"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
# The magnitudes at which a number's unit changes: 1e11 is in the year 5138 as seconds, and in 1973 as ms. So every time
# between 1973 and 5138 is read correctly in any unit.
MAGNITUDES: tuple[tuple[float, TimeUnit], ...] = ((1e11, "s"), (1e14, "ms"), (1e17, "us"), (math.inf, "ns"))


def text(value: object) -> str:
    """Return an id: text as it is, a whole number (14, or 14.0 from a column with gaps) in decimal."""
    match value:
        case str():
            return value
        case bytes():
            return value.decode(errors="surrogateescape")
        case bool():
            pass
        case int():
            return str(value)
        case float() if value.is_integer():
            return str(int(value))
    raise ValueError(f"an id is expected, not {type(value).__name__}")


def integer(value: object) -> int:
    """Return a whole number, given as a number or text."""
    match value:
        case bool():
            pass
        case int():
            return value
        case float() if value.is_integer():
            return int(value)
        case str() if value.lstrip("+-").isdecimal() and len(value) <= 20:
            return int(value)
        case str():
            return integer(number(value))
    raise ValueError("a whole number is expected")


def number(value: object) -> float:
    """Return a finite number, given as a number or text."""
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            found = float(value)
        except (ValueError, OverflowError):
            raise ValueError("a number is expected") from None
        if math.isfinite(found):
            return found
    raise ValueError("a finite number is expected")


def milliseconds(value: object, unit: TimeUnit = "auto") -> int:
    """Return a time as ms since the epoch, without fractions of a ms.

    `value` is ISO 8601 (UTC if without a zone), a date, or a number since the epoch in `unit`; `auto` derives the
    unit from the number's magnitude, correctly for 1973 to 5138. Digits alone are a number, never a date.
    """
    match value:
        case datetime():
            found = _from_datetime(value)
        case date():
            found = _from_datetime(datetime(value.year, value.month, value.day))
        case bool():
            raise ValueError("a time is expected")
        case int() | float():
            found = _from_number(value, unit)
        case str():
            found = _from_text(value.strip(), unit)
        case _:
            raise ValueError("a time is expected")
    if not 0 <= found <= MAX_TIME_MS:
        raise ValueError("a time from 1970 to 2286 is expected")
    return found


def _from_text(value: str, unit: TimeUnit) -> int:
    try:
        return _from_number(int(value) if value.isdecimal() and len(value) <= 20 else float(value), unit)
    except ValueError:
        pass  # not a number: ISO 8601, then
    try:
        return _from_datetime(datetime.fromisoformat(value))
    except ValueError:
        raise ValueError("a time is expected: ISO 8601, or a number since the epoch") from None


def _from_datetime(value: datetime) -> int:
    return ((value if value.tzinfo else value.replace(tzinfo=UTC)) - EPOCH) // timedelta(milliseconds=1)


def _from_number(value: float, unit: TimeUnit) -> int:
    if not math.isfinite(value):
        raise ValueError("a time is expected")
    if unit == "auto":
        unit = next(name for limit, name in MAGNITUDES if abs(value) < limit)
    if isinstance(value, int):
        return value * 1000 // PER_SECOND[unit]
    return math.floor(value * 1000 / PER_SECOND[unit] + 1e-6)  # 0.001 s is 1 ms, though a float can't hold it exactly


def formatter(pattern: str) -> Callable[[str], str]:
    """Return the function that formats ids by a pattern such as 'a{:04d}'. Raises ValueError for a wrong pattern."""

    def apply(value: str) -> str:
        try:
            return pattern.format(value)
        except ValueError:  # a format for numbers
            return pattern.format(int(value))

    try:
        if apply("1") == apply("2"):
            raise ValueError
    except (ValueError, IndexError, KeyError, AttributeError):
        raise ValueError(f"{pattern!r} is not a format for an id: one {{}} is expected, as in a{{:04d}}") from None
    return apply
