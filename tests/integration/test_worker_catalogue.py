"""The catalogue's topic as accidents leave it: cut at its beginning, re-created; and a source with producers' time."""

import asyncio
import threading
from collections.abc import Callable, Iterator

import pytest
import structlog
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from streams.errors import Kind, UserError
from streams.kafka.admin import admin
from streams.kafka.append_time import WHOSE, require_append_time
from streams.kafka.errors import kind
from streams.kafka.names import ARTWORKS, IMPRESSIONS
from streams.runtime.exit import EXIT_CONFIG, EXIT_RESTART
from streams.settings import Settings
from streams.worker.catalogue import CatalogueFollower
from tests.support import topics
from tests.support.kafka import start_broker, stop_broker
from tests.support.stack import produce_catalogue, provision_log, stack_settings
from tests.support.wait import until
from tests.support.worker import WorkerProcess

pytestmark = pytest.mark.integration

SECONDS = 60.0


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A provisioned broker of this file's own: it deletes from the catalogue."""
    settings = stack_settings(tmp_path_factory.mktemp("catalogue"))
    try:
        start_broker(settings)
        provision_log(settings)
        yield settings
    finally:
        stop_broker(settings)


@pytest.fixture
def fresh(settings: Settings) -> Settings:
    """The same, with an empty catalogue."""
    topics.delete(settings, ARTWORKS)
    provision_log(settings)
    return settings


def artworks(settings: Settings, name: str, first: int, count: int) -> None:
    produce_catalogue(settings, ((f"{name}{n}", {"pool_id": "p", "ordinal": first + n}) for n in range(count)))


def cut(settings: Settings, before: int) -> None:
    """Delete the first records. The broker refuses that of a topic that is only compacted."""
    topics.configure(settings, ARTWORKS, "cleanup.policy", "compact,delete")
    client = AdminClient({"bootstrap.servers": settings.kafka_bootstrap})
    client.delete_records([TopicPartition(ARTWORKS, 0, before)])[TopicPartition(ARTWORKS, 0)].result(SECONDS)


def loaded(settings: Settings) -> tuple[int, list[str]]:
    """Return the number of artworks that a follower loads, and what it logs."""
    follower, events = CatalogueFollower(settings), list[str]()

    def load() -> None:
        with structlog.testing.capture_logs() as logged:
            follower.load()
        events.extend(each["event"] for each in logged)

    in_time(load)
    return len(follower.catalogue), events


def in_time(work: Callable[[], None]) -> None:
    """Run something that must end by itself."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    until(lambda: not thread.is_alive(), SECONDS, "the catalogue is loaded")


def test_a_catalogue_without_its_beginning_is_loaded_and_says_so(fresh: Settings) -> None:
    artworks(fresh, "a", 0, 10)
    assert loaded(fresh) == (10, ["catalogue_loaded"])
    cut(fresh, 4)
    assert loaded(fresh) == (6, ["catalogue_begins_late", "catalogue_loaded"])
    cut(fresh, 10)
    assert loaded(fresh) == (0, ["catalogue_begins_late", "catalogue_loaded"])
    artworks(fresh, "b", 10, 3)
    assert loaded(fresh) == (3, ["catalogue_begins_late", "catalogue_loaded"])


def test_an_open_transaction_at_the_end_holds_nothing_up(fresh: Settings) -> None:
    artworks(fresh, "a", 0, 2)
    hung = Producer({"bootstrap.servers": fresh.kafka_bootstrap, "transactional.id": "hung"})
    hung.init_transactions()
    hung.begin_transaction()
    hung.produce(ARTWORKS, b'{"pool_id":"p","ordinal":2}', "open", partition=0)
    hung.flush()
    artworks(fresh, "b", 3, 2)
    assert loaded(fresh) == (2, ["catalogue_loaded"])
    hung.abort_transaction()
    assert loaded(fresh) == (4, ["catalogue_loaded"])


def test_what_follows_is_applied_and_a_re_created_topic_ends_it(fresh: Settings) -> None:
    artworks(fresh, "a", 0, 3)
    follower, ended = CatalogueFollower(fresh), list[BaseException]()
    follower.load()

    async def follow() -> None:
        follower.follow(asyncio.get_running_loop(), ended.append)
        artworks(fresh, "b", 3, 2_000)
        await asyncio.to_thread(until, lambda: len(follower.catalogue) == 2_003, SECONDS, "all are known")
        topics.delete(fresh, ARTWORKS)
        provision_log(fresh)
        artworks(fresh, "a", 7, 3)
        await asyncio.to_thread(until, lambda: bool(ended), SECONDS, "the new topic is noticed")
        await asyncio.to_thread(follower.stop)

    asyncio.run(follow())
    # Whichever is seen first: the other id, or that the offset to read next is gone. A restarted worker looks again.
    assert kind(ended[0]) in (Kind.RESTART, Kind.WAIT)
    assert follower.catalogue.ordinal("a0") == 0


def test_a_source_with_the_producers_time_is_refused_until_it_is_provisioned(settings: Settings) -> None:
    require_append_time(admin(settings), IMPRESSIONS)
    topics.configure(settings, IMPRESSIONS, WHOSE, "CreateTime")
    with pytest.raises(UserError, match="impressions provision"):
        require_append_time(admin(settings), IMPRESSIONS)
    worker = WorkerProcess(settings)
    worker.start()
    assert worker.wait_exit() == EXIT_CONFIG
    assert "impressions.v1 has message.timestamp.type=CreateTime" in worker.output()
    provision_log(settings)
    require_append_time(admin(settings), IMPRESSIONS)


def test_a_worker_ends_when_the_catalogue_is_re_created_and_then_reads_the_new_one(fresh: Settings) -> None:
    artworks(fresh, "a", 0, 3)
    worker = WorkerProcess(fresh)
    worker.start()
    try:
        worker.wait_ready()
        topics.delete(fresh, ARTWORKS)
        provision_log(fresh)
        artworks(fresh, "b", 0, 5)
        assert worker.wait_exit() == EXIT_RESTART
        worker.start()
        worker.wait_ready()
        assert "\nimpressions_catalogue_artworks 5.0\n" in worker.metrics()
    finally:
        worker.kill()
