"""ClickHouse's column types, as far as the sink writes them: what fits into each.

Checked before a block is sent, because an insert that fails half-way over one value would fail for ever. A check looks
at a column as a whole, in a few passes at C speed: a twentieth of the time that the block takes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

# DateTime64(3) ends in 2299; the contract's times end before, in 2286.
MAX_TIME_MS = 9_999_999_999_999

Fits = Callable[[Sequence[Any]], bool]


def _integers(low: int, high: int) -> Fits:
    def fits(values: Sequence[Any]) -> bool:
        return set(map(type, values)) <= {int} and low <= min(values) and max(values) <= high

    return fits


def _of(*kinds: type) -> Fits:
    allowed = set(kinds)
    return lambda values: set(map(type, values)) <= allowed


def _nullable(fits: Fits) -> Fits:
    def fits_or_null(values: Sequence[Any]) -> bool:
        given = [value for value in values if value is not None]
        return not given or fits(given)

    return fits_or_null


def _maps(values: Sequence[Any]) -> bool:
    return set(map(type, values)) <= {dict} and all(type(text) is str for pairs in values for text in pairs.values())


def _arrays(values: Sequence[Any]) -> bool:
    return set(map(type, values)) <= {list} and all(type(n) in (int, float) for array in values for n in array)


_STRINGS = _of(str)
_FLOATS = _of(int, float)

_FITS: dict[str, Fits] = {
    "Array(Float64)": _arrays,
    "Bool": _of(bool),
    "DateTime64(3, 'UTC')": _integers(0, MAX_TIME_MS),
    "Int32": _integers(-(2**31), 2**31 - 1),
    "LowCardinality(String)": _STRINGS,
    "Map(LowCardinality(String), String)": _maps,
    "Nullable(Float64)": _nullable(_FLOATS),
    "Nullable(UInt64)": _nullable(_integers(0, 2**64 - 1)),
    "String": _STRINGS,
    "UInt16": _integers(0, 2**16 - 1),
    "UInt32": _integers(0, 2**32 - 1),
    "UInt64": _integers(0, 2**64 - 1),
}
# How `column` is told of a String that holds bytes.
BYTES = "bytes"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its type in ClickHouse, and the field of a row that goes into it."""

    name: str
    type: str
    field: str
    # A String column whose values are bytes, not text.
    binary: bool = False

    def fits(self, values: Sequence[Any]) -> bool:
        """Say whether ClickHouse will take these values, of which there is at least one."""
        return _of(bytes)(values) if self.binary else _FITS[self.type](values)


def column(declaration: str) -> Column:
    """Read `name Type`, or `name Type = field` where the row's field has another name."""
    left, _, field = declaration.partition(" = ")
    name, _, kind = left.partition(" ")
    binary = kind == BYTES
    if not binary and kind not in _FITS:
        raise ValueError(f"unknown column type {kind!r}")
    return Column(name, "String" if binary else kind, field or name, binary)
