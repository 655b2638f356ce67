"""Budget, token buckets, the sample that is logged, and bots."""

from itertools import count

import pytest

from streams.collector.rules.bots import is_bot
from streams.collector.rules.buckets import Buckets
from streams.collector.rules.budget import Budget
from streams.collector.rules.sampling import keeps


def test_new_requests_are_turned_away_above_the_mark_and_old_ones_may_grow() -> None:
    budget = Budget(100)
    with budget.share() as first, budget.share() as second:
        assert first.grow(69)
        assert budget.admits()
        assert budget.admits(31)
        assert not budget.admits(32)
        assert second.grow(1)
        assert not budget.admits()
        assert second.grow(30)
        assert not second.grow(1)
        assert (budget.used, budget.peak, second.used) == (100, 100, 31)
        second.release()
        assert budget.admits()
    assert (budget.used, budget.peak) == (0, 100)


def test_no_address_may_hold_all_of_it() -> None:
    budget = Budget(100, of_address=40)
    with budget.share("a") as first, budget.share("a") as second, budget.share("b") as other:
        assert first.grow(30)
        assert second.fits(10)
        assert not second.fits(11)
        assert not second.grow(11)
        assert second.grow(10)
        assert not second.fits()
        assert second.grow(0), "what takes nothing more has room"
        assert other.fits(40)
        assert other.grow(20)
        first.release()
        assert second.grow(30)
        assert (budget.used, budget.held_by("a"), budget.held_by("b")) == (60, 40, 20)
    assert (budget.used, budget.held_by("a"), len(budget._held)) == (0, 0, 0)


def test_a_share_is_given_back_once_also_after_an_error() -> None:
    budget = Budget(10)
    share = budget.share()

    def fail() -> None:
        with share:
            assert share.grow(5)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    share.release()
    assert budget.used == 0


def test_a_bucket_gives_its_burst_at_once_and_then_its_rate() -> None:
    buckets = Buckets(rate=2, burst=3, most=10)
    assert [buckets.take("a", 1, 100) for _ in range(4)] == [0, 0, 0, 0.5]
    assert buckets.take("b", 3, 100) == 0
    assert buckets.take("a", 1, 100.25) == 0.25
    assert buckets.take("a", 1, 100.5) == 0
    assert buckets.take("a", 3, 100.5) == 1.5
    assert buckets.take("a", 3, 102) == 0


def test_refusing_costs_nothing() -> None:
    buckets = Buckets(rate=1, burst=1, most=10)
    buckets.take("a", 1, 0)
    assert [buckets.take("a", 1, 0.5) for _ in range(5)] == [0.5] * 5
    assert buckets.take("a", 1, 1) == 0


def test_more_than_the_burst_is_possible_and_paid_for() -> None:
    buckets = Buckets(rate=1, burst=2, most=10)
    buckets.take("a", 1, 0)
    assert buckets.take("a", 10, 0) == 1
    assert buckets.take("a", 10, 1) == 0
    assert buckets.take("a", 1, 1) == 9
    assert buckets.take("b", 0, 1) == 0


def test_several_keys_are_taken_together_or_not_at_all() -> None:
    buckets = Buckets(rate=1, burst=2, most=10)
    buckets.take("a", 2, 0)
    assert buckets.take_all({"a": 1, "b": 2}, 0) == {"a": 1}
    assert buckets.take_all({"b": 2}, 0) == {}
    assert buckets.take_all({"c": 1, "a": 2, "b": 1}, 0) == {"a": 2, "b": 1}
    assert buckets.take_all({"a": 1, "b": 1}, 1) == {}
    assert buckets.take_all({}, 1) == {}


def test_what_was_taken_for_nothing_is_given_back() -> None:
    buckets = Buckets(rate=1, burst=2, most=10)
    assert buckets.take_all({"a": 2, "b": 5}, 0) == {}
    buckets.give_back({"a": 2, "b": 5, "never": 1})
    assert buckets.take_all({"a": 2, "b": 2}, 0) == {}
    assert buckets.take("b", 1, 0) == 1


def test_full_buckets_are_forgotten_at_no_loss() -> None:
    buckets = Buckets(rate=1, burst=1, most=1_000)
    for number in range(100):
        buckets.take(f"k{number}", 1, 0)
    assert len(buckets) == 100
    for number in range(20):
        buckets.take(f"l{number}", 1, 2)
    assert len(buckets) < 40
    assert buckets.forgotten == 0


def test_a_punished_key_is_not_forgotten_for_the_price_of_one_request_an_address() -> None:
    buckets = Buckets(rate=1, burst=10, most=100)
    buckets.take("bad", 10, 0)
    for number in range(10_000):
        assert buckets.take(f"k{number}", 1, 0) == 0
    assert len(buckets) == 100
    assert buckets.forgotten == 10_000 - 99
    assert buckets.take("bad", 1, 0) == 1


def test_what_is_looked_at_is_bounded_even_if_every_key_took_more() -> None:
    buckets = Buckets(rate=1, burst=10, most=100)
    buckets.take("bad", 10, 0)
    for number in reversed(range(99)):
        buckets.take(f"k{number}", 1, 0)
    for number in range(99):
        buckets.take(f"k{number}", 2, 0)
    for number in range(200):
        buckets.take(f"l{number}", 1, 0)
    assert len(buckets) == 100
    assert buckets.take("bad", 1, 0) == 1


def test_a_flush_is_logged_everywhere_or_nowhere_and_more_often_with_a_larger_share() -> None:
    ids = [f"01932f6e-{number:04x}-7000-8000-{number * 7919:012x}" for number in range(10_000)]
    kept = {share: {each for each in ids if keeps(each, share)} for share in (0.0, 0.1, 0.5, 1.0)}
    assert not kept[0.0]
    assert kept[0.1] < kept[0.5] < kept[1.0] == set(ids)
    assert 900 < len(kept[0.1]) < 1_100
    # The same in every version and every language.
    assert [keeps("f1", share) for share in (0.13, 0.14)] == [False, True]


@pytest.mark.parametrize(
    "user_agent",
    [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0) Chrome/116.0 Safari/537.36",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0 Safari/537.36",
        "Baiduspider/2.0",
        "some-thing (+https://example.com/about)",
        "facebookexternalhit/1.1",
    ],
)
def test_bots_that_say_so_are_flagged(user_agent: str) -> None:
    assert is_bot(user_agent)


@pytest.mark.parametrize(
    "user_agent",
    [
        "",
        "curl/8.5.0",
        "python-httpx/0.28.1",
        "Mozilla/5.0 (Linux; Android 9; CUBOT_X19_S Build/PPR1) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36",
        "Mozilla/5.0 (Linux; Android 12; CUBOT NOTE 30) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36",
        "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0",
        "x" * 2_000 + "Googlebot/2.1",
    ],
)
def test_nobody_else_is(user_agent: str) -> None:
    assert not is_bot(user_agent)


def test_keys_are_bounded_whatever_comes() -> None:
    buckets = Buckets(rate=10, burst=20, most=50)
    now = 0.0
    for number in count():
        if number == 5_000:
            break
        buckets.take(f"k{number * number % 97}", number % 7, now)
        now += 0.001
        assert len(buckets) <= 50
