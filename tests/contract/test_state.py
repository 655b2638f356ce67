"""The state of a partition is the same on every store: what was written is read back, and sweeps delete windows."""

from pathlib import Path
from typing import Any

import pytest

from streams.core.seen import Seen
from streams.state import large_values
from streams.state import partition_state as state_module
from streams.state.partition_state import Change, State, Table, to_store
from streams.state.position import Position
from streams.state.store import Store
from tests.support.stores import KINDS, opener

W = 600_000
START = 1_732_431_600_000
HERE = Position("topic-1", 0, W, 4)
NOWHERE = dict[str, int]().get  # the artwork is not catalogued


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return opener(request.param, tmp_path)()


@pytest.fixture
def state(store: Store) -> State:
    """Return a state at its first position."""
    fresh = State(store)
    fresh.position = HERE
    commit(fresh, 0)
    return reloaded(fresh)


def commit(state: State, next_offset: int, horizon: int = 0) -> list[Change]:
    """Write the changes of a chunk, as the worker does; return them."""
    swept = state.sweep(horizon)
    assert state.position is not None
    position = state.position.at(next_offset)
    changes = swept + state.changes(position)
    state.store.write(to_store(changes))
    state.written(position, swept)
    return changes


def reloaded(state: State) -> State:
    """Return another state over the same store, as the next process has it."""
    again = State(state.store)
    again.load()
    return again


def accept(state: State, user_id: str, start: int, **artworks: int) -> None:
    """Put accepted impressions into a bucket: by artwork, ms after the start of the window."""
    for artwork_id, offset in artworks.items():
        state.user(user_id).accept(start, artwork_id, offset)


def windows(state: State) -> list[bytes]:
    return list(state.store.keys(b"w", b"x"))


def test_an_empty_store_has_no_position_and_no_state(store: Store) -> None:
    state = State(store)
    state.load()
    assert state.position is None
    assert state.user("u").bucket(START) == {}
    assert state.user("u").bucket(-W) == {}
    assert state.user("u").seen.uncatalogued == set()
    assert state.pin("a", NOWHERE) is None


def test_buckets_seen_artworks_and_the_position_are_read_back(state: State) -> None:
    accept(state, "u", START, a=1)
    accept(state, "u", START + W, a=2, b=3)
    accept(state, "v", START, a=4)
    state.user("u").seen.add("a", 7)
    state.user("u").seen.add("b", None)
    state.user("u").seen_changed()
    commit(state, 18)
    again = reloaded(state)
    assert again.position == HERE.at(18)
    assert again.user("u").bucket(START) == {"a": 1}
    assert again.user("u").bucket(START + W) == {"a": 2, "b": 3}
    assert again.user("v").bucket(START) == {"a": 4}
    assert list(again.user("u").seen.ordinals) == [7]
    assert again.user("u").seen.uncatalogued == {"b"}
    assert again.user("v").seen.uncatalogued == set()


def test_only_what_changed_is_written_and_only_once(state: State) -> None:
    accept(state, "u", START, a=1)
    state.user("u").bucket(START + W)
    assert state.user("u").seen == Seen()
    changes = commit(state, 1)
    assert [change.table for change in changes] == [Table.WINDOWS, Table.COVERAGE]
    assert [change.key for change in commit(state, 2)] == [state_module.POSITION]


def test_the_position_is_the_last_change(state: State) -> None:
    accept(state, "u", START, a=1)
    state.user("u").seen.add("a", None)
    state.user("u").seen_changed()
    state.pin("a", {"a": 3}.get)
    assert state.changes(HERE.at(1))[-1].key == state_module.POSITION


def test_an_artwork_keeps_the_first_ordinal_that_it_was_given(state: State) -> None:
    assert state.pin("a", NOWHERE) is None
    assert state.pin("a", {"a": 3}.get) == 3
    assert state.pin("a", {"a": 4}.get) == 3
    commit(state, 1)
    again = reloaded(state)
    assert again.pin("a", NOWHERE) == 3
    assert again.pin("a", {"a": 5}.get) == 3
    assert again.pin("b", {"b": 0}.get) == 0


def test_keys_of_users_pins_and_the_position_never_collide(state: State) -> None:
    for name in ("o", "p", "b", "a", "0"):
        state.pin(name, ord)
        state.user(name).seen.add("x", None)
        state.user(name).seen_changed()
    commit(state, 5)
    again = reloaded(state)
    assert again.position == HERE.at(5)
    assert all(again.pin(name, NOWHERE) == ord(name) for name in ("o", "p", "b", "a", "0"))
    assert all(again.user(name).seen.uncatalogued == {"x"} for name in ("o", "p", "b", "a", "0"))


def test_large_values_are_stored_in_parts(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_values, "PART_BYTES", 64)
    many = {f"artwork-{n}": n for n in range(100)}
    accept(state, "u", START, **many)
    state.user("u").seen.uncatalogued.update(many)
    state.user("u").seen_changed()
    accept(state, "u-1", START, a=1)
    changes = commit(state, 1)
    assert len(changes) > 40
    assert all(len(change.value or b"") <= 66 for change in changes if change.key != state_module.POSITION)
    again = reloaded(state)
    assert again.user("u").bucket(START) == many
    assert again.user("u").seen.uncatalogued == set(many)
    assert again.user("u-1").bucket(START) == {"a": 1}


@pytest.mark.parametrize(
    ("horizon", "left"),
    [
        pytest.param(START - 1, 3, id="before the first boundary"),
        pytest.param(START, 3, id="at the first window's start"),
        pytest.param(START + W - 1, 3, id="a ms before its end"),
        pytest.param(START + W, 2, id="at its end"),
        pytest.param(START + 2 * W - 1, 2, id="a ms before the second one's end"),
        pytest.param(START + 2 * W, 1, id="at the second one's end"),
        pytest.param(START + 9 * W, 0, id="far behind all"),
        pytest.param(-1, 3, id="before the epoch"),
    ],
)
def test_a_sweep_deletes_windows_that_end_at_or_before_the_horizon(state: State, horizon: int, left: int) -> None:
    for n in range(3):
        accept(state, "u", START + n * W, a=n)
    commit(state, 1)
    commit(state, 2, horizon)
    assert len(windows(state)) == left
    kept = [n for n in range(3) if reloaded(state).user("u").bucket(START + n * W)]
    assert kept == list(range(3))[3 - left :] == [n for n in range(3) if state.user("u").bucket(START + n * W)]


def test_a_sweep_writes_tombstones(state: State) -> None:
    accept(state, "u", START, a=1)
    commit(state, 1)
    tombstones = [change for change in commit(state, 2, START + W) if change.value is None]
    assert [(change.table, change.key[8:]) for change in tombstones] == [(Table.WINDOWS, b"u")]
    assert len(commit(state, 3, START + W)) == 1, "nothing but the position"


def test_a_sweep_is_spread_over_chunks(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_module, "SWEPT_PER_CHUNK", 2)
    for n in range(5):
        accept(state, f"u{n}", START, a=n)
    commit(state, 1)
    left = []
    for chunk in range(4):
        commit(state, 2 + chunk, START + W)
        left.append(len(windows(state)))
    assert left == [3, 1, 0, 0]


def test_an_old_window_written_after_its_sweep_is_swept_with_the_next_one(state: State) -> None:
    accept(state, "u", START + W, a=1)
    commit(state, 1, START + W)
    accept(state, "u", START, b=1)
    commit(state, 2, START + W)
    assert len(windows(state)) == 2
    commit(state, 3, START + 2 * W)
    assert windows(state) == []


def test_a_large_window_is_swept_whole_whatever_the_order_of_events(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(large_values, "PART_BYTES", 16)
    monkeypatch.setattr(state_module, "SWEPT_PER_CHUNK", 2)
    accept(state, "u", START, **{f"artwork-{n}": n for n in range(20)})
    commit(state, 1)
    commit(state, 2, START + W)  # the head and one part
    accept(state, "u", START, **{f"new-{n}": n for n in range(20)})
    commit(state, 3, START + W)  # parts of the old value are deleted, those of the new one stay
    assert reloaded(state).user("u").bucket(START) == {f"new-{n}": n for n in range(20)}
    for chunk in range(40):
        commit(state, 4 + chunk, START + 2 * W)
    assert windows(state) == []


def test_caches_keep_everything_that_the_store_does_not_have_yet(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_module, "CACHED", 2)
    for n in range(10):
        accept(state, f"u{n}", START, a=n)
        state.user(f"u{n}").seen.add("a", n)
        state.user(f"u{n}").seen_changed()
        if n % 3 == 0:
            commit(state, n)
    commit(state, 10)
    assert [state.user(f"u{n}").bucket(START)["a"] for n in range(10)] == list(range(10))
    assert [list(state.user(f"u{n}").seen.ordinals) for n in range(10)] == [[n] for n in range(10)]


class Counting:
    """A store that counts its reads."""

    def __init__(self, store: Store) -> None:
        self._store, self.asked = store, 0

    def get(self, key: bytes) -> bytes | None:
        self.asked += 1
        return self._store.get(key)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def test_a_window_later_than_all_written_ones_is_not_read_from_the_store(state: State) -> None:
    accept(state, "u", START, a=1)
    commit(state, 1)
    again = reloaded(state)
    again.store = counting = Counting(again.store)
    user = again.user("u")
    asked = counting.asked
    assert user.bucket(START + W) == {}
    assert counting.asked == asked
    assert user.bucket(START) == {"a": 1}
    assert user.bucket(START - W) == {}
    assert counting.asked == asked + 2


def test_buckets_that_left_the_cache_are_read_again(state: State) -> None:
    for n in range(10):
        accept(state, "u", START + n * W, **{f"a{n}": n})
        commit(state, n + 1)
    user = state.user("u")
    assert len(user.buckets) <= state_module.CACHED_BUCKETS
    assert [user.bucket(START + n * W) for n in range(10)] == [{f"a{n}": n} for n in range(10)]


def test_a_user_who_is_read_again_has_the_windows_written_meanwhile(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_module, "CACHED", 1)
    for n in range(6):
        for name in ("u", "v", "w"):
            accept(state, name, START + n * W, **{f"a{n}": n})
            commit(state, 3 * n)
    assert [state.user("u").bucket(START + n * W) for n in range(6)] == [{f"a{n}": n} for n in range(6)]
