"""Fast path: turns records of many lines into columns without a Python object per row. Nearly every block takes it.

Returns rows only where reading row by row in streams.sink.blocks would return the same ones
(tests/property/test_sink_read_fast.py). Anything unusual returns None and takes that slow path, which alone decides
what a row is and finds the record to blame.

Arrow's reader checks JSON, the fields' types and their ranges, and refuses unknown or repeated fields. The rest is
checked on the text, where `"name":` is always a field: within a JSON string, a quote has a backslash before it, so
only the end of a key could look like that, and that key would be unknown.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
from pyarrow import compute, json

from streams.sink.columns import MAP, MAX_TIME_MS, TIME, Column

# Arrow's unit of reading: a longer line takes the slow path.
_READ = json.ReadOptions(use_threads=True, block_size=2**20)
# Replaces a map that was taken out of the text; Arrow reads it as a struct without fields.
_TAKEN = b"{}"
# The bits of the float -0.0, as an integer.
_NEGATIVE_ZERO = -(2**63)

Numbers = np.ndarray[tuple[int], np.dtype[Any]]


class _UnsureError(ValueError):
    """Something that the slow path must look at."""


def read(columns: Sequence[Column], values: Sequence[bytes | None]) -> tuple[pa.Table, list[int]] | None:
    """Return the records' rows, by field, and how many each record has; None if anything is unusual.

    A value is rows in JSON, one per line; each row has exactly the columns' fields. Those with a default may be missing
    in all rows.
    """
    text = b"\n".join(value or b"" for value in values)
    counts = [(value or b"").count(b"\n") + 1 for value in values]
    try:
        return _table(columns, text, sum(counts)), counts
    except (pa.ArrowException, _UnsureError):
        return None


def _table(columns: Sequence[Column], text: bytes, rows: int) -> pa.Table:
    # After this, every newline separates two objects, so as many objects as lines means one per line. Arrow would skip
    # a byte order mark.
    if text.count(b"}\n{") != rows - 1 or not text.startswith(b"{"):
        raise _UnsureError
    maps: dict[str, pa.Array] = {}
    for column in columns:
        if column.type == MAP:
            text, maps[column.field] = _take_out(text, _key(column), rows)
    fields = json.ParseOptions(
        explicit_schema=pa.schema([(column.field, _read_as(column)) for column in columns]),
        unexpected_field_behavior="error",
    )
    found = json.read_json(pa.BufferReader(text), _READ, fields)
    if found.num_rows != rows:
        raise _UnsureError
    arrays = []
    for column in columns:
        array = found[column.field].combine_chunks()
        array.validate(full=True)  # checks that text is UTF-8
        if column.default is not None and array.null_count == rows and _has_no(column, text):
            array = pa.repeat(pa.scalar(column.default, column.arrow), rows)
        # A missing field reads as null, too; none may be missing.
        if array.null_count and (not column.nullable or array.null_count != text.count(_key(column) + b"null")):
            raise _UnsureError
        arrays.append(maps[column.field] if column.type == MAP else _as_column(column, array))
    return pa.table(arrays, names=[column.field for column in columns])


def _key(column: Column) -> bytes:
    return b'"%s":' % column.field.encode()


def _has_no(column: Column, text: bytes) -> bool:
    # With a backslash, the name could be written in other ways. In quotes: ids may contain it.
    return b'"%s"' % column.field.encode() not in text and b"\\" not in text


def _read_as(column: Column) -> pa.DataType:
    return {TIME: pa.uint64(), MAP: pa.struct([])}.get(column.type, column.arrow)


def _as_column(column: Column, array: pa.Array) -> pa.Array:
    if pa.types.is_floating(column.arrow) and not (
        # Arrow also reads NaN and Infinity, and the integer -0 as the float, which differs from 0 only in its sign bit.
        compute.all(compute.is_finite(array), min_count=0).as_py()
        and compute.all(compute.not_equal(array.view(pa.int64()), _NEGATIVE_ZERO), min_count=0).as_py()
    ):
        raise _UnsureError
    if column.type != TIME:
        return array
    if compute.max(array).as_py() > MAX_TIME_MS:
        raise _UnsureError
    return array.view(column.arrow)


def _take_out(text: bytes, key: bytes, rows: int) -> tuple[bytes, pa.Array]:
    """Take a field's maps, which Arrow can't read, out of the text; the rows have few different maps, or none."""
    if text.count(key + _TAKEN) == rows:
        return text, _maps([_TAKEN], np.zeros(rows, np.intp))
    head, *pieces = text.split(key)
    if len(pieces) != rows:
        raise _UnsureError
    # A brace within a string would cut the string too, and what comes before it is then not JSON.
    ends = [piece.find(b"}") + 1 for piece in pieces]
    spans = [piece[:end] for piece, end in zip(pieces, ends, strict=True)]
    rest = (piece[end:] for piece, end in zip(pieces, ends, strict=True))
    different = {span: number for number, span in enumerate(dict.fromkeys(spans))}
    which = np.fromiter((different[span] for span in spans), np.intp, rows)
    return (key + _TAKEN).join([head, *rest]), _maps(list(different), which)


def _maps(different: Sequence[bytes], which: Numbers) -> pa.Array:
    """Return an array of maps; `which` is the number of each row's text in `different`."""
    read = [_map(text) for text in different]
    lengths = np.fromiter(map(len, read), np.intp, len(read))
    taken = lengths[which]
    ends = np.cumsum(taken)
    first = (np.cumsum(lengths) - lengths)[which]  # each row's first entry among those of the different maps
    entries = np.arange(taken.sum()) + np.repeat(first - (ends - taken), taken)
    keys = pa.array([key for each in read for key in each], pa.string())
    values = pa.array([value for each in read for value in each.values()], pa.string())
    offsets = np.concatenate([[0], ends]).astype(np.int32)
    taken_keys, taken_values = (each.take(pa.array(entries)) for each in (keys, values))
    return pa.MapArray.from_arrays(pa.array(offsets), taken_keys, taken_values)


def _map(text: bytes) -> dict[str, str]:
    try:
        read = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise _UnsureError from None
    if not isinstance(read, dict) or not all(type(value) is str for value in read.values()):
        raise _UnsureError
    return read
