"""Bodies are flushes as the contract has them, compressed as the recorder does."""

import gzip
from random import Random

import pytest

from bench.recorder.text import LEAST_BYTES, STOP, body_of, packed, raw_size, sizes, uuid7
from streams.core.decode import DecodedFlush, decode

NOW = 1_732_431_600_123


@pytest.mark.parametrize("impressions", [1, 7, 500])
def test_the_worker_reads_a_body_with_all_its_impressions(impressions: int) -> None:
    found = decode(body_of(impressions, STOP, NOW, Random(1)).encode())
    assert isinstance(found, DecodedFlush)
    assert len({each.impression_id for each in found.flush.impressions}) == impressions
    assert found.flush.client


def test_ids_have_the_version_and_the_time() -> None:
    found = uuid7(NOW, Random(1))
    assert int(found[:13].replace("-", ""), 16) == NOW
    assert found[14] == "7"
    assert found[19] in "89ab"


def test_small_bodies_go_raw_and_larger_ones_compressed() -> None:
    small, large = "x" * (LEAST_BYTES - 1), "x" * LEAST_BYTES
    assert packed(small) == small.encode()
    assert gzip.decompress(packed(large)) == large.encode()


@pytest.mark.parametrize("impressions", [1, 20, 200, 500])
def test_a_raw_body_has_about_the_size_that_the_rules_reckon_with(impressions: int) -> None:
    assert raw_size(impressions) == pytest.approx(sizes(impressions)[0], rel=0.01)
