"""Impressions of artworks that nobody catalogued: counted, named in the log now and then, and forgotten once known."""

from typing import Any

import orjson
import pytest

from streams.core.catalogue import Catalogue
from streams.core.chunk import SourceRecord
from streams.metrics import catalogue as metrics
from streams.worker import uncatalogued
from streams.worker.uncatalogued import LOG_SECONDS, Uncatalogued
from tests.support.flushes import A, catalogue_of, decider, impression, line


class Clock:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.at = 1_000.0

    def __call__(self) -> float:
        return self.at


class Log:
    """A logger of the test's own."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def warning(self, event: str, **fields: Any) -> None:
        self.lines.append({"event": event, **fields})


def shown() -> float:
    return float(metrics.uncatalogued_artworks._value.get())


def put(catalogue: Catalogue, artwork_id: str, ordinal: int) -> None:
    catalogue.apply(artwork_id.encode(), orjson.dumps({"pool_id": "p", "ordinal": ordinal}))


def test_accepted_impressions_of_unknown_artworks_are_found_and_no_others() -> None:
    catalogue = catalogue_of(a1={"pool_id": "p", "ordinal": 1}, a2={"pool_id": "p", "ordinal": 2, "retired": True})
    seen = [
        impression(impression_id="i1", artwork_id="a1"),
        impression(impression_id="i2", artwork_id="a2"),
        impression(impression_id="i3", artwork_id="new"),
        impression(impression_id="i4", artwork_id="new"),  # a duplicate
        impression(impression_id="i5", artwork_id="new", seen_at=A - 700_000),  # a repeat
        impression(impression_id="i6", artwork_id="other", seen_at=A + 400_000),  # in the future
    ]
    outputs = decider(catalogue).decide([SourceRecord(0, A, line(impressions=seen))], now=A)
    assert outputs.summary.uncatalogued == ["new", "new"]


def test_they_are_counted_and_forgotten_once_they_are_catalogued() -> None:
    catalogue = Catalogue()
    missing, before = Uncatalogued(catalogue), metrics.worker_uncatalogued._value.get()
    missing.saw(["x", "y", "x"])
    assert shown() == 2
    put(catalogue, "y", 0)
    missing.look_again()
    assert shown() == 1
    put(catalogue, "x", 1)
    missing.look_again()
    assert shown() == 0
    assert metrics.worker_uncatalogued._value.get() - before == 3


def test_a_record_that_comes_while_the_chunk_is_committed_leaves_nothing() -> None:
    catalogue = Catalogue()
    missing = Uncatalogued(catalogue)
    put(catalogue, "x", 0)
    missing.look_again()
    missing.saw(["x"])
    assert shown() == 0


def test_the_log_names_some_at_a_bounded_rate_and_counts_all(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, logged = Clock(), Log()
    monkeypatch.setattr(uncatalogued, "logger", logged)
    missing = Uncatalogued(Catalogue(), clock)
    missing.saw(["a", "b"])
    for number in range(1_000):
        missing.saw([f"c{number}"])
    missing.saw([])
    assert len(logged.lines) == 1
    clock.at += LOG_SECONDS
    missing.saw([])
    first, second = logged.lines
    assert (first["event"], first["impressions"], first["artworks"]) == ("impressions_uncatalogued", 2, 2)
    assert first["such_as"] == ["a", "b"]
    assert (second["impressions"], second["artworks"], len(second["such_as"])) == (1_000, 1_002, 3)


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uncatalogued, "MOST", 5)
    catalogue = Catalogue()
    missing = Uncatalogued(catalogue)
    missing.saw([f"x{n}" for n in range(100)])
    assert shown() == 5
    put(catalogue, "x0", 0)
    missing.look_again()
    missing.saw(["x50"])
    assert shown() == 5
