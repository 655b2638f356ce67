"""What `impressions status` says beside its table."""

from pathlib import Path

import pytest
from prometheus_client import generate_latest

from streams.embedded import notes
from streams.embedded.stack import Row
from streams.metrics import catalogue as metrics
from streams.settings import Settings


def row(component: str, up: bool = True) -> Row:
    return Row(component, 1 if up else None, up, "", None)


def test_artworks_that_nobody_catalogued_are_a_sentence_and_no_others_are() -> None:
    metrics.uncatalogued_artworks.set(0)
    assert notes.uncatalogued("worker-0", generate_latest(metrics.WORKER).decode()) is None
    metrics.uncatalogued_artworks.set(1_234)
    said = notes.uncatalogued("worker-0", generate_latest(metrics.WORKER).decode())
    metrics.uncatalogued_artworks.set(0)
    assert said is not None
    assert said.startswith("worker-0: 1,234 artworks are shown that nobody has catalogued")
    assert "impressions catalogue load FILE" in said


def test_only_workers_that_run_are_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = Settings.model_validate({"data_dir": tmp_path, "metrics_port": 9301})
    asked: list[int] = []

    def http_get(address: object, path: str) -> str | None:
        asked.append(address.port)  # type: ignore[attr-defined]
        return "impressions_uncatalogued_artworks 3.0\n" if len(asked) == 1 else None

    monkeypatch.setattr(notes, "http_get", http_get)
    rows = [row("kafka"), row("worker-0"), row("worker-1", up=False), row("worker-2"), row("sink-0")]
    assert len(list(notes.notes(settings, rows))) == 1
    assert asked == [9301, 9321]
