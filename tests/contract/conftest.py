"""Both stores, and a state at its first position in each."""

from pathlib import Path

import pytest

from streams.state.partition_state import State
from streams.state.store import Store
from tests.support.states import HERE, commit, reloaded
from tests.support.stores import KINDS, opener


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
