"""The fast path from a line to a flush accepts only what the slow path reads, and reads the same."""

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.decode import DecodedFlush, InvalidImpression, decode
from streams.core.decode_fast import read
from tests.property.test_json import GOOD, TOKENS, edits, mutated

# An unknown field: such a line never takes the fast path.
MORE = b',"more":[[{"x":null}],true]'
PLAIN = GOOD.replace(MORE, b"")
# Telemetry of the browser's recorder, which the stream ignores.
IGNORED = ("offset_ms", "bfcache", "defects", "discarded")


def as_dict(decoded: DecodedFlush) -> dict[str, Any]:
    """Return a flush that the slow path read without an invalid impression."""
    assert not any(isinstance(impression, InvalidImpression) for impression in decoded.impressions)
    return decoded.flush.model_dump()


def assert_agree(line: bytes) -> None:
    (flush,) = read([line])
    if flush is not None:
        decoded = decode(line)
        assert isinstance(decoded, DecodedFlush)
        fast = msgspec.to_builtins(flush)
        for name in IGNORED:
            del fast["telemetry"][name]
        assert fast == as_dict(decoded)


def test_a_common_line_takes_the_fast_path() -> None:
    assert None not in read(
        [PLAIN, PLAIN.replace(b",", b" , "), PLAIN.replace(b'"v":1,', b"").replace(b"}}", b'},"v":1}')]
    )


def test_a_flush_of_the_recorder_takes_the_fast_path() -> None:
    more = b"".join(b',"%s":-7' % name.encode() for name in IGNORED)
    line = PLAIN.replace(b'"telemetry":{"attempts":1', b'"telemetry":{"attempts":1' + more)
    assert line != PLAIN
    assert None not in read([line])
    assert_agree(line)


@given(st.sampled_from(IGNORED), st.sampled_from(TOKENS))
def test_both_paths_agree_on_any_value_that_the_recorder_might_add(name: str, token: bytes) -> None:
    assert_agree(PLAIN.replace(b'"attempts":1', b'"attempts":1,"' + name.encode() + b'":' + token))


@given(st.lists(edits, min_size=1, max_size=3))
@settings(max_examples=2_000)
def test_what_the_fast_path_reads_the_slow_path_reads_the_same(changes: list[tuple[int, int, bytes]]) -> None:
    assert_agree(mutated(changes).replace(MORE, b""))


FIELDS = [
    b'"v":1',
    b'"sent_at":1732431600123',
    b'"dwell_ms":1200',
    b'"visible":0.8',
    b'"pool_id":"main"',
    b'"tier":"free"',
    b'"client":"c-1"',
]


@given(st.sampled_from(FIELDS), st.sampled_from(TOKENS))
def test_both_paths_agree_on_any_value_of_a_field(field: bytes, token: bytes) -> None:
    name, _, _ = field.partition(b":")
    assert_agree(PLAIN.replace(field, name + b":" + token))
    assert_agree(PLAIN.replace(field, field + b"," + name + b":" + token))
    assert_agree(PLAIN.replace(field, name + b":" + token + b"," + field))


@given(
    st.text(alphabet=st.characters(max_codepoint=300), max_size=130),
    st.sampled_from([b'"u42"', b'"main"', b'"2s"', b'"flush"', b'"s"', b'"c-1"', b'"a1"']),
)
def test_both_paths_agree_on_any_id(text: str, at: bytes) -> None:
    assert_agree(PLAIN.replace(at, msgspec.json.encode(text)))
    assert_agree(PLAIN.replace(at, b'"' + text.encode() + b'"'))


def test_an_odd_line_does_not_affect_the_others() -> None:
    good, odd = PLAIN, PLAIN.replace(b'"u42"', b'"u 42"')
    assert [flush is not None for flush in read([good, odd, good, b"", b"{"])] == [True, False, True, False, False]
