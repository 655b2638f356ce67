"""The model plays the recorder's rules: when it flushes, what goes together, what an exit sends."""

import pytest

from bench.recorder.rules import QUOTA_BYTES, TWICE_BYTES, Played, Recorder, Request
from bench.recorder.settings import Setting
from bench.recorder.viewers import Session

RTT = 0.25


def play(
    recorded: list[float], end: float = 100.0, hidden: tuple[float, ...] = (), batch: int = 200, size: int = 100
) -> Played:
    """Play a session with flushes after 2 s; an impression has `size` bytes, and nothing is around it."""
    recorder = Recorder(Setting(batch, 2.0), lambda impressions: size * impressions, RTT)
    return recorder.play(Session(tuple(recorded), hidden, end))


def test_a_flush_comes_after_the_first_that_waits_and_takes_all() -> None:
    played = play([1.0, 1.5, 2.5, 7.0])
    assert played.requests == [Request(3.0, 3, exit=False), Request(9.0, 1, exit=False)]
    assert played.waits == [2.25, 1.75, 0.75, 2.25]


def test_what_comes_while_a_request_is_in_flight_follows_at_once() -> None:
    played = play([1.0, 3.1])
    assert [request.at for request in played.requests] == [3.0, 3.25]


def test_a_full_batch_goes_a_moment_later_and_no_request_holds_more() -> None:
    played = play([1.0] * 5, batch=2)
    assert played.requests == [Request(1.1, 2, exit=False), Request(1.35, 2, exit=False), Request(1.6, 1, exit=False)]


def test_a_small_exit_goes_by_two_ways_and_a_large_one_by_one() -> None:
    assert play([1.0], end=1.5).requests == [Request(1.5, 1, exit=True, copies=2)]
    assert play([1.0], end=1.5, size=TWICE_BYTES + 1).requests == [Request(1.5, 1, exit=True, copies=1)]


def test_an_exit_beyond_the_quota_goes_in_halves() -> None:
    played = play([1.0] * 4, end=1.5, size=QUOTA_BYTES // 3)
    assert [request.impressions for request in played.requests] == [2, 2]


def test_an_exit_of_more_than_a_flush_holds_goes_in_halves() -> None:
    played = play([1.0] * 502, end=1.05, batch=500, size=1)
    assert [request.impressions for request in played.requests] == [251, 251]


def test_the_exit_sends_nothing_that_is_on_its_way_and_both_are_at_risk() -> None:
    played = play([1.0, 1.0, 3.1], end=3.2)
    assert played.requests == [Request(3.0, 2, exit=False), Request(3.2, 1, exit=True, copies=2)]
    assert (played.at_risk, played.unsent) == (3, 1)


def test_nothing_is_at_risk_once_all_is_acknowledged() -> None:
    played = play([1.0], end=3.25)
    assert (played.at_risk, played.unsent, len(played.requests)) == (0, 0, 1)


def test_a_hidden_tab_sends_at_once_and_its_timer_finds_nothing() -> None:
    played = play([1.0], hidden=(1.5,))
    assert played.requests == [Request(1.5, 1, exit=True, copies=2)]
    assert played.waits == [0.75]


@pytest.mark.parametrize("batch", [1, 3, 500])
def test_each_impression_is_sent_once_whatever_the_batch(batch: int) -> None:
    recorded = [at / 7 for at in range(200)]
    played = play(recorded, hidden=(11.0, 20.0), batch=batch, end=29.0)
    assert sum(request.impressions for request in played.requests) == len(recorded)
