"""Parquet: columns whose types say what they hold."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from streams.errors import UserError
from streams.produce.binding import Binding, lacking
from streams.produce.columns import Columns
from streams.produce.fields import Unreadable
from streams.produce.rows import Item
from streams.produce.tally import Tally
from streams.produce.times import EPOCH, PER_SECOND

ROWS = 10_000
# Whole numbers up to here are exact in a 32-bit float.
EXACT_FLOAT32 = 2**24
TICK = timedelta(microseconds=1)


def read_parquet(path: Path, columns: Columns, tally: Tally) -> Iterator[Item]:
    """Yield the items of a Parquet file. Raises UserError if it lacks a column."""
    # Old writers' 96-bit times are ns, in which pyarrow would let the year 9999 overflow without a word.
    with pq.ParquetFile(path, coerce_int96_timestamp_unit="us") as file:
        names = file.schema_arrow.names
        if missing := columns.missing(names):
            raise UserError(lacking(path.name, missing, names))
        binding = Binding(columns, path.name, names, tally)
        wanted = [name for name in names if name in binding.columns]
        if twice := sorted({name for name in wanted if wanted.count(name) > 1}):
            raise UserError(f"{path} has two columns of the name {', '.join(twice)}.")
        number = 0
        for batch in file.iter_batches(ROWS, columns=wanted):
            values = [_values(batch.column(index)) for index in range(batch.num_columns)]
            for row in zip(*values, strict=True):
                if tally.full:
                    break
                number += 1
                yield from binding.items(number, dict(zip(batch.schema.names, row, strict=True)))
            if tally.full:
                break
        if not tally.full:
            tally.require(path.name, "rows", file.metadata.num_rows, number)
        yield from binding.close()


def _values(array: Any) -> list[Any]:
    """Return a column's values. One that can't be read becomes an Unreadable, and harms only its own row."""
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_timestamp(array.type):
        return _times(array)
    if pa.types.is_float32(array.type) or pa.types.is_float16(array.type):
        return [_float32(value) for value in array.to_pylist()]
    try:
        return array.to_pylist()  # type: ignore[no-any-return]
    except (ValueError, OverflowError, LookupError, pa.ArrowException):
        return [_cell(scalar) for scalar in array]


def _cell(scalar: Any) -> Any:
    try:
        return scalar.as_py()
    except (ValueError, OverflowError, LookupError, pa.ArrowException) as error:
        return Unreadable(f"a value that can't be read ({error})")


def _times(array: Any) -> list[Any]:
    """Return times as datetimes, in UTC if they have a zone: what it is called doesn't matter (Parquet's rule)."""
    per_second = PER_SECOND[array.type.unit]
    start = EPOCH if array.type.tz else EPOCH.replace(tzinfo=None)
    return [None if ticks is None else _time(start, ticks, per_second) for ticks in array.cast(pa.int64()).to_pylist()]


def _time(start: datetime, ticks: int, per_second: int) -> Any:
    try:
        # Python's datetimes hold us, and a time is in ms: finer ones are cut, as everywhere.
        return start + TICK * (ticks * 1_000_000 // per_second)
    except OverflowError:
        return Unreadable("a time from 1970 to 2286 is expected")


def _float32(value: float | None) -> Any:
    if value is not None and abs(value) > EXACT_FLOAT32 and value == value // 1:
        return Unreadable(f"{value:.0f} is a 32-bit float, which has lost its last digits")
    return value
