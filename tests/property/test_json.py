"""Any bytes are judged as the oracle judges them: mutations of a good line, with tokens that JSON parsers trip over."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from streams.core.catalogue import Catalogue
from tests.property.logs import PARTITIONS, SETTINGS, T0
from tests.support.against_oracle import assert_same
from tests.support.memory_log import MemoryLog, Worker, instead_of_kafka

GOOD = (
    b'{"v":1,"flush_id":"f1","user_id":"u42","session_id":"s","sent_at":1732431600123,"transport":"fetch",'
    b'"reason":"timer","tier":"free","experiments":{"flush":"2s"},"client":"c-1","impressions":[{"impression_id":"i1",'
    b'"artwork_id":"a1","seen_at":1732431599000,"pool_id":"main","dwell_ms":1200,"visible":0.8,"position":3,'
    b'"surface":"gallery"},{"impression_id":"i2","artwork_id":"a2","seen_at":1732431599000}],'
    b'"telemetry":{"attempts":1,"failures":0,"queued":0,"dropped":0},"more":[[{"x":null}],true]}'
)
TOKENS = [
    *(
        b"",
        b" ",
        b"\t",
        b"\r",
        b"\x0b",
        b"\xc2\xa0",
        b"\xef\xbb\xbf",
        b"\x00",
        b"\xff",
        b"\xed\xa0\x80",
        b"\xf0\x9f\x98\x80",
    ),
    *(b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"'", b"/", b"-", b"+", b".", b"e", b"0", b"1"),
    *(b"null", b"true", b"false", b"NaN", b"Infinity", b"-Infinity", b"nan", b"1e3", b"1e999", b"-1e999", b"1E-999"),
    *(
        b"-0",
        b"-0.0",
        b"00",
        b"01",
        b"1.",
        b".5",
        b"1.0",
        b"0x1",
        b"1_0",
        b"9" * 16,
        b"9" * 25,
        b"9" * 400,
        b"9" * 5000,
    ),
    *(b"9007199254740991", b"9007199254740992", b"18446744073709551616", b"-9223372036854775809", b"9999999999999"),
    *(b'"\\ud800"', b'"\\udc00\\ud800"', b'"\\ud83d\\ude00"', b'"\\u0000"', b'"\\u00"', b'"\\x"', b'"\n"', b'"a\xff"'),
    *(b"[]", b"{}", b"[[[[]]]]", b"[" * 1100, b"[" * 1000 + b"]" * 1000, b'{"a":' * 1030 + b"1" + b"}" * 1030),
    *(b'"v":1,', b'"v":2,', b'"user_id":"u\\u0031",', b'"user_id":"",', b'"impressions":[],', b'"\\u0076":true,'),
    *(
        b'"impressions":[1e999,{"impressions":[]}],',
        b'"x":{"impressions":[1]},',
        b'"more":"\\udfff",',
        b'"more":1e400,',
    ),
]
# Where one field, number or bracket ends and the next begins: where an edit is most likely to have a meaning.
SEAMS = [at for at in range(len(GOOD)) if GOOD[at : at + 1] in b'{}[],:"']
places = st.sampled_from(SEAMS) | st.integers(0, len(GOOD))
edits = st.tuples(places, st.integers(0, 3) | st.integers(0, 40), st.sampled_from(TOKENS) | st.binary(max_size=3))


def mutated(changes: list[tuple[int, int, bytes]]) -> bytes:
    """Replace bytes at each place, from the end to the start, so that the earlier places stay valid."""
    line = GOOD
    for at, length, new in sorted(changes, reverse=True):
        line = line[:at] + new + line[at + length :]
    return line


def values() -> list[tuple[int, int]]:
    """Return start and length of every value after a colon, up to the next seam."""
    starts = [at + 1 for at in range(len(GOOD)) if GOOD[at : at + 1] == b":"]
    return [(at, min(end for end in SEAMS if end > at and GOOD[end : end + 1] in b",}]") - at) for at in starts]


replaced = st.tuples(st.sampled_from(values()), st.sampled_from(TOKENS)).map(lambda e: (e[0][0], e[0][1], e[1]))


def assert_judged_as_the_oracle_says(value: bytes) -> None:
    log = MemoryLog(SETTINGS, PARTITIONS)
    log.append(0, T0, value)
    log.append(1, T0, value)
    with instead_of_kafka(log):
        Worker(log, Catalogue()).drain()
    assert_same(log)


@given(st.lists(edits, max_size=3))
@settings(max_examples=800)
def test_mutations_of_a_good_line_are_judged_as_the_oracle_says(changes: list[tuple[int, int, bytes]]) -> None:
    assert_judged_as_the_oracle_says(mutated(changes))


@given(st.lists(replaced, min_size=1, max_size=3, unique_by=lambda e: e[0]))
@settings(max_examples=800)
def test_replaced_values_are_judged_as_the_oracle_says(changes: list[tuple[int, int, bytes]]) -> None:
    assert_judged_as_the_oracle_says(mutated(changes))


@given(st.binary(max_size=40))
@example(b"")
@example(b"\n")
@example(b"{}\n\n")
def test_any_bytes_are_judged_as_the_oracle_says(value: bytes) -> None:
    assert_judged_as_the_oracle_says(value)
