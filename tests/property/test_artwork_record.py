"""The fast path from a catalogue record to its fields accepts only what the model reads, and reads the same."""

import msgspec
import orjson
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from streams.core import artwork_record
from streams.core.artwork_record import Refusal, read
from streams.model.artwork import ArtworkRecord
from tests.property.test_json import TOKENS

KEY = b"a0042"
PLAIN = (
    b'{"artwork_id":"a0042","pool_id":"main","ordinal":42,"created_at":1732000000000,"retired":false,'
    b'"dna":[0.12,-0.5,3]}'
)
FIELDS = [b'"artwork_id":"a0042"', b'"pool_id":"main"', b'"ordinal":42', b'"created_at":1732000000000']
FIELDS += [b'"retired":false', b'"dna":[0.12,-0.5,3]']


def by_model(value: bytes) -> ArtworkRecord | None:
    """Return what the model reads; None if it refuses the record."""
    try:
        return ArtworkRecord.model_validate(orjson.loads(value))
    except (ValidationError, ValueError):
        return None


def assert_agree(value: bytes, key: bytes = KEY) -> None:
    fast = artwork_record._read_fast(key, value)
    record = by_model(value)
    if fast is not None:
        assert record is not None
        artwork_id, said = fast
        assert artwork_id.encode() == key
        assert msgspec.to_builtins(said) == record.model_dump()
        assert repr(said.dna) == repr(record.dna)  # -0.0 and 0.0 are equal
    found = read(key, value)
    refused = record is None or record.artwork_id not in ("", key.decode("utf-8", "replace"))
    assert isinstance(found, Refusal) == refused


def test_common_records_take_the_fast_path() -> None:
    for value in (PLAIN, b'{"pool_id":"main","ordinal":43}', PLAIN.replace(b",", b" , ")):
        assert artwork_record._read_fast(KEY, value) is not None


@given(st.sampled_from(FIELDS), st.sampled_from(TOKENS))
@settings(max_examples=2_000)
def test_both_paths_agree_on_any_value_of_a_field(field: bytes, token: bytes) -> None:
    name, _, _ = field.partition(b":")
    assert_agree(PLAIN.replace(field, name + b":" + token))
    assert_agree(PLAIN.replace(field, name + b":[" + token + b"]"))
    assert_agree(PLAIN.replace(field, field + b"," + name + b":" + token))
    assert_agree(PLAIN.replace(field, name + b":" + token + b"," + field))


@given(
    st.integers(0, len(PLAIN)), st.integers(0, 30), st.sampled_from([*TOKENS, *FIELDS, b"", b",", b"}", b"{", b"\n"])
)
@settings(max_examples=2_000)
def test_both_paths_agree_on_a_mutated_record(start: int, cut: int, piece: bytes) -> None:
    assert_agree(PLAIN[:start] + piece + PLAIN[start + cut :])


@given(st.text(alphabet=st.characters(max_codepoint=300), max_size=130))
def test_both_paths_agree_on_any_id(text: str) -> None:
    assert_agree(PLAIN.replace(b'"main"', msgspec.json.encode(text)))
    assert_agree(PLAIN.replace(b'"a0042"', msgspec.json.encode(text)))
    key, value = text.encode(), PLAIN.replace(b'"artwork_id":"a0042",', b"")
    assert isinstance(read(key, value), Refusal) == isinstance(read(key, value.replace(b"42", b"\t42")), Refusal)
    fast = artwork_record._read_fast(key, value)
    assert fast is None or not isinstance(read(key, None), Refusal)
