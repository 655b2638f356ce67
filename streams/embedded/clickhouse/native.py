"""Native blocks as clients with a `client_protocol_version` expect them: clickhouse-go, clickhouse-connect, Grafana.

To a client that sends `client_protocol_version`, a real server sends things in FORMAT Native that chDB does not write:
a block info before each block, the time zone of DateTime from revision 54337 on and, from 54454 on, a byte before each
column's data that says whether its serialization is custom. To insert that byte, the end of a column must be known, so
columns are measured by their types; bytes are copied, never re-encoded. The types of Variant, Dynamic, JSON and
AggregateFunction don't determine their size: from 54454 on, only the last column may have such a type; with another,
the answer is NOT_IMPLEMENTED.
"""

import re
from collections.abc import Callable, Sequence

from streams.embedded.clickhouse.errors import NOT_IMPLEMENTED, ClickHouseError

# ClickHouse, src/Core/ProtocolDefines.h: DBMS_MIN_REVISION_WITH_CUSTOM_SERIALIZATION,
# DBMS_MIN_REVISION_WITH_LOW_CARDINALITY_TYPE, DBMS_MIN_REVISION_WITH_TIME_ZONE_PARAMETER_IN_DATETIME_DATA_TYPE.
CUSTOM_SERIALIZATION_REVISION = 54454
_LOW_CARDINALITY_REVISION = 54405
_TIME_ZONE_REVISION = 54337

# Field 1 is_overflows = 0, field 2 bucket_num = -1, end of fields (src/Core/BlockInfo.h).
_BLOCK_INFO = b"\x01\x00\x02\xff\xff\xff\xff\x00"
_NO_CUSTOM_SERIALIZATION = b"\x00"

_SIZES = {
    1: ("UInt8", "Int8", "Bool", "Enum8", "Nothing"),
    2: ("UInt16", "Int16", "BFloat16", "Enum16", "Date"),
    4: ("UInt32", "Int32", "Float32", "DateTime", "Date32", "IPv4", "Time"),
    8: ("UInt64", "Int64", "Float64", "DateTime64", "Time64"),
    16: ("UInt128", "Int128", "UUID", "IPv6"),
    32: ("UInt256", "Int256"),
}
_SIZE = {name: size for size, names in _SIZES.items() for name in names}
# The bytes of a Decimal, and the most digits that fit in them.
_DECIMALS = ((4, 9), (8, 18), (16, 38), (32, 76))
_ALIASES = {
    "Point": "Tuple(Float64, Float64)",
    "Ring": "Array(Point)",
    "LineString": "Array(Point)",
    "MultiLineString": "Array(LineString)",
    "Polygon": "Array(Ring)",
    "MultiPolygon": "Array(Polygon)",
}
_PART = re.compile(r"'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|.", re.DOTALL)


def framed(fetch: Callable[[], bytes], revision: int, types: Sequence[str]) -> Callable[[], bytes]:
    """Wrap a source of complete Native blocks (b"" at the end) so that it returns them as `revision` expects them."""
    return lambda: frame(fetch(), revision, types)


def frame(blocks: bytes, revision: int, types: Sequence[str] = ()) -> bytes:
    """Return Native blocks of revision 0 as a client of `revision` (above 0) reads them.

    `types` are the types of the columns with their time zones, or empty. `blocks` is what chDB returns at once: one
    block, unless all of its columns can be measured.
    """
    out: list[bytes] = []
    at = 0
    while at < len(blocks):
        out.append(_BLOCK_INFO)
        begin = at
        columns, at = _number(blocks, at)
        rows, at = _number(blocks, at)
        for number in range(columns):
            _, name_end = _text(blocks, at)
            of_type, at = _text(blocks, name_end)
            out += [blocks[begin:name_end], _type(of_type, types, number, revision)]
            if revision >= CUSTOM_SERIALIZATION_REVISION:
                out.append(_NO_CUSTOM_SERIALIZATION)
            begin = at
            if rows:
                try:
                    at = _column(of_type, blocks, at + 8 * of_type.count("LowCardinality("), rows)
                except ClickHouseError:
                    # Its size is unknown: the rest is copied as it is, if that is how the client reads it.
                    if revision >= CUSTOM_SERIALIZATION_REVISION and number + 1 < columns:
                        raise
                    at = len(blocks)
                    break
        out.append(blocks[begin:at])
    return b"".join(out)


def _type(of_type: str, types: Sequence[str], number: int, revision: int) -> bytes:
    """Return the name of a column's type; without a revision, chDB leaves out DateTime's time zone."""
    if revision >= _TIME_ZONE_REVISION and "DateTime" in of_type and number < len(types):
        of_type = types[number]
    if revision < _LOW_CARDINALITY_REVISION and "LowCardinality(" in of_type:
        raise ClickHouseError(NOT_IMPLEMENTED, f"LowCardinality isn't offered to clients of revision {revision}.")
    text = of_type.encode()
    return _length(len(text)) + text


def _length(number: int) -> bytes:
    """Return a LEB128 number."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _column(of_type: str, data: bytes, at: int, rows: int) -> int:
    """Return where `rows` values of a type end; the versions of its LowCardinality parts come before `at`."""
    name, _, inner = of_type.partition("(")
    inner = inner[:-1]
    if name in _SIZE or name.startswith("Interval"):
        at += rows * _SIZE.get(name, 8)
    elif name in _ALIASES:
        at = _column(_ALIASES[name], data, at, rows)
    elif name == "String":
        at = _strings(data, at, rows)
    elif name == "FixedString":
        at += rows * int(inner)
    elif name == "Decimal":
        digits = int(inner.split(",")[0])
        at += rows * next(size for size, most in _DECIMALS if digits <= most)
    elif name == "Nullable":
        at = _column(inner, data, at + rows, rows)
    elif name == "Tuple":
        at = _columns(_parts(inner), data, at, rows) if inner else at + rows
    elif name in ("Array", "Map", "Nested"):
        offsets_end = at + 8 * rows
        values = int.from_bytes(data[offsets_end - 8 : offsets_end], "little") if rows else 0
        at = _columns([inner] if name == "Array" else _parts(inner), data, offsets_end, values)
    elif name == "SimpleAggregateFunction":
        at = _column(_parts(inner)[-1], data, at, rows)
    elif name == "LowCardinality":
        at = _low_cardinality(inner, data, at, rows)
    else:
        raise ClickHouseError(NOT_IMPLEMENTED, f"Type {name} isn't offered to clients with a client_protocol_version.")
    return at


def _strings(data: bytes, at: int, rows: int) -> int:
    for _ in range(rows):
        size, at = _number(data, at)
        at += size
    return at


def _columns(types: list[str], data: bytes, at: int, rows: int) -> int:
    for of_type in types:
        at = _column(of_type, data, at, rows)
    return at


def _low_cardinality(inner: str, data: bytes, at: int, rows: int) -> int:
    """Skip flags (lowest byte: width of a key), the dictionary's size and values, the count of keys, and the keys."""
    if rows == 0:
        return at
    width = 1 << data[at]
    values = int.from_bytes(data[at + 8 : at + 16], "little")
    of_values = inner[len("Nullable(") : -1] if inner.startswith("Nullable(") else inner
    return _column(of_values, data, at + 16, values) + 8 + width * rows


def _parts(inner: str) -> list[str]:
    """Split the arguments of a type at their commas and drop the names of a tuple's elements."""
    parts, depth = [""], 0
    for token in _PART.findall(inner):
        depth += (token == "(") - (token == ")")
        if token == "," and depth == 0:
            parts.append("")
        elif token == " " and depth == 0:
            parts[-1] = ""  # the text before is a name
        else:
            parts[-1] += token
    return parts


def _number(data: bytes, at: int) -> tuple[int, int]:
    """Read a LEB128 number; return it and its end."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _text(data: bytes, at: int) -> tuple[str, int]:
    size, at = _number(data, at)
    return data[at : at + size].decode(errors="replace"), at + size
