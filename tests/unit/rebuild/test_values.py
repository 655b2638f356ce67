"""What a rebuild writes is what the worker reads."""

import pytest

from streams.core.lines import split
from streams.rebuild.source import lines_in
from streams.rebuild.values import Values
from streams.state.memory import MemoryStore
from streams.state.partition_state import State, to_store
from tests.support.flushes import catalogue_of

ORDINALS = {f"a{n}": n for n in range(5)}


def test_a_user_is_read_back_as_they_were_written() -> None:
    values, store = Values(ORDINALS.get), MemoryStore()
    store.write(to_store([*values.user("u1", {"a1", "a3", "new"}), *values.window(600_000, "u1", {"a1": 5, "new": 7})]))
    store.write(to_store([*values.user("u2", {"a1"}), *values.ordinals()]))
    state = State(store)
    state.load(
        catalogue_of(**{artwork_id: {"pool_id": "p", "ordinal": ordinal} for artwork_id, ordinal in ORDINALS.items()})
    )
    user = state.user("u1")
    assert (set(user.seen.ordinals), user.seen.uncatalogued) == ({1, 3}, {"new"})
    assert state.read_bucket("u1", 600_000).times() == {"a1": 5, "new": 7}
    assert set(state.user("u2").seen.ordinals) == {1}


def test_ordinals_are_recorded_once() -> None:
    values = Values(ORDINALS.get)
    assert [len(list(values.user(user, {"a1", "a2", "new"}))) for user in ("u1", "u2")] == [1, 1]
    assert len(list(values.ordinals())) == 1  # a block of them


@pytest.mark.parametrize("value", [None, b"", b"\n", b"a", b"a\n", b"a\nb", b"a\n\nb\n", b"\n\n"])
def test_lines_are_counted_as_they_are_split(value: bytes | None) -> None:
    assert lines_in(value) == len(split(value))
