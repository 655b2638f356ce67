"""What is encoded is decoded the same; a user's partition is within the count."""

from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from oracle.murmur import home_of
from streams.core import seen as seen_codec
from streams.core import window
from streams.core.partitioner import murmur2, partition_of
from streams.core.seen import Seen
from streams.core.window import Bucket
from streams.state import position, segments, values
from streams.state.memory import MemoryStore
from streams.state.position import Position

ids = st.from_regex(r"[A-Za-z0-9._:-]{1,128}", fullmatch=True)
offsets = st.integers(0, 86_400_000 - 1)


@given(st.dictionaries(ids, offsets))
def test_buckets_round_trip(bucket: dict[str, int]) -> None:
    packed = window.Bucket()
    for artwork_id, offset in bucket.items():
        packed.accept(artwork_id, offset)
    assert window.decode(packed.entries) == packed.times() == bucket


# Ids within ids, and as long as the code of a character of theirs; times whose bytes look like ids and their lengths.
tricky_ids = st.text("01-.", min_size=1, max_size=4) | st.text("01-.", min_size=44, max_size=50)
tricky_offsets = st.lists(st.sampled_from(b"\0\1\2\3\4-.01"), min_size=4, max_size=4).map(
    lambda each: int.from_bytes(bytes(each), "big")
)


@given(st.dictionaries(tricky_ids, tricky_offsets), st.sampled_from([0, 20, 4_096]), st.integers(1, 8))
def test_a_time_is_found_without_unpacking_the_others(bucket: dict[str, int], long: int, tries: int) -> None:
    packed = Bucket()
    for artwork_id, offset in bucket.items():
        packed.accept(artwork_id, offset)
    asked = {*bucket, *(each[1:] for each in bucket), *(each[:-1] for each in bucket), "0", "1-", "-" * 45} - {""}
    with mock.patch.object(window, "_LONG_BYTES", long), mock.patch.object(window, "_TRIES", tries):
        assert {each: packed.time_of(each) for each in asked} == {each: bucket.get(each) for each in asked}


@given(st.lists(st.integers(0, 2**32 - 1) | ids, unique=True))
def test_seen_artworks_round_trip(artworks: list[int | str]) -> None:
    seen = Seen()
    for artwork in artworks:
        seen.add(str(artwork), artwork if isinstance(artwork, int) else None)
    seen.pack()
    assert seen_codec.decode(bytes(seen.entries)) == seen
    ids = [each for each in artworks if isinstance(each, str)]
    assert seen_codec.decode(seen_codec.encode(seen.ordinals, ids)) == seen


@given(st.text(max_size=40), st.integers(0, 2**63 - 1), st.integers(1, 86_400_000), st.integers(1, 10_000))
def test_positions_round_trip(topic_id: str, next_offset: int, window_ms: int, partitions: int) -> None:
    value = Position(topic_id, next_offset, window_ms, partitions, next_offset % 7, 3 * window_ms)
    assert position.decode(position.encode(value)) == value


@given(st.lists(ids), st.integers(1, 60), st.integers(1, 60), st.booleans())
def test_what_is_appended_in_any_number_of_changes_is_read_back(
    artworks: list[str], closed_at: int, largest: int, reread: bool
) -> None:
    store, log, whole = MemoryStore(), Bucket(), Bucket()
    with mock.patch.object(segments, "CLOSED_AT", closed_at), mock.patch.object(segments, "LARGEST", largest):
        for offset, artwork_id in enumerate(artworks):
            for bucket in (log, whole):
                bucket.accept(artwork_id, offset)
            store.write(segments.changes(b"key", log))
            if reread:
                log = values.read_bucket(store, b"key")
        stored = segments.read(store, b"key")
    assert (stored.entries if stored else b"") == whole.entries


@given(ids, st.integers(1, 1000))
def test_the_partition_of_a_user_is_within_the_count(user_id: str, partitions: int) -> None:
    found = partition_of(user_id, partitions)
    assert 0 <= found < partitions
    assert found == home_of(user_id, partitions)


@given(st.binary(max_size=64))
def test_the_hash_has_32_bits(data: bytes) -> None:
    assert 0 <= murmur2(data) < 2**32
