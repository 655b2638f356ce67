"""Sweeps remove the windows that only late impressions could match, at the pace at which windows are written."""

import pytest

from streams.state import partition_state as state_module
from streams.state import segments
from streams.state.partition_state import State, Table
from streams.state.store import Store
from tests.support.states import HERE, START, W, Walked, accept, commit, reloaded, windows


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
    assert [n for n in range(3) if again.user("u").bucket(START + n * W).times()] == list(range(3))[3 - left :]


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
