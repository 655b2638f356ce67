"""The state of a partition is the same on every store: what was written is read back, and sweeps delete windows."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pyroaring import BitMap
from sortedcontainers import SortedSet

from streams.core.catalogue import Catalogue
from streams.core.seen import Seen
from streams.errors import StateUnreadableError
from streams.state import partition_state as state_module
from streams.state import segments
from streams.state.partition_state import Change, State, Table, to_store
from streams.state.position import Position
from streams.state.store import Store
from tests.support.flushes import catalogue_of
from tests.support.stores import KINDS, opener

W = 600_000
START = 1_732_431_600_000
HERE = Position("topic-1", 0, W, 4)
CATALOGUE = catalogue_of(**{name: {"pool_id": "p", "ordinal": ord(name)} for name in "opba0"})


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


def commit(state: State, next_offset: int, swept: int = 0) -> list[Change]:
    """Write the changes of a chunk, as the worker does; return them."""
    assert state.position is not None
    position = state.position.at(next_offset, swept=swept)
    changes = state.changes(position)
    state.store.write(to_store(changes))
    state.written(position)
    return changes


def reloaded(state: State, catalogue: Catalogue = CATALOGUE) -> State:
    """Return another state over the same store, as the next process has it."""
    again = State(state.store)
    again.load(catalogue)
    return again


def accept(state: State, user_id: str, start: int, **artworks: int) -> None:
    """Put accepted impressions into a bucket: by artwork, ms after the start of the window."""
    for artwork_id, offset in artworks.items():
        state.user(user_id).accept(start, artwork_id, offset)


def windows(state: State) -> list[bytes]:
    return list(state.store.keys(b"w", b"x"))


def test_an_empty_store_has_no_position_and_no_state(store: Store) -> None:
    state = State(store)
    state.load(CATALOGUE)
    assert state.position is None
    assert state.user("u").times(START) == {}
    assert state.user("u").times(-W) == {}
    assert state.user("u").seen.uncatalogued == set()
    assert list(state.ordinals.used) == []


def test_buckets_seen_artworks_and_the_position_are_read_back(state: State) -> None:
    accept(state, "u", START, a=1)
    accept(state, "u", START + W, a=2, b=3)
    accept(state, "v", START, a=4)
    state.user("u").see("a", ord("a"))
    state.user("u").see("b", None)
    commit(state, 18)
    again = reloaded(state)
    assert again.position == HERE.at(18)
    assert again.user("u").times(START) == {"a": 1}
    assert again.user("u").times(START + W) == {"a": 2, "b": 3}
    assert again.user("v").times(START) == {"a": 4}
    assert list(again.user("u").seen.ordinals) == [ord("a")]
    assert again.user("u").seen.uncatalogued == {"b"}
    assert again.user("v").seen.uncatalogued == set()


def test_only_what_changed_is_written_and_only_once(state: State) -> None:
    accept(state, "u", START, a=1)
    state.user("u").times(START + W)
    assert state.user("u").seen == Seen()
    changes = commit(state, 1)
    assert [change.table for change in changes] == [Table.WINDOWS, Table.COVERAGE]
    assert [change.key for change in commit(state, 2)] == [state_module.POSITION]


def test_the_position_is_the_last_change(state: State) -> None:
    accept(state, "u", START, a=1)
    state.user("u").see("a", ord("a"))
    assert state.changes(HERE.at(1))[-1].key == state_module.POSITION


def test_keys_of_users_ordinals_and_the_position_never_collide(state: State) -> None:
    for name in ("o", "p", "b", "a", "0", "u"):
        state.user(name).see("x", None)
        state.user(name).see("a", ord("a"))
    commit(state, 5)
    again = reloaded(state)
    assert again.position == HERE.at(5)
    assert list(again.ordinals.used) == [ord("a")]
    assert all(again.user(name).seen == Seen(BitMap([ord("a")]), {"x"}) for name in ("o", "p", "b", "a", "0", "u"))


def test_only_the_last_segment_is_written_again(state: State) -> None:
    ids = [f"artwork-{n:04}" for n in range(400)]
    written = 0
    for n, artwork_id in enumerate(ids):
        accept(state, "u", START, **{artwork_id: n})
        state.user("u").see(artwork_id, None)
        accept(state, "u-1", START, a=1) if not n else None
        changes = [change for change in commit(state, n) if change.key != state_module.POSITION]
        written += sum(len(change.value or b"") for change in changes)
        assert len(changes) <= 4
    assert written < 400 * 2 * (segments.CLOSED_AT // 2 + 50)
    again = reloaded(state)
    assert again.user("u").times(START) == {artwork_id: n for n, artwork_id in enumerate(ids)}
    assert again.user("u").seen.uncatalogued == set(ids)
    assert again.user("u-1").times(START) == {"a": 1}


def test_a_flush_of_a_user_is_two_changes(state: State) -> None:
    for n in range(60):
        accept(state, "u", START, **{f"artwork-{n}-{k}": k for k in range(10)})
        for k in range(10):
            state.user("u").see(f"artwork-{n}-{k}", None)
        assert len(commit(state, n)) == 3, "a window, what the user has seen, the position"


def test_no_segment_is_larger_than_a_record_may_be(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "LARGEST", 64)
    monkeypatch.setattr(segments, "CLOSED_AT", 16)
    many = {f"artwork-{n}": n for n in range(100)}
    for part in (many, {f"more-{n}": n for n in range(100)}):
        accept(state, "u", START, **part)
        for artwork_id in part:
            state.user("u").see(artwork_id, None)
        changes = commit(state, 1)
        assert len(changes) > 30
        assert all(len(change.value or b"") <= 65 for change in changes if change.key != state_module.POSITION)
    again = reloaded(state)
    assert len(again.user("u").times(START)) == 200
    assert again.user("u").seen.uncatalogued == set(again.user("u").times(START))


@pytest.mark.parametrize("lost", [1, 9])
def test_a_segment_that_is_missing_is_not_taken_for_the_end(state: State, lost: int) -> None:
    for n in range(300):
        state.user("u").see(f"artwork-{n}", None)
        commit(state, n)
    state.store.write([(segments.key_of(b"cu", lost), None)])
    with pytest.raises(StateUnreadableError, match=f"segment {lost} .* is missing"):
        reloaded(state).user("u")


@pytest.mark.parametrize(
    ("swept", "left"),
    [
        pytest.param(0, 3, id="nothing"),
        pytest.param(START, 3, id="at the first window's start"),
        pytest.param(START + W, 2, id="at its end"),
        pytest.param(START + 2 * W, 1, id="at the second one's end"),
        pytest.param(START + 9 * W, 0, id="far after all"),
    ],
)
def test_a_sweep_deletes_windows_that_start_before_it(state: State, swept: int, left: int) -> None:
    for n in range(3):
        accept(state, "u", START + n * W, a=n)
    commit(state, 1)
    commit(state, 2, swept)
    assert len(windows(state)) == left
    again = reloaded(state)
    assert again.position == HERE.at(2, swept=swept)
    assert [n for n in range(3) if again.user("u").times(START + n * W)] == list(range(3))[3 - left :]


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


def test_sweeps_keep_up_with_chunks_full_of_new_users(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_module, "SWEPT_PER_CHUNK", 2)
    for chunk in range(12):
        for n in range(20):
            accept(state, f"u{chunk}-{n}", START + chunk * W, a=n)
        commit(state, chunk, START + (chunk - 2) * W)
        assert len(windows(state)) <= 3 * 20


def test_a_window_before_the_sweep_is_not_written(state: State) -> None:
    accept(state, "u", START, a=1)
    accept(state, "u", START + W, a=1)
    changes = commit(state, 1, START + W)
    assert [change.key[8:] for change in changes if change.table is Table.WINDOWS] == [b"u"]
    assert len(windows(state)) == 1


def test_a_large_window_is_swept_whole(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "LARGEST", 16)
    monkeypatch.setattr(segments, "CLOSED_AT", 8)
    monkeypatch.setattr(state_module, "SWEPT_PER_CHUNK", 2)
    accept(state, "u", START, **{f"artwork-{n}": n for n in range(20)})
    commit(state, 1)
    for chunk in range(20):
        commit(state, 2 + chunk, START + W)
    assert windows(state) == []


class Walked:
    """A store that keeps deleted keys, as RocksDB does until a compaction, and counts the keys that listings pass."""

    def __init__(self, store: Store) -> None:
        self._store, self._keys, self.walked = store, SortedSet(), 0

    def write(self, changes: Iterable[tuple[bytes, bytes | None]]) -> None:
        changes = list(changes)
        self._keys.update(key for key, _ in changes)
        self._store.write(changes)

    def keys(self, start: bytes, stop: bytes) -> Iterator[bytes]:
        for key in list(self._keys.irange(start, stop, inclusive=(True, False))):
            self.walked += 1
            if self._store.get(key) is not None:
                yield key

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def test_a_sweep_never_walks_its_own_tombstones(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_module, "SWEPT_PER_CHUNK", 10)
    walked = Walked(store)
    state = State(walked)
    state.position = HERE
    for n in range(500):
        accept(state, f"u{n}", START, a=1)
    commit(state, 1)
    walked.walked = 0
    for chunk in range(51):
        commit(state, 2 + chunk, START + W)
    assert windows(state) == []
    assert walked.walked <= 500 + 500, "each key once by a sweep, and once by this test"


def test_caches_keep_everything_that_the_store_does_not_have_yet(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_module, "CACHE_BYTES", 2 * state_module.USER_BYTES)
    for n in range(10):
        accept(state, f"u{n}", START, a=n)
        state.user(f"u{n}").see(f"a{n}", None)
        if n % 3 == 0:
            commit(state, n)
    commit(state, 10)
    assert [state.user(f"u{n}").times(START)["a"] for n in range(10)] == list(range(10))
    assert [state.user(f"u{n}").seen.uncatalogued for n in range(10)] == [{f"a{n}"} for n in range(10)]


def test_the_cache_is_bounded_in_bytes_and_drops_the_least_recently_used(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_module, "CACHE_BYTES", 10 * state_module.USER_BYTES)
    state = State(counting := Counting(store))
    state.position = HERE
    for n in range(5):
        state.user(f"u{n}").see("a", None)
        commit(state, n)
    for n in range(2_000):
        state.user("much").see(f"artwork-{n}", None)
    commit(state, 6)
    assert state.cached_bytes == 0, "one user who is larger than the cache is not kept, nor are those before"
    for n in (0, 1, 2, 3, 4, 0):
        state.user(f"u{n}").see("b" if n else f"c{counting.asked}", None)
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
    again = State(counting := Counting(state.store))
    again.load(CATALOGUE)
    user = again.user("u")
    asked = counting.asked
    assert user.times(START + W) == {}
    assert counting.asked == asked
    assert user.times(START) == {"a": 1}
    assert user.times(START - W) == {}
    assert counting.asked == asked + 2


def test_buckets_that_left_the_cache_are_read_again(state: State) -> None:
    for n in range(10):
        accept(state, "u", START + n * W, **{f"a{n}": n})
        commit(state, n + 1)
    user = state.user("u")
    assert user.bytes < state_module.USER_BYTES + 1_000
    assert [user.times(START + n * W) for n in range(10)] == [{f"a{n}": n} for n in range(10)]


def test_a_user_who_is_read_again_has_the_windows_written_meanwhile(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_module, "CACHE_BYTES", state_module.USER_BYTES)
    for n in range(6):
        for name in ("u", "v", "w"):
            accept(state, name, START + n * W, **{f"a{n}": n})
            commit(state, 3 * n)
    assert [state.user("u").times(START + n * W) for n in range(6)] == [{f"a{n}": n} for n in range(6)]
