"""The preview's healthy traffic has its specified rate, and only double fires show an artwork twice."""

from collections import Counter
from random import Random

from dashboards.preview.healthy import IMPRESSIONS_A_SECOND, POOLS, RISE_SECONDS, SECONDS, USERS, artwork, visits

ALL = list(visits(SECONDS, Random(1)))


def test_traffic_rises_to_its_rate() -> None:
    first = sum(len(set(visit.artworks)) for visit in ALL if visit.at < 1)
    risen = sum(len(set(visit.artworks)) for visit in ALL if visit.at >= RISE_SECONDS)
    assert first < 0.2 * IMPRESSIONS_A_SECOND
    assert abs(risen / (SECONDS - RISE_SECONDS) - IMPRESSIONS_A_SECOND) < 1
    assert [visit.at for visit in ALL] == sorted(visit.at for visit in ALL)


def test_no_user_sees_an_artwork_in_two_visits() -> None:
    shown = Counter((visit.user_id, each) for visit in ALL for each in set(visit.artworks))
    assert max(shown.values()) == 1


def test_some_impressions_fire_twice_within_their_visit() -> None:
    doubles = sum(len(visit.artworks) - len(set(visit.artworks)) for visit in ALL)
    assert 0.02 < doubles / sum(len(visit.artworks) for visit in ALL) < 0.04


def test_every_user_has_most_of_a_pool_left_to_see() -> None:
    seen = Counter((visit.user_id, visit.pool_id) for visit in ALL for _ in set(visit.artworks))
    assert all(count < 0.3 * POOLS[pool] for (_, pool), count in seen.items())
    assert sum(seen.values()) / USERS < 0.02 * sum(POOLS.values())


def test_every_artwork_is_in_the_catalogue() -> None:
    known = {artwork(pool, number) for pool, count in POOLS.items() for number in range(count)}
    assert len(known) == sum(POOLS.values())
    assert {each for visit in ALL for each in visit.artworks} <= known
