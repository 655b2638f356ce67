"""Sessions of the model: what one stop shows is recorded together, in order, before the page goes."""

from itertools import groupby
from random import Random
from statistics import fmean

import pytest

from bench.recorder.viewers import GALLERY, RULE_SECONDS, SCROLL_SECONDS, VIEWERS, Viewer, poisson, sessions


@pytest.mark.parametrize("viewer", VIEWERS, ids=lambda viewer: viewer.name)
def test_a_session_is_in_order_and_ends_last(viewer: Viewer) -> None:
    for visit in sessions(viewer, 50):
        assert list(visit.recorded) == sorted(visit.recorded)
        assert all(SCROLL_SECONDS + RULE_SECONDS <= at < visit.end for at in visit.recorded)
        assert all(at < visit.end for at in visit.hidden)


@pytest.mark.parametrize("viewer", VIEWERS, ids=lambda viewer: viewer.name)
def test_a_stop_shows_as_many_as_the_viewer_sees_at_once(viewer: Viewer) -> None:
    stops = [len(list(each)) for visit in sessions(viewer, 100) for _, each in groupby(visit.recorded)]
    assert fmean(stops) == pytest.approx(viewer.artworks, rel=0.1)


def test_the_same_seed_draws_the_same() -> None:
    assert list(sessions(GALLERY, 3, 7)) == list(sessions(GALLERY, 3, 7))
    assert list(sessions(GALLERY, 3, 7)) != list(sessions(GALLERY, 3, 8))


def test_poisson_numbers_have_their_mean_and_variance() -> None:
    rng = Random(1)
    drawn = [poisson(5.0, rng) for _ in range(5_000)]
    assert fmean(drawn) == pytest.approx(5.0, rel=0.05)
    assert fmean((each - 5.0) ** 2 for each in drawn) == pytest.approx(5.0, rel=0.1)
    assert poisson(0.0, rng) == 0
