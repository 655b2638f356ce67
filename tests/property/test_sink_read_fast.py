"""The sink reads the same by columns as row by row, and falls back to row by row when it isn't sure."""

from collections.abc import Callable, Sequence

import orjson
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.kafka.names import ACCEPTED, LEDGER
from streams.sink import read_fast
from streams.sink.blocks import columns_of
from streams.sink.feeds import FEEDS, Feed
from streams.sink.read_rows import parser
from streams.sink.records import Record
from tests.support.rows import accepted, ledger

Fields = list[tuple[bytes, bytes]]

ROWS = {
    ACCEPTED: accepted("u1", "a1", dwell_ms=7, visible=0.5, experiments={"flush": "2s"}),
    LEDGER: ledger(1),
}
# JSON that is right for some field, almost right for another, or wrong, or not JSON at all.
TOKENS = (
    b"0 -0 -0.0 1 -1 7 1.0 1.5 -1.5 1e3 1E+2 1e-2 1e400 -1e400 1e-400 0.1e1 01 +1 .5 1. 0x1 1_0 NaN Infinity "
    b"-Infinity Inf nan null true false True Null 255 256 65535 65536 4294967295 4294967296 9007199254740993 "
    b"9999999999999 10000000000000 9223372036854775807 9223372036854775808 18446744073709551615 "
    b"18446744073709551616 123456789012345678901234567890 0.30000000000000004 1.7976931348623157e308 "
    b'1.7976931348623159e308 5e-324 2e-324 "" "x" "1" "null" "true" "\xe2\x98\x83" "\\u2603" "\\ud83d\\ude00" '
    b'"\\ud800" "\\udc00" "\\ud800x" "\\u0000" "\\n" "\\x" "\\"" "\\\\" "\\/" "\xff" "\xc0\x80" '
    b'"\xed\xa0\x80" "\xf4\x90\x80\x80" "\xf0\x9f\x98\x80" "\x01" "\x00" "\x7f" "a\tb" "}" "{" "{}" "}{" '
    b'"dwell_ms\\":null" "\\"dwell_ms\\":null" "experiments\\":{}" {} [] [1] [null] {"a":"b"} {"a":null} '
    b'{"a":1} {"a":"}"} {"a":"{"} {"a":"b","a":"c"} {"a":{"b":"c"}} {"experiments":"x"} {"experiments":{}} '
    b'{"dwell_ms":null} {"\\u0061":"b"} {"a":"\\ud800"} {"":""} {"a":"b","c":"d"} {"a":"b",} {a:"b"} '
    b'{"a":"\xff"} {"a":"\\"}"}'
).split(b" ")
JOINTS = [
    b"\n",
    b"\n\n",
    b"\n \n",
    b"\r\n",
    b" \n",
    b"\n ",
    b"",
    b" ",
    b",",
    b",\n",
    b"\x00\n",
    b"\n\x00",
    b"\xef\xbb\xbf",
]
KEYS = [b'"kafka_offset"', b'"extra"', b'"dwell\\u005fms"', b'"x\\"dwell_ms"', b'"x\\"experiments"', b'""']
PIECES = [
    *TOKENS,
    *JOINTS,
    *KEYS,
    *b'{ } [ ] , : " \\ }\n{ }{ },{ :null "dwell_ms":null "experiments":{} "experiments":0'.split(b" "),
]


def row(topic: str, change: Callable[[Fields], None] = lambda _: None) -> bytes:
    """Return a row as JSON, with its fields changed."""
    fields = [
        (orjson.dumps(name), orjson.dumps(value))
        for name, value in ROWS[topic].items()
        if not name.startswith("kafka_")
    ]
    change(fields)
    return b"{" + b",".join(key + b":" + value for key, value in fields) + b"}"


@st.composite
def values(draw: st.DrawFn, topic: str) -> list[bytes | None]:
    """Draw the values of records: rows with some fields changed, and with pieces inserted or cut out."""

    def change(fields: Fields) -> None:
        at = draw(st.integers(0, len(fields) - 1))
        key, value = fields[at]
        how = draw(st.sampled_from(["value", "less", "more", "twice", "key", "swap"]))
        if how == "value":
            fields[at] = key, draw(st.sampled_from(TOKENS))
        elif how == "more":
            fields.insert(at, (draw(st.sampled_from(KEYS)), draw(st.sampled_from(TOKENS))))
        elif how == "twice":
            fields.append((key, draw(st.sampled_from([value, *TOKENS]))))
        elif how == "key":
            fields[at] = draw(st.sampled_from(KEYS)), value
        else:
            del fields[at]
            if how == "swap":
                fields.append((key, value))

    plain = row(topic)
    rows = [row(topic, change) if draw(st.integers(0, 3)) == 0 else plain for _ in range(draw(st.integers(1, 4)))]
    text = b"".join(each + draw(st.sampled_from([b"\n"] * 20 + JOINTS)) for each in rows).removesuffix(b"\n")
    for _ in range(draw(st.sampled_from([0, 0, 1, 2]))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.sampled_from([0, 0, 1, 2, 9, 300])))
        piece = draw(st.sampled_from([b"", text[start:end] * 2, *PIECES]))
        text = text[:start] + piece + text[end:]
    return [plain, text, plain] if draw(st.booleans()) else [text, None][: draw(st.integers(1, 2))]


def row_by_row(feed: Feed, values: Sequence[bytes | None]) -> tuple[pa.Table, list[int]]:
    """Read the values row by row; raises BadRecordError for a record that would be left out."""
    read = [parser(feed.topic)(Record(0, 0, None, value)) for value in values]
    return columns_of(feed.columns, [row for rows in read for row in rows]), [len(rows) for rows in read]


def check(topic: str, values: Sequence[bytes | None]) -> bool:
    """Compare what is read by columns, if anything, with row by row; return whether it was read by columns."""
    feed = FEEDS[topic]
    found = read_fast.read(feed.columns, values)
    if found is None:
        return False
    table, counts = row_by_row(feed, values)
    assert found[1] == counts
    # Equal to the bit: Arrow's own comparison treats -0.0 as 0.0.
    assert found[0].schema == table.schema
    assert repr(found[0].to_pydict()) == repr(table.to_pydict())
    return True


@pytest.mark.parametrize("topic", [ACCEPTED, LEDGER])
def test_columns_and_row_by_row_read_the_same(topic: str) -> None:
    @settings(max_examples=2_000)
    @given(values(topic))
    def holds(given: list[bytes | None]) -> None:
        check(topic, given)

    holds()


@pytest.mark.parametrize("topic", [ACCEPTED, LEDGER])
def test_each_value_in_each_field_is_read_the_same(topic: str) -> None:
    taken = 0
    for at in range(len(FEEDS[topic].columns)):
        for token in TOKENS:
            text = row(topic, lambda fields, at=at, token=token: fields.__setitem__(at, (fields[at][0], token)))  # type: ignore[misc]
            taken += check(topic, [text, row(topic)])
    # Strings in text fields, numbers in times, maps: with fewer, this would have compared hardly anything.
    assert taken > 300


@pytest.mark.parametrize("topic", [ACCEPTED, LEDGER])
@pytest.mark.parametrize(
    "spoilt",
    [
        b"%s\n",
        b"\n%s",
        b"%s%s",
        b"%s%s\n",  # as many objects as lines
        b"%s%s\n%s",
        b"%s%s\n%s\0}\n{%s",  # as many objects as lines up to the NUL
        b"\xef\xbb\xbf%s",
        b"%s,",
        b"[%s]",
    ],
)
@pytest.mark.parametrize("behind", [0, 1])
def test_text_without_exactly_one_row_per_line_is_not_read_by_columns(topic: str, spoilt: bytes, behind: int) -> None:
    text = spoilt.replace(b"%s", row(topic))
    assert not check(topic, [text] + [row(topic)] * behind)


def test_two_rows_in_a_line_are_not_read_by_columns_even_without_a_map() -> None:
    numbers = [column for column in FEEDS[LEDGER].columns if column.field in ("line", "bytes")]
    one = b'{"line":1,"bytes":2}'
    assert read_fast.read(numbers, [one + b"\n" + one]) is not None
    assert read_fast.read(numbers, [one + one + b"\n" + one]) is None


def test_rows_of_an_earlier_release_have_no_client() -> None:
    def cut(fields: Fields) -> None:
        fields[:] = [(key, value) for key, value in fields if key != b'"client"']

    feed, new = FEEDS[LEDGER], row(LEDGER)
    # What only looks like the field's name doesn't make the block slow.
    old = row(LEDGER, cut).replace(b'"u1"', b'"client-1"')
    assert old != row(LEDGER, cut)
    assert check(LEDGER, [old + b"\n" + old, old])
    for values, clients in (([old, old], ["", ""]), ([old, new], ["", "python-0.2"]), ([new, old], ["python-0.2", ""])):
        assert row_by_row(feed, values)[0]["client"].to_pylist() == clients
    for wrong in (b"null", b"1", b"[]"):
        assert read_fast.read(feed.columns, [new.replace(b'"python-0.2"', wrong)]) is None
    for spelled in (b'"client" :null', b'"cl\\u0069ent":null'):
        assert read_fast.read(feed.columns, [new.replace(b'"client":"python-0.2"', spelled)]) is None


def test_rows_of_an_earlier_release_stand_for_one_line_each() -> None:
    def cut(fields: Fields) -> None:
        fields[:] = [(key, value) for key, value in fields if key != b'"lines"']

    feed, old, new = FEEDS[LEDGER], row(LEDGER, cut), row(LEDGER).replace(b'"lines":1', b'"lines":7')
    assert check(LEDGER, [old + b"\n" + old, old])
    assert read_fast.read(feed.columns, [old, new]) is None
    for values, lines in (([old, old], [1, 1]), ([old, new], [1, 7]), ([new, new], [7, 7])):
        assert row_by_row(feed, values)[0]["lines"].to_pylist() == lines
    for spelled in (b'"lines" :null', b'"l\\u0069nes":null'):
        assert read_fast.read(feed.columns, [new.replace(b'"lines":7', spelled)]) is None


@pytest.mark.parametrize("different", [1, 2, 5])
def test_each_row_gets_its_own_map(different: int) -> None:
    texts = [
        orjson.dumps({f"k{n % different}{i}": f"v{n}" for i in range(n % different)}) if n % 3 else b"{}"
        for n in range(20)
    ]
    place = next(at for at, column in enumerate(FEEDS[ACCEPTED].columns) if column.field == "experiments")

    def with_map(text: bytes) -> bytes:
        return row(ACCEPTED, lambda fields: fields.__setitem__(place, (fields[place][0], text)))

    assert check(ACCEPTED, [b"\n".join(map(with_map, texts[:7])), b"\n".join(map(with_map, texts[7:]))])
