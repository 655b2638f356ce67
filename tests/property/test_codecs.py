"""What is encoded is decoded the same; a user's partition is within the count."""

from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from oracle.murmur import home_of
from streams.core import seen as seen_codec
from streams.core import window
from streams.core.partitioner import murmur2, partition_of
from streams.core.seen import Seen
from streams.state import large_values, position
from streams.state.position import Position

ids = st.from_regex(r"[A-Za-z0-9._:-]{1,128}", fullmatch=True)
offsets = st.integers(0, 86_400_000 - 1)


@given(st.dictionaries(ids, offsets))
def test_buckets_round_trip(bucket: dict[str, int]) -> None:
    packed = window.Bucket()
    for artwork_id, offset in bucket.items():
        packed.accept(artwork_id, offset)
    assert window.decode(window.encode(packed)) == bucket


@given(st.sets(st.integers(0, 2**32 - 1)), st.sets(ids))
def test_seen_artworks_round_trip(ordinals: set[int], uncatalogued: set[str]) -> None:
    seen = Seen()
    seen.ordinals.update(ordinals)
    seen.uncatalogued.update(uncatalogued)
    found = seen_codec.decode(seen_codec.encode(seen))
    assert (set(found.ordinals), found.uncatalogued) == (ordinals, uncatalogued)


@given(st.text(max_size=40), st.integers(0, 2**63 - 1), st.integers(1, 86_400_000), st.integers(1, 10_000))
def test_positions_round_trip(topic_id: str, next_offset: int, window_ms: int, partitions: int) -> None:
    value = Position(topic_id, next_offset, window_ms, partitions)
    assert position.decode(position.encode(value)) == value


@given(st.binary(max_size=3000), st.binary(max_size=3000), st.sampled_from([1, 2, 7, 1024]))
def test_values_in_parts_round_trip_over_an_older_value(old: bytes, new: bytes, size: int) -> None:
    with mock.patch.object(large_values, "PART_BYTES", size):
        stored = dict(large_values.split(b"key", old)) | dict(large_values.split(b"key", new))
        assert large_values.join(b"key", stored[b"key"], stored.get) == new


@given(ids, st.integers(1, 1000))
def test_the_partition_of_a_user_is_within_the_count(user_id: str, partitions: int) -> None:
    found = partition_of(user_id, partitions)
    assert 0 <= found < partitions
    assert found == home_of(user_id, partitions)


@given(st.binary(max_size=64))
def test_the_hash_has_32_bits(data: bytes) -> None:
    assert 0 <= murmur2(data) < 2**32
