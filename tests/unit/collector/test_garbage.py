"""When the collector collects its garbage."""

import gc
from collections.abc import Iterator

import pytest

from streams.collector import garbage
from streams.collector.garbage import IDLE_SECONDS, Garbage


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(garbage, "MANY", 1_000)
    monkeypatch.setattr(garbage, "TOO_MANY", 10_000)
    yield
    gc.unfreeze()
    gc.enable()


def test_it_is_collected_when_idle_and_otherwise_only_if_there_is_too_much() -> None:
    found = Garbage()
    found.begin()
    assert not gc.isenabled()
    assert gc.get_freeze_count() > 0
    assert not found.tick(0.0, idle=True), "hardly anything was made yet"
    kept = [[] for _ in range(2_000)]  # type: ignore[var-annotated]
    assert not found.tick(1.0, idle=False), "requests are being answered"
    assert found.tick(1.0, idle=True)
    assert not found.tick(2.0, idle=True), "hardly anything was made since"
    kept += [[] for _ in range(20_000)]
    assert found.tick(3.0, idle=False), "it can't wait any longer"
    assert found.collections == 2
    assert kept


def test_it_is_collected_now_and_then_even_if_little_is_made() -> None:
    found = Garbage()
    found.begin()
    found.tick(0.0, idle=True)
    kept = [[] for _ in range(100)]  # type: ignore[var-annotated]
    assert not found.tick(IDLE_SECONDS - 1, idle=True)
    assert found.tick(IDLE_SECONDS, idle=True)
    assert kept
