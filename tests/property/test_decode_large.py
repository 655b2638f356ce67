"""A large line is malformed where `parse` says so, and has the ids that `parse` finds; nothing of it is built."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from streams.core import decode_large
from streams.core.lines import MalformedLineError, parse
from tests.property.test_json import edits, mutated, replaced

LEVELS = 1_024


def parsed(line: bytes) -> tuple[object, object] | str:
    """Return what `parse` says of a line: its ids as far as they could be valid."""
    try:
        value = parse(line)
    except MalformedLineError:
        return "malformed"
    found = [value.get(name) for name in ("flush_id", "user_id")]
    flush_id, user_id = [each if isinstance(each, str) and len(each) <= 128 else None for each in found]
    return flush_id, user_id


def checked(line: bytes) -> tuple[object, object] | str:
    """Return what the check of large lines says."""
    try:
        found = decode_large.ids(line)
    except MalformedLineError:
        return "malformed"
    flush_id, user_id = [each if isinstance(each, str) and len(each) <= 128 else None for each in found]
    return flush_id, user_id


@given(st.lists(edits | replaced, max_size=3))
@settings(max_examples=2_000)
def test_mutations_of_a_good_line(changes: list[tuple[int, int, bytes]]) -> None:
    line = mutated(changes)
    assert checked(line) == parsed(line)


_values = st.recursive(
    st.sampled_from([b"1", b'""', b'"a]"', b'"\\\\"', b'"\\"["', b"null", b'"\\u00e9"', b'"\\ud83d\\ude00"', b"1e400"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda each: b"[" + b",".join(each) + b"]"),
        st.lists(st.tuples(st.sampled_from([b'"a"', b'"user_id"', b'"flush\\u005fid"']), inner), max_size=4).map(
            lambda each: b"{" + b",".join(key + b":" + value for key, value in each) + b"}"
        ),
    ),
    max_leaves=20,
)


@given(_values, st.binary(max_size=2), st.integers(0, 200))
@settings(max_examples=1_000)
def test_nested_values_and_one_wrong_byte(value: bytes, wrong: bytes, at: int) -> None:
    line = value[:at] + wrong + value[at:]
    assert checked(line) == parsed(line)


@given(st.sampled_from([b"[", b"{", b'"[",', b'"\\"",[]', b"],", b"1,"]), st.integers(1, 1_100))
@settings(max_examples=200)
@example(b"[", LEVELS - 1)
@example(b"[", LEVELS)
def test_nesting_and_repetition(token: bytes, count: int) -> None:
    closing = {b"[": b"]", b"{": b"}"}.get(token, b"")
    for line in (
        b'{"a":' + token * count + closing * count + b"}",
        b'{"a":[' + b'"[[",[],{},' * 600 + token * count + closing * count + b"1]}",
    ):
        assert checked(line) == parsed(line)
