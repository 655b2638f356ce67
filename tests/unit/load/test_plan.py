"""Plans, ids and the way of a user through the catalogue."""

import re
from math import gcd
from pathlib import Path
from random import Random

import orjson
import pytest

from load.users.connection import Target
from load.users.flush import OF_FLUSHES, OF_IMPRESSIONS, flush_json, impression_json, uuid7
from load.users.plan import Patience, Plan, fewest_artworks
from load.users.user import stride
from streams.core.decode_fast import read
from tests.support.crowds import plan


def test_a_plan_is_the_same_after_its_line() -> None:
    of = plan(Path("/s"), patience=Patience(request=3.0))
    assert Plan.from_json(of.to_json()) == of
    assert "\n" not in of.to_json()


def test_ids_are_uuids_of_version_7_and_differ() -> None:
    ids = {
        uuid7(1_796_000_000_000 + ms, kind, user, number)
        for ms in range(2) for kind in (OF_IMPRESSIONS, OF_FLUSHES) for user in (0, 1, 2**30 - 1) for number in range(3)
    }  # fmt: skip
    assert len(ids) == 2 * 2 * 3 * 3
    assert all(
        re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", each) for each in ids
    )
    assert all(int(each.replace("-", "")[:12], 16) in (1_796_000_000_000, 1_796_000_000_001) for each in ids)


def test_a_flush_is_a_good_one() -> None:
    impressions = [impression_json(7, number, 40 + number, 1_796_000_000_000 + number, "main") for number in range(3)]
    line = flush_json(7, "r1-00007", 2, 1_796_000_002_000, "timer", impressions, queued=0)
    (found,) = read([line])
    assert found is not None, "the worker reads it the fast way"
    assert found.user_id == "r1-00007"
    assert [each["artwork_id"] for each in orjson.loads(line)["impressions"]] == ["a00040", "a00041", "a00042"]


@pytest.mark.parametrize("size", [1, 2, 12, 101, 2_000])
def test_a_walk_meets_each_artwork_once(size: int) -> None:
    step = stride(size, Random(size))
    assert gcd(step, size) == 1
    assert len({(5 + step * number) % size for number in range(size)}) == size


def test_a_catalogue_is_large_enough_for_every_user() -> None:
    assert fewest_artworks(500_000, 10_000) > 50 + 7 * 50**0.5
    assert fewest_artworks(1, 1_000) >= 100


@pytest.mark.parametrize(
    ("url", "name"), [("http://127.0.0.1:8080", "127.0.0.1:8080"), ("http://door", "door:80"), ("unix:/s", "localhost")]
)
def test_an_address_is_read(url: str, name: str) -> None:
    assert Target.of(url).name == name


@pytest.mark.parametrize("url", ["https://door", "door:80", "http://door/v1", "http://"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="is no address"):
        Target.of(url)
