"""The ClickHouse column types that the sink writes: what fits into each, and its type in Arrow.

Values are checked before a block is sent, because an insert that fails half-way on one value would fail forever. Rows
of Python objects are checked a whole column at a time; most blocks never become such rows (streams.sink.read_fast).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

# DateTime64(3) ends in 2299; the contract's times end earlier, in 2286.
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

TIME = "DateTime64(3, 'UTC')"
MAP = "Map(LowCardinality(String), String)"

_TYPES: dict[str, tuple[Fits, pa.DataType]] = {
    "Array(Float64)": (_arrays, pa.list_(pa.float64())),
    "Bool": (_of(bool), pa.bool_()),
    TIME: (_integers(0, MAX_TIME_MS), pa.timestamp("ms", "UTC")),
    "Int32": (_integers(-(2**31), 2**31 - 1), pa.int32()),
    "LowCardinality(String)": (_STRINGS, pa.string()),
    MAP: (_maps, pa.map_(pa.string(), pa.string())),
    "Nullable(Float64)": (_nullable(_FLOATS), pa.float64()),
    "Nullable(UInt64)": (_nullable(_integers(0, 2**64 - 1)), pa.uint64()),
    "String": (_STRINGS, pa.string()),
    "UInt16": (_integers(0, 2**16 - 1), pa.uint16()),
    "UInt32": (_integers(0, 2**32 - 1), pa.uint32()),
    "UInt64": (_integers(0, 2**64 - 1), pa.uint64()),
}
# Arrow refuses to convert an integer that no float represents exactly; ClickHouse and JSON don't mind.
_PREPARE: dict[str, Callable[[Any], Any]] = {
    "Array(Float64)": lambda numbers: [float(number) for number in numbers],
    MAP: lambda pairs: list(pairs.items()),
    "Nullable(Float64)": lambda number: None if number is None else float(number),
}
# How a declaration for `column` names a String that holds bytes.
BYTES = "bytes"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its type in ClickHouse, and the field of a row that goes into it."""

    name: str
    type: str
    field: str
    # A String column whose values are bytes, not text.
    binary: bool = False
    # For rows that lack the field, which releases before this one wrote; None: every row has it.
    default: int | str | None = None

    @property
    def nullable(self) -> bool:
        """Whether a value may be null; a row must have the field all the same."""
        return self.type.startswith("Nullable(")

    @property
    def arrow(self) -> pa.DataType:
        """The Arrow type of the column's values in a block."""
        return pa.binary() if self.binary else _TYPES[self.type][1]

    def fits(self, values: Sequence[Any]) -> bool:
        """Return whether ClickHouse accepts these values; there must be at least one."""
        return _of(bytes)(values) if self.binary else _TYPES[self.type][0](values)

    def array(self, values: Sequence[Any]) -> pa.Array:
        """Turn values that fit into an Arrow array."""
        prepare = _PREPARE.get(self.type)
        return pa.array(values if prepare is None else map(prepare, values), self.arrow, size=len(values))


def column(declaration: str) -> Column:
    """Read `name Type`, or `name Type = field` where the row's field has another name, or `name Type default 1`.

    A default is written as JSON, but with single quotes: `default ''`.
    """
    declaration, _, default = declaration.partition(" default ")
    left, _, field = declaration.partition(" = ")
    name, _, kind = left.partition(" ")
    binary = kind == BYTES
    if not binary and kind not in _TYPES:
        raise ValueError(f"unknown column type {kind!r}")
    return Column(name, "String" if binary else kind, field or name, binary, _default(default))


def _default(text: str) -> int | str | None:
    return (text[1:-1] if text.startswith("'") else int(text)) if text else None
