"""What a process forgot to close is closed together, by the process that made it."""

import os

import pytest

from impression_streams.at_exit import EXIT_SECONDS, Open


class Forgotten:
    def __init__(self, name: str, calls: list[str]) -> None:
        self._name, self._calls = name, calls

    def begin_close_at_exit(self, seconds: float) -> None:
        assert seconds == EXIT_SECONDS
        self._calls.append(f"begin {self._name}")

    def finish_close_at_exit(self) -> None:
        self._calls.append(f"finish {self._name}")


def test_all_producers_share_one_time_out() -> None:
    calls: list[str] = []
    producers = Open()
    for name in "abc":
        producers.add(Forgotten(name, calls))
    producers.close_all()
    assert calls == ["begin a", "begin b", "begin c", "finish a", "finish b", "finish c"]


def test_one_that_was_closed_is_forgotten() -> None:
    calls: list[str] = []
    producers, closed = Open(), Forgotten("closed", calls)
    producers.add(closed)
    producers.add(Forgotten("other", calls))
    producers.remove(closed)
    producers.remove(closed)
    producers.close_all()
    assert calls == ["begin other", "finish other"]


def test_a_process_that_was_forked_closes_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    producers = Open()
    producers.add(Forgotten("parent", calls))
    monkeypatch.setattr(os, "getpid", lambda: -1)
    producers.close_all()
    assert calls == []
    producers.add(Forgotten("child", calls))
    producers.close_all()
    assert calls == ["begin child", "finish child"]
