"""The metrics of the catalogue: set once for each batch, and only for what changed in it."""

from typing import Any

import orjson
import pytest
from confluent_kafka import Message

from streams.core.catalogue import Catalogue, Pool
from streams.metrics import catalogue as metrics
from streams.settings import Settings
from streams.worker import catalogue as worker_catalogue
from streams.worker.catalogue import CatalogueFollower


@pytest.fixture
def follower(monkeypatch: pytest.MonkeyPatch) -> CatalogueFollower:
    """A follower that has not been told to read anything."""
    monkeypatch.setattr(worker_catalogue, "Sources", lambda *_: None)
    monkeypatch.setattr(metrics, "_pools", set())
    monkeypatch.setattr(metrics.pool_artworks, "_metrics", {})
    return CatalogueFollower(Settings.model_validate({"kafka_bootstrap": "127.0.0.1:1"}))


def records(*pairs: tuple[str, dict[str, Any] | None]) -> list[Message]:
    return [
        Message(topic="artworks.v1", key=key.encode(), value=None if value is None else orjson.dumps(value))
        for key, value in pairs
    ]


def artwork(number: int, pool: str, **more: Any) -> tuple[str, dict[str, Any]]:
    return f"a{number}", {"pool_id": pool, "ordinal": number, **more}


def sizes() -> dict[str, float]:
    (family,) = metrics.pool_artworks.collect()
    return {sample.labels["pool"]: sample.value for sample in family.samples}


def test_pools_beyond_the_labels_share_one(follower: CatalogueFollower) -> None:
    follower._apply(records(*(artwork(n, f"p{n % 200}") for n in range(1_000))))
    shown = sizes()
    assert len(shown) == metrics.POOLS + 1
    assert sum(shown.values()) == 1_000
    assert shown[metrics.OTHER] == 5 * (200 - metrics.POOLS)
    assert metrics.catalogue_artworks._value.get() == 1_000
    labelled = next(pool for pool in shown if pool != metrics.OTHER)
    unlabelled = next(pool for pool in (f"p{n}" for n in range(200)) if pool not in shown)
    moved = int(labelled[1:])
    follower._apply(records(artwork(moved, unlabelled), (f"a{int(unlabelled[1:])}", None)))
    assert sizes() == shown | {labelled: 4}


def test_a_pool_that_is_called_other_is_one_of_the_others(follower: CatalogueFollower) -> None:
    follower._apply(records(artwork(0, "other"), artwork(1, "p"), artwork(2, "other")))
    assert sizes() == {"other": 2, "p": 1}


def test_a_batch_looks_only_at_the_pools_that_it_changes(
    follower: CatalogueFollower, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower._apply(records(*(artwork(n, f"p{n}") for n in range(50))))
    looked, pool_of_catalogue = list[str](), Catalogue.pool

    def look(catalogue: Catalogue, pool_id: str) -> Pool:
        looked.append(pool_id)
        return pool_of_catalogue(catalogue, pool_id)

    monkeypatch.setattr(Catalogue, "pool", look)
    follower._apply(records(artwork(7, "p7", retired=True)))
    follower._apply(records(artwork(7, "p7", retired=True)))
    assert looked == ["p7"]


def test_a_refused_record_is_counted(follower: CatalogueFollower) -> None:
    before = metrics.catalogue_refused._value.get()
    follower._apply(records(artwork(1, "p"), ("b", {"pool_id": "p", "ordinal": 1}), ("a b", None)))
    assert metrics.catalogue_refused._value.get() == before + 2
