"""Which partition a user belongs to."""

import pytest

from streams.core.partitioner import murmur2, partition_of

# From Kafka's own UtilsTest.testMurmur2; Java's ints are signed.
VECTORS = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize(("data", "signed"), VECTORS.items(), ids=[key.decode() for key in VECTORS])
def test_the_hash_is_kafkas(data: bytes, signed: int) -> None:
    assert murmur2(data) == signed % 2**32


def test_the_sign_bit_is_cleared_before_the_division() -> None:
    assert partition_of("21", 3) == (-973932308 & 0x7FFFFFFF) % 3


@pytest.mark.parametrize("partitions", [1, 4, 7])
def test_partitions_are_within_their_count_and_all_used(partitions: int) -> None:
    assert {partition_of(f"u{n}", partitions) for n in range(200)} == set(range(partitions))
