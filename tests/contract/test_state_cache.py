"""What a state keeps decoded between chunks, and what it asks the store for."""

import pytest

from streams.state import partition_state as state_module
from streams.state.partition_state import State
from streams.state.store import Store
from tests.support.states import CATALOGUE, HERE, START, Counting, W, accept, commit


def test_caches_keep_everything_that_the_store_does_not_have_yet(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_module, "CACHE_BYTES", 2 * state_module.USER_BYTES)
    for n in range(10):
        accept(state, f"u{n}", START, a=n)
        state.user(f"u{n}").seen.add(f"a{n}", None)
        if n % 3 == 0:
            commit(state, n)
    commit(state, 10)
    assert [state.user(f"u{n}").bucket(START).times()["a"] for n in range(10)] == list(range(10))
    assert [state.user(f"u{n}").seen.uncatalogued for n in range(10)] == [{f"a{n}"} for n in range(10)]


def test_the_cache_is_bounded_in_bytes_and_drops_the_least_recently_used(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_module, "CACHE_BYTES", 10 * state_module.USER_BYTES)
    state = State(counting := Counting(store))
    state.position = HERE
    for n in range(5):
        state.user(f"u{n}").seen.add("a", None)
        commit(state, n)
    for n in range(2_000):
        state.user("much").seen.add(f"artwork-{n}", None)
    commit(state, 6)
    assert state.cached_bytes == 0, "one user who is larger than the cache is not kept, nor are those before"
    for n in (0, 1, 2, 3, 4, 0):
        state.user(f"u{n}").seen.add("b" if n else f"c{counting.asked}", None)
        commit(state, 7)
    for n in range(10, 15):
        state.user(f"u{n}")
        commit(state, 8)
    asked = counting.asked
    state.user("u0")
    assert counting.asked == asked, "the last one used is still there"
    state.user("u1")
    assert counting.asked > asked, "the one used before it is not"
    assert 0 < state.cached_bytes <= 10 * state_module.USER_BYTES


def test_a_window_later_than_all_written_ones_is_not_read_from_the_store(state: State) -> None:
    accept(state, "u", START, a=1)
    commit(state, 1)
    again = State(counting := Counting(state.store))
    again.load(CATALOGUE)
    user = again.user("u")
    asked = counting.asked
    assert user.bucket(START + W).times() == {}
    assert counting.asked == asked
    assert user.bucket(START).times() == {"a": 1}
    assert user.bucket(START - W).times() == {}
    assert counting.asked == asked + 2


def test_buckets_that_left_the_cache_are_read_again(state: State) -> None:
    for n in range(10):
        accept(state, "u", START + n * W, **{f"a{n}": n})
        commit(state, n + 1)
    user = state.user("u")
    assert user.bytes < state_module.USER_BYTES + 1_000
    assert [user.bucket(START + n * W).times() for n in range(10)] == [{f"a{n}": n} for n in range(10)]


def test_a_user_who_is_read_again_has_the_windows_written_meanwhile(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_module, "CACHE_BYTES", state_module.USER_BYTES)
    for n in range(6):
        for name in ("u", "v", "w"):
            accept(state, name, START + n * W, **{f"a{n}": n})
            commit(state, 3 * n)
    assert [state.user("u").bucket(START + n * W).times() for n in range(6)] == [{f"a{n}": n} for n in range(6)]
