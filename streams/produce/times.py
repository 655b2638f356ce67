"""Read a column of times: one unit for the whole column, stated, or the only one in which all its numbers make sense.

A number alone doesn't say its unit, and digits may be a date (14102100 is the 21st of October) or an offset (61 ms
after a log's own start). So a unit is never chosen for a value. With `auto`, the column's first number chooses it, and
only if it lies in the years 2012 to 2049 in exactly one unit; every other number must lie there too. A column that
doesn't hold to that is refused as a whole, with a sentence that names the options, before anything is sent.
"""

import math
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from impression_streams.types import MAX_TIME_MS
from streams.errors import UserError
from streams.produce.fields import EXPONENT, MOST_DIGITS, NUMBER, Unreadable

TimeUnit = Literal["auto", "s", "ms", "us", "ns"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PER_SECOND: dict[TimeUnit, int] = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
# Seconds of 2012-01-01 and 2050-01-01. A factor of 1,000 lies between units and of 1.9 between these, so no number is
# between them in two units; and ms from a log's own start are not seconds between them for its first fifteen days.
EARLIEST, LATEST = 1_325_376_000, 2_524_608_000
MOST_TICKS = 10**22  # a number beyond this is a time in no unit, and costs too much to compute with
# Ten digits are seconds from 2001 to 2286, and may be a date: these are the only formats whose digits look like a time.
DATES_OF_TEN_DIGITS = ("%Y%m%d%H", "%y%m%d%H%M")
MILLISECOND = timedelta(milliseconds=1)
UTC_BEHIND = re.compile(" (UTC|GMT)$|z$")
SPACE_BEFORE_OFFSET = re.compile(r" (?=[+-]\d\d:?\d\d$)")
# Behind a time, as Trino and Java write it: 2024-01-31 15:30:45 Europe/Berlin, 2024-01-31T15:30:45Z[Europe/Berlin].
ZONED = re.compile(r"(.+?) ?\[?([A-Z][A-Za-z]+/[\w+/-]+)\]?", re.ASCII)
HOW = "say --time-unit s, ms, us or ns, or --time-format as in %Y%m%d"


class Ticks(NamedTuple):
    """A number that is a time in a unit that it doesn't say."""

    value: int | float | Decimal


@dataclass(frozen=True)
class TimeRule:
    """How times are written: the unit of numbers, or a format (strptime's); the zone of times that name none.

    `origin` (ms since the epoch) is what numbers count from. Raises UserError for a zone that is unknown.
    """

    unit: TimeUnit = "auto"
    pattern: str = ""
    zone: str = "UTC"
    origin: int = 0
    tz: tzinfo = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if (tz := UTC if self.zone == "UTC" else find_zone(self.zone)) is None:
            raise UserError(f"--time-zone takes the name of a zone, as Europe/Berlin, not {self.zone!r}.")
        object.__setattr__(self, "tz", tz)
        if self.origin and self.unit == "auto":
            raise UserError("--time-origin needs --time-unit: s, ms, us or ns.")

    def parse(self, value: object) -> int | Ticks:
        """Return ms since the epoch, or the number that is one only in a unit.

        Raises ValueError for what is not a time.
        """
        match value:
            case datetime():
                return self._moment(value)
            case date():
                return self._moment(datetime(value.year, value.month, value.day))
            case bool():
                raise ValueError("a time is expected")
            case int() | float() | Decimal():
                if self.pattern:
                    return self._formatted(str(value))
                return _ticks(value)
            case str():
                return self._text(value.strip())
            case Unreadable():
                raise ValueError(value.reason)
        raise ValueError("a time is expected")

    def _text(self, value: str) -> int | Ticks:
        if self.pattern:
            return self._formatted(value)
        if len(value) > MOST_DIGITS:
            raise ValueError(f"a time is expected, not a text of {len(value)} characters")
        if NUMBER.fullmatch(value):
            return _ticks(int(value) if value.isdecimal() else Decimal(value))
        if EXPONENT.fullmatch(value):
            raise ValueError(f"a time is expected; {value} may have lost its last digits")
        named = ZONED.fullmatch(value) if "/" in value else None
        try:
            found = datetime.fromisoformat(
                named[1] if named else SPACE_BEFORE_OFFSET.sub("", UTC_BEHIND.sub("Z", value))
            )
        except ValueError:
            raise ValueError(
                "a time is expected: ISO 8601, a number since the epoch, or what --time-format says"
            ) from None
        if named is None or found.tzinfo is not None:
            return self._moment(found)
        if (zone := find_zone(named[2])) is None:
            raise ValueError(f"a time is expected; {named[2]} is not a zone")
        return _in_zone(found, zone)

    def _formatted(self, value: str) -> int:
        try:
            found = datetime.strptime(value, self.pattern)
        except ValueError:
            raise ValueError(f"a time is expected as --time-format {self.pattern} says") from None
        return self._moment(found)

    def _moment(self, value: datetime) -> int:
        return _in_zone(value, self.tz) if value.tzinfo is None else (value - EPOCH) // MILLISECOND


class TimeColumn:
    """One file's column of times. `read` values in any order, then `close` it."""

    def __init__(self, rule: TimeRule, source: str, column: str) -> None:
        self._rule, self._source, self._column = rule, source, column
        self._unit: TimeUnit = rule.unit
        self._first: tuple[int, object] | None = None
        self._dates = list(DATES_OF_TEN_DIGITS)
        self._earliest = self._latest = 0

    def parse(self, value: object) -> int | Ticks:
        """Parse a value without any effect on the column: see `TimeRule.parse`."""
        return self._rule.parse(value)

    def read(self, number: int, value: object) -> int:
        """Return a value of row `number` as ms since the epoch, without fractions of a ms.

        Raises ValueError for a value that is not a time, UserError for one that isn't in the column's unit.
        """
        found = self._rule.parse(value)
        if not isinstance(found, int):
            if self._rule.unit == "auto":
                self._agree(number, value, found.value)
            found = self._rule.origin + _milliseconds(found, self._unit)
        if not 0 <= found <= MAX_TIME_MS:
            raise ValueError("a time from 1970 to 2286 is expected")
        return found

    def _agree(self, number: int, value: object, found: float | Decimal) -> None:
        if self._first is not None and not self._dates and self._earliest <= found < self._latest:
            return
        if found <= 0:  # a sentinel, in whatever unit
            raise ValueError("a time from 1970 to 2286 is expected")
        unit = _unit_of(found)
        if unit is None:
            raise UserError(
                f"{self._source}:{number}: {self._column} has {value}, which is not a time from 2012 to 2049 in any"
                f" unit: {HOW}; --time-origin if it counts from another time than 1970."
            )
        if self._first is None:
            self._unit, self._first = unit, (number, value)
            self._earliest, self._latest = EARLIEST * PER_SECOND[unit], LATEST * PER_SECOND[unit]
        elif unit != self._unit:
            line, first = self._first
            raise UserError(
                f"{self._source}: {self._column} mixes units: {first} in row {line} would be {self._unit}, {value} in"
                f" row {number} {unit}: {HOW}."
            )
        if self._dates:
            self._dates = [pattern for pattern in self._dates if _is_date(found, pattern)]

    def close(self) -> None:
        """Raise UserError if all numbers were dates in digits as well as seconds: which they are is for you to say."""
        if self._first is not None and self._dates:
            line, first = self._first
            raise UserError(
                f"{self._source}:{line}: {self._column} has {first}, which may be seconds or a date written as"
                f" {self._dates[0]}: say --time-unit s or --time-format {self._dates[0]}."
            )


def milliseconds(value: object, rule: TimeRule) -> int:
    """Return one time on its own as ms since the epoch. Raises ValueError, also for a number without a unit."""
    found = rule.parse(value)
    if not isinstance(found, int):
        if rule.unit == "auto":
            raise ValueError("a time is expected, or the unit of the number")
        found = rule.origin + _milliseconds(found, rule.unit)
    if not 0 <= found <= MAX_TIME_MS:
        raise ValueError("a time from 1970 to 2286 is expected")
    return found


def _ticks(value: float | Decimal) -> Ticks:
    if not math.isfinite(value) or not -MOST_TICKS < value < MOST_TICKS:
        raise ValueError("a time is expected")
    return Ticks(value)


def _milliseconds(found: Ticks, unit: TimeUnit) -> int:
    if isinstance(found.value, float):
        return math.floor(found.value * 1000 / PER_SECOND[unit] + 1e-6)  # 0.001 s is 1 ms, though no float can hold it
    return int(found.value * 1000 // PER_SECOND[unit])


def _unit_of(value: float | Decimal) -> TimeUnit | None:
    units = (unit for unit, n in PER_SECOND.items() if value >= EARLIEST * n and value < LATEST * n)
    return next(units, None)


def _is_date(value: float | Decimal, pattern: str) -> bool:
    if value != int(value) or len(digits := str(int(value))) != 10:
        return False
    try:
        datetime.strptime(digits, pattern)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=256)  # a name that is none costs a look at the disk
def find_zone(name: str) -> ZoneInfo | None:
    """Return the zone of a name, None if there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _in_zone(value: datetime, zone: tzinfo) -> int:
    """Return ms since the epoch of a time without a zone. Raises ValueError if it is never or twice in this one."""
    value = value.replace(tzinfo=zone)
    if zone is not UTC and value.utcoffset() != value.replace(fold=1).utcoffset():
        raise ValueError(f"a time that is once is expected: clocks are changed in {zone} then")
    return (value - EPOCH) // MILLISECOND
