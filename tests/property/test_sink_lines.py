"""What the sink reads by columns is what it would read row by row, and it leaves to that whatever it isn't sure of."""

from collections.abc import Callable

import orjson
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streams.kafka.topics import ACCEPTED, LEDGER
from streams.sink import lines
from streams.sink.blocks import columns_of
from streams.sink.feeds import FEEDS, Feed
from streams.sink.parse import parser
from streams.sink.records import BadRecordError, Record
from tests.support.rows import accepted, ledger

Fields = list[tuple[bytes, bytes]]

ROWS = {
    ACCEPTED: accepted("u1", "a1", dwell_ms=7, visible=0.5, experiments={"flush": "2s"}),
    LEDGER: ledger(1),
}
# JSON that is right for some field, nearly right for another, or wrong, or no JSON.
TOKENS = (
    b"0 -0 -0.0 1 -1 7 1.0 1.5 -1.5 1e3 1E+2 1e-2 1e400 -1e400 1e-400 0.1e1 01 +1 .5 1. 0x1 1_0 NaN Infinity -Infinity Inf nan null true "
    b"false True Null 255 256 65535 65536 4294967295 4294967296 9007199254740993 9999999999999 10000000000000 "
    b"9223372036854775807 9223372036854775808 18446744073709551615 18446744073709551616 123456789012345678901234567890 "
    b'0.30000000000000004 1.7976931348623157e308 1.7976931348623159e308 5e-324 2e-324 "" "x" "1" "null" "true" '
    b'"\xe2\x98\x83" "\\u2603" "\\ud83d\\ude00" "\\ud800" "\\udc00" "\\ud800x" "\\u0000" "\\n" "\\x" "\\"" "\\\\" "\\/" '
    b'"\xff" "\xc0\x80" "\xed\xa0\x80" "\xf4\x90\x80\x80" "\xf0\x9f\x98\x80" "\x01" "\x00" "\x7f" "a\tb" "}" "{" "{}" "}{" '
    b'"dwell_ms\\":null" "\\"dwell_ms\\":null" "experiments\\":{}" {} [] [1] [null] {"a":"b"} {"a":null} {"a":1} '
    b'{"a":"}"} {"a":"{"} {"a":"b","a":"c"} {"a":{"b":"c"}} {"experiments":"x"} {"experiments":{}} {"dwell_ms":null} '
    b'{"\\u0061":"b"} {"a":"\\ud800"} {"":""} {"a":"b","c":"d"} {"a":"b",} {a:"b"} {"a":"\xff"} {"a":"\\"}"}'
).split(b" ")
JOINTS = [b"\n", b"\n\n", b"\n \n", b"\r\n", b" \n", b"\n ", b"", b" ", b",", b",\n", b"\x00\n", b"\n\x00", b"\xef\xbb\xbf"]

tokens = st.sampled_from(TOKENS)
names = st.sampled_from([name for row in ROWS.values() for name in row if not name.startswith("kafka_")])
keys = st.one_of(
    names.map(lambda name: b'"%s"' % name.encode()),
    st.sampled_from([b'"kafka_offset"', b'"extra"', b'"dwell\\u005fms"', b'"x\\"dwell_ms"', b'"x\\"experiments"', b'""']),
)


@st.composite
def changed(draw: st.DrawFn, topic: str) -> bytes:
    """A row with up to three changes: another value, a field less, one more, one twice; or none."""
    fields: Fields = [
        (orjson.dumps(name), orjson.dumps(value)) for name, value in ROWS[topic].items() if not name.startswith("kafka_")
    ]
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(fields) - 1))
        how = draw(st.sampled_from(["value", "value", "value", "less", "more", "twice", "key"]))
        if how == "value":
            fields[at] = fields[at][0], draw(tokens)
        elif how == "less" and len(fields) > 1:
            del fields[at]
        elif how == "more":
            fields.insert(at, (draw(keys), draw(tokens)))
        elif how == "twice":
            fields.append((fields[at][0], draw(st.one_of(tokens, st.just(fields[at][1])))))
        elif how == "key":
            fields[at] = draw(keys), fields[at][1]
    colon = draw(st.sampled_from([b":", b":", b":", b" : ", b":\n"]))
    return b"{" + b",".join(key + colon + value for key, value in fields) + b"}"


@st.composite
def value(draw: st.DrawFn, topic: str) -> bytes:
    """A record's value: rows with joints between them, and now and then a piece of it cut out, put in or said again."""
    rows = draw(st.lists(changed(topic), min_size=1, max_size=4))
    text = rows[0]
    for row in rows[1:]:
        text += draw(st.one_of(st.just(b"\n"), st.just(b"\n"), st.sampled_from(JOINTS))) + row
    if draw(st.integers(0, 3)) == 0:
        start, end, to = sorted(draw(st.tuples(*[st.integers(0, len(text))] * 3)))
        piece = draw(st.one_of(st.just(text[end:to]), tokens, st.sampled_from([*JOINTS, b"}\n{", b"{", b"}", b'"'])))
        text = text[:start] + piece + text[draw(st.sampled_from([start, end])) :]
    return text


def row_by_row(feed: Feed, values: list[bytes | None]) -> tuple[pa.Table, list[int]]:
    """The other way; raises BadRecordError where it would leave a record out."""
    read = [parser(feed.topic)(Record(0, 0, None, value)) for value in values]
    return columns_of(feed.columns, [row for rows in read for row in rows]), [len(rows) for rows in read]


def check(topic: str, values: list[bytes | None]) -> bool:
    """Hold what is read by columns, if anything is, to the other way; say whether anything was."""
    feed = FEEDS[topic]
    found = lines.read(feed.columns, values)
    if found is None:
        return False
    table, counts = row_by_row(feed, values)
    assert found[1] == counts
    # Equal to the bit: Arrow's own comparison takes -0.0 for 0.0.
    assert found[0].schema == table.schema
    assert repr(found[0].to_pydict()) == repr(table.to_pydict())
    return True


@pytest.mark.parametrize("topic", [ACCEPTED, LEDGER])
def test_what_is_read_by_columns_is_what_is_read_row_by_row(topic: str) -> None:
    @settings(max_examples=1_500)
    @given(st.lists(st.one_of(value(topic), value(topic), st.none()), min_size=1, max_size=3))
    def holds(values: list[bytes | None]) -> None:
        check(topic, values)

    holds()
