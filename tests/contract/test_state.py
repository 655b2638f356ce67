"""The state of a partition is the same on every store: what was written is read back, and only once written."""

import pytest
from pyroaring import BitMap

from streams.core.seen import Seen
from streams.errors import StateUnreadableError
from streams.state import partition_state as state_module
from streams.state import segments
from streams.state.partition_state import State, Table
from streams.state.store import Store
from tests.support.states import CATALOGUE, HERE, START, W, accept, commit, reloaded


def test_an_empty_store_has_no_position_and_no_state(store: Store) -> None:
    state = State(store)
    state.load(CATALOGUE)
    assert state.position is None
    assert state.user("u").bucket(START).times() == {}
    assert state.user("u").bucket(-W).times() == {}
    assert state.user("u").seen.uncatalogued == set()
    assert list(state.ordinals.used) == []


def test_buckets_seen_artworks_and_the_position_are_read_back(state: State) -> None:
    accept(state, "u", START, a=1)
    accept(state, "u", START + W, a=2, b=3)
    accept(state, "v", START, a=4)
    state.user("u").seen.add("a", ord("a"))
    state.user("u").seen.add("b", None)
    commit(state, 18)
    again = reloaded(state)
    assert again.position == HERE.at(18)
    assert again.user("u").bucket(START).times() == {"a": 1}
    assert again.user("u").bucket(START + W).times() == {"a": 2, "b": 3}
    assert again.user("v").bucket(START).times() == {"a": 4}
    assert list(again.user("u").seen.ordinals) == [ord("a")]
    assert again.user("u").seen.uncatalogued == {"b"}
    assert again.user("v").seen.uncatalogued == set()


def test_only_what_changed_is_written_and_only_once(state: State) -> None:
    accept(state, "u", START, a=1)
    state.user("u").bucket(START + W).times()
    assert state.user("u").seen == Seen()
    changes = commit(state, 1)
    assert [change.table for change in changes] == [Table.WINDOWS, Table.COVERAGE]
    assert [change.key for change in commit(state, 2)] == [state_module.POSITION]


def test_the_position_is_the_last_change(state: State) -> None:
    accept(state, "u", START, a=1)
    state.user("u").seen.add("a", ord("a"))
    assert state.changes(HERE.at(1))[-1].key == state_module.POSITION


def test_keys_of_users_ordinals_and_the_position_never_collide(state: State) -> None:
    for name in ("o", "p", "b", "a", "0", "u"):
        state.user(name).seen.add("x", None)
        state.user(name).seen.add("a", ord("a"))
    commit(state, 5)
    again = reloaded(state)
    assert again.position == HERE.at(5)
    assert list(again.ordinals.used) == [ord("a")]
    assert all(again.user(name).seen == Seen(BitMap([ord("a")]), {"x"}) for name in ("o", "p", "b", "a", "0", "u"))


def test_only_the_last_segment_is_written_again(state: State) -> None:
    ids = [f"artwork-{n:04}" for n in range(400)]
    written = 0
    accept(state, "u-1", START, a=1)
    for n, artwork_id in enumerate(ids):
        accept(state, "u", START, **{artwork_id: n})
        state.user("u").seen.add(artwork_id, None)
        changes = [change for change in commit(state, n) if change.key != state_module.POSITION]
        written += sum(len(change.value or b"") for change in changes)
        assert len(changes) <= 4
    assert written < 400 * 2 * (segments.CLOSED_AT // 2 + 50)
    again = reloaded(state)
    assert again.user("u").bucket(START).times() == {artwork_id: n for n, artwork_id in enumerate(ids)}
    assert again.user("u").seen.uncatalogued == set(ids)
    assert again.user("u-1").bucket(START).times() == {"a": 1}


def test_a_flush_of_a_user_is_two_changes(state: State) -> None:
    for n in range(60):
        accept(state, "u", START, **{f"artwork-{n}-{k}": k for k in range(10)})
        for k in range(10):
            state.user("u").seen.add(f"artwork-{n}-{k}", None)
        assert len(commit(state, n)) == 3, "a window, what the user has seen, the position"


def test_no_segment_is_larger_than_a_record_may_be(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "LARGEST", 64)
    monkeypatch.setattr(segments, "CLOSED_AT", 16)
    many = {f"artwork-{n}": n for n in range(100)}
    for part in (many, {f"more-{n}": n for n in range(100)}):
        accept(state, "u", START, **part)
        for artwork_id in part:
            state.user("u").seen.add(artwork_id, None)
        changes = commit(state, 1)
        assert len(changes) > 30
        assert all(len(change.value or b"") <= 65 for change in changes if change.key != state_module.POSITION)
    again = reloaded(state)
    assert len(again.user("u").bucket(START).times()) == 200
    assert again.user("u").seen.uncatalogued == set(again.user("u").bucket(START).times())


@pytest.mark.parametrize("lost", [1, 9])
def test_a_segment_that_is_missing_is_not_taken_for_the_end(state: State, lost: int) -> None:
    for n in range(300):
        state.user("u").seen.add(f"artwork-{n}", None)
        commit(state, n)
    state.store.write([(segments.key_of(b"cu", lost), None)])
    with pytest.raises(StateUnreadableError, match=f"segment {lost} .* is missing"):
        reloaded(state).user("u")
