"""The catalogue's follower: it waits visibly, and sets metrics once a batch, only for what changed in it."""

import asyncio
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
import structlog
from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from streams.core.catalogue import Catalogue, Pool
from streams.metrics import catalogue as metrics
from streams.settings import Settings
from streams.worker import catalogue as worker_catalogue
from streams.worker.catalogue import CatalogueFollower


@pytest.fixture
def follower(monkeypatch: pytest.MonkeyPatch) -> CatalogueFollower:
    """A follower without a broker."""
    for name in ("Sources", "reader"):
        monkeypatch.setattr(worker_catalogue, name, lambda *_, **__: None)
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

    def look(catalogue: Catalogue, pool_id: str) -> Pool | None:
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


Polls = Iterator[tuple[list[Message], int]]


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no time pass between two lines of the log, nor between two attempts."""
    for name in ("PROGRESS_SECONDS", "RETRY_SECONDS", "PATIENCE_SECONDS"):
        monkeypatch.setattr(worker_catalogue, name, 0.0)


def read(monkeypatch: pytest.MonkeyPatch, *attempts: Polls) -> list[int]:
    """Let each attempt to load read these polls; return the offsets at which they began, one for each."""
    begun, left = list[int](), iter(attempts)

    def up_to(_: object, start: TopicPartition, *__: object) -> Polls:
        begun.append(start.offset)
        return next(left)

    monkeypatch.setattr(worker_catalogue, "up_to", up_to)
    return begun


def nothing(at: int) -> Polls:
    while True:
        yield [], at


def lost() -> Polls:
    yield [], 3
    raise KafkaException(KafkaError(KafkaError._AUTO_OFFSET_RESET))


def some(*found: Message) -> Polls:
    yield list(found), 9


@pytest.mark.usefixtures("at_once")
def test_a_load_that_stands_still_asks_again_where_the_topic_begins(
    follower: CatalogueFollower, monkeypatch: pytest.MonkeyPatch
) -> None:
    lows = iter([3, 4, 7])
    monkeypatch.setattr(worker_catalogue, "watermarks", lambda *_: (next(lows), 9))
    begun = read(monkeypatch, nothing(3), lost(), some(*records(artwork(1, "p"))))
    with structlog.testing.capture_logs() as logged:
        follower.load()
    assert begun == [3, 4, 7]
    assert len(follower.catalogue) == 1
    late = [each for each in logged if each["event"] == "catalogue_begins_late"]
    assert [each["first_offset"] for each in late] == [3, 4, 7]
    assert [each["offset"] for each in logged if "offset" in each] == [3, 3, 9]


@pytest.mark.usefixtures("at_once")
def test_a_broker_that_is_away_is_waited_for_with_a_line_in_the_log(
    follower: CatalogueFollower, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: Iterator[object] = iter([KafkaError(KafkaError._TIMED_OUT), KafkaError(KafkaError._TRANSPORT), (0, 9)])

    def watermarks(*_: object) -> object:
        if isinstance(answer := next(answers), KafkaError):
            raise KafkaException(answer)
        return answer

    monkeypatch.setattr(worker_catalogue, "watermarks", watermarks)
    read(monkeypatch, some(*records(artwork(1, "p"))))
    with structlog.testing.capture_logs() as logged:
        follower.load()
    assert ["waiting_for" in each for each in logged] == [True, True, False, False]
    assert (logged[-1]["event"], logged[-1]["artworks"]) == ("catalogue_loaded", 1)


def test_an_error_that_waiting_does_not_mend_ends_the_load(
    follower: CatalogueFollower, monkeypatch: pytest.MonkeyPatch
) -> None:
    def watermarks(*_: object) -> object:
        raise KafkaException(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED))

    monkeypatch.setattr(worker_catalogue, "watermarks", watermarks)
    with pytest.raises(KafkaException, match="TOPIC_AUTHORIZATION_FAILED"):
        follower.load()


def test_a_defect_while_records_are_applied_ends_the_worker(
    follower: CatalogueFollower, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On an event loop, which would log the error and go on without the records.
    ended, defect = list[BaseException](), RuntimeError("a defect")

    def apply(*_: object) -> None:
        raise defect

    async def run() -> None:
        loop = asyncio.get_running_loop()
        await asyncio.to_thread(follower._apply_on, loop, records(artwork(1, "p")), ended.append)

    monkeypatch.setattr(follower.catalogue, "apply", apply)
    asyncio.run(run())
    assert ended == [defect]
