"""Turn a column's value into an impression's field: other logs write ids and numbers in many ways."""

import math
import re
from collections.abc import Callable
from decimal import Decimal
from uuid import UUID

# Words that databases and languages write where they have no value: NULL (SQL), \N (MySQL, Hive), NA (R), nan, NaT and
# <NA> (pandas), None (Python), undefined (JavaScript), #N/A (spreadsheets), (not set) (Google Analytics).
NULL_WORDS = (
    *("NULL", "Null", "null", r"\N", "(null)", "NA", "N/A", "n/a", "<NA>", "#N/A", "#NA"),
    *("NaN", "nan", "NAN", "-nan", "-NaN", "NaT", "None", "none", "nil", "undefined", "(not set)"),
)
# Whole numbers up to here are exact in a 64-bit float; above, two different ones may have become the same.
EXACT_FLOAT = 2**53
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)", re.ASCII)
EXPONENT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)[eE][+-]?\d+", re.ASCII)
WHOLE = re.compile(r"(-?\d+)\.0*", re.ASCII)
ROUNDED_ID = re.compile(r"-?\d\.\d+[eE][+-]?\d+", re.ASCII)
# A share is written with a decimal comma in many countries: from 0 to 1 that can't be a separator of thousands.
SHARE = re.compile(r"([01]?),(\d+)", re.ASCII)
MOST_ID = 128
MOST_DIGITS = MOST_ID  # a longer number is no id, and not turned into an int
UUID_BYTES = 16


class Unreadable:
    """Stands for a value that the file's own library can't read, such as a date in the year 58,000."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


def is_absent(value: object, null_words: frozenset[str]) -> bool:
    """Say whether a value stands for none: null, an empty text, one of the words, or a number that is none."""
    if value is None:
        return True
    if isinstance(value, str):
        return not (word := value.strip()) or word in null_words
    if isinstance(value, float):
        return math.isnan(value)
    if isinstance(value, Decimal):
        return value.is_nan()
    return isinstance(value, bytes) and not value.rstrip(b"\0")


def text(value: object) -> str:
    """Return an id: text without the spaces around it, and a whole number, 14.0 as well as 14, in decimal.

    Spaces are padding: an id has none (contract §3). Raises ValueError for a number that has lost digits.
    """
    match value:
        case str():
            return _text(value.strip())
        case bytes():
            return _bytes(value)
        case bool():
            pass
        case int():
            return str(value)
        case UUID():
            return str(value)
        case float() | Decimal() if (found := whole(value)) is not None:
            return str(found)
        case Unreadable():
            raise ValueError(value.reason)
    raise ValueError(f"an id is expected, not {value if isinstance(value, float | Decimal) else type(value).__name__}")


def _text(value: str) -> str:
    if value.isascii():
        if (found := WHOLE.fullmatch(value)) is not None:
            return found[1]
        if ROUNDED_ID.fullmatch(value):
            raise ValueError(f"{value} is a number that has lost its last digits")
    elif any("\udc80" <= letter <= "\udcff" for letter in value):
        raise ValueError("bytes that are not UTF-8 (--encoding names another encoding)")
    return value


def _bytes(value: bytes) -> str:
    """Return text of a fixed length without the zero bytes that fill it, or a UUID of 16 bytes."""
    filled = value.rstrip(b"\0")
    if re.fullmatch(rb"[\x21-\x7e]+", filled):
        return _text(filled.decode("ascii"))
    if len(value) == UUID_BYTES:
        return str(UUID(bytes=value))
    return _text(value.decode(errors="surrogateescape"))


def whole(value: float | Decimal) -> int | None:
    """Return a whole number as an int, None for any other. Raises ValueError for a float that has lost digits."""
    if isinstance(value, float):
        if not value.is_integer():  # an infinity is none either
            return None
        if abs(value) > EXACT_FLOAT:
            raise ValueError(f"{value:.0f} is a float above 2^53, which has lost its last digits")
        return int(value)
    if not value.is_finite() or value.adjusted() > MOST_DIGITS or value != value.to_integral_value():
        return None
    if value.as_tuple().exponent > 0 and abs(value) > EXACT_FLOAT:  # type: ignore[operator] # it is finite
        raise ValueError(f"{value} has lost its last digits")
    return int(value)


def integer(value: object) -> int:
    """Return a whole number, given as a number or text."""
    match value:
        case bool():
            pass
        case int():
            return value
        case float() | Decimal() if (found := whole(value)) is not None:
            return found
        case str():
            if NUMBER.fullmatch(value.strip()) and len(value) <= MOST_DIGITS:
                found = whole(Decimal(value.strip()))
                if found is not None:
                    return found
            elif EXPONENT.fullmatch(value.strip()):
                raise ValueError(f"{value.strip()} may have lost digits; a whole number is expected")
    raise ValueError("a whole number is expected")


def number(value: object) -> float:
    """Return a finite number, given as a number or text."""
    match value:
        case bool():
            pass
        case int() | float() | Decimal():
            return _finite(value)
        case str():
            word = value.strip()
            if NUMBER.fullmatch(word) or EXPONENT.fullmatch(word):
                return _finite(Decimal(word))
            raise ValueError("a number is expected")
    raise ValueError("a finite number is expected")


def share(value: object) -> float:
    """Return a number from 0 to 1; its text may have a decimal comma."""
    if isinstance(value, str) and (found := SHARE.fullmatch(value.strip())) is not None:
        value = f"{found[1] or 0}.{found[2]}"
    return number(value)


def _finite(value: float | Decimal) -> float:
    try:
        found = float(value)
    except OverflowError:  # an int that no float can hold
        found = math.inf
    if not math.isfinite(found):
        raise ValueError("a finite number is expected")
    return found


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
