"""How far the local store follows its changelogs."""

import pytest

from streams.state.checkpoint import TRUSTED_SECONDS, Checkpoint
from streams.state.memory import MemoryStore

NOW = 1_732_431_600.5


def test_an_empty_store_has_read_nothing() -> None:
    checkpoint = Checkpoint.read(MemoryStore())
    assert checkpoint.offset("w") == 0
    assert not checkpoint.is_older_than_tombstones(NOW)


def test_a_checkpoint_is_written_with_the_batch_and_read_back() -> None:
    store, checkpoint = MemoryStore(), Checkpoint()
    store.write([checkpoint.advance({"w": 7}, NOW)])
    store.write([checkpoint.advance({"c": 9}, NOW + 1)])
    found = Checkpoint.read(store)
    assert (found.offset("w"), found.offset("c"), found.offset("another")) == (7, 9, 0)
    assert found.written_at == NOW + 1


@pytest.mark.parametrize(("age", "older"), [(0.0, False), (TRUSTED_SECONDS, False), (TRUSTED_SECONDS + 1, True)])
def test_a_store_that_was_not_updated_may_have_missed_tombstones(age: float, older: bool) -> None:
    checkpoint = Checkpoint()
    checkpoint.advance({"w": 1}, NOW)
    assert checkpoint.is_older_than_tombstones(NOW + age) == older
