"""Provisioning a real broker: it does what it prints, and a second run finds nothing to do."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import StringIO

import pytest
from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic
from rich.console import Console

from streams.clickhouse.client import connect
from streams.errors import UserError
from streams.kafka.admin import describe
from streams.kafka.names import IMPRESSIONS, REJECTED, changelog
from streams.paths import project_path
from streams.provision import topics_file
from streams.provision.evidence import PartitionFound
from streams.provision.first_position import begin_missing
from streams.provision.installation import New
from streams.provision.look_logs import look_at_logs
from streams.provision.run import provision
from streams.provision.topics import existing_topics, provision_kafka
from streams.provision.topics_file import PROJECT_FILE, Topic, parse
from streams.rebuild.run import rebuild
from streams.settings import Settings
from streams.state.partition_state import BEGIN, Table
from tests.support.clickhouse import Engine, running_engine
from tests.support.kafka import running_broker
from tests.support.wait import until

SECONDS = 30.0


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with running_broker(tmp_path_factory.mktemp("broker")) as found:
        yield found


@pytest.fixture
def admin(settings: Settings) -> AdminClient:
    """A client of a broker without topics, whatever the previous test left."""
    client = AdminClient({"bootstrap.servers": settings.kafka_bootstrap})
    if names := list(existing_topics(client)):
        for future in client.delete_topics(names).values():
            future.result(SECONDS)
    until(lambda: not set(names) & set(client.list_topics(timeout=SECONDS).topics), SECONDS, "the deletion shows")
    return client


def declared(*changes: tuple[str, str]) -> dict[str, Topic]:
    """Return the project's topics, with replacements in the file's text."""
    text = project_path(PROJECT_FILE).read_text()
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return parse(text, "topics.yaml")


def run(settings: Settings, wanted: dict[str, Topic], dry_run: bool = False) -> tuple[bool, list[str]]:
    lines: list[str] = []
    changed = provision_kafka(settings, wanted, dry_run, lines.append)
    return changed, lines


def test_declared_topics_are_created_and_then_found_equal(settings: Settings, admin: AdminClient) -> None:
    wanted = topics_file.load(settings)
    changed, lines = run(settings, wanted)
    assert changed
    assert [line.split(":")[0] for line in lines] == [f"+ {name}" for name in wanted]
    found = existing_topics(admin)
    for name, topic in wanted.items():
        assert found[name].partitions == topic.partitions
        assert topic.kafka_config(1).items() <= dict(found[name].config).items()
    assert run(settings, wanted) == (False, [f"= {name}" for name in wanted])


def test_a_dry_run_prints_the_same_and_does_nothing(settings: Settings, admin: AdminClient) -> None:
    changed, lines = run(settings, declared(), dry_run=True)
    assert changed
    assert existing_topics(admin) == {}
    assert run(settings, declared())[1] == lines


def test_settings_are_altered_and_nothing_is_lost(settings: Settings, admin: AdminClient) -> None:
    run(settings, declared())
    before = describe(settings, REJECTED)
    changed, lines = run(settings, declared(("retention: 30d", "retention: 60d")))
    assert changed
    assert [line for line in lines if line[0] != "="] == [
        "~ impressions.rejected.v1: retention.ms 2592000000 -> 5184000000"
    ]
    assert existing_topics(admin)[REJECTED].config["retention.ms"] == "5184000000"
    assert describe(settings, REJECTED) == before


def test_another_partition_count_is_refused_before_anything_changes(settings: Settings, admin: AdminClient) -> None:
    run(settings, declared())
    wanted = declared(("&source_partitions 4", "&source_partitions 8"), ("retention: 30d", "retention: 60d"))
    with pytest.raises(UserError, match=r"impressions\.v1 has 4 partitions and 8 are declared.*\(6 more above\)"):
        run(settings, wanted)
    found = existing_topics(admin)
    assert found[IMPRESSIONS].partitions == 4
    assert found[REJECTED].config["retention.ms"] == "2592000000"


def test_partitions_are_added_where_that_is_allowed(settings: Settings, admin: AdminClient) -> None:
    only = {"artworks.v1": declared()["artworks.v1"]}
    run(settings, only)
    wider = {
        name: topic.model_copy(update={"partitions": 3, "partition_growth": "allowed"}) for name, topic in only.items()
    }
    assert run(settings, wider) == (True, ["~ artworks.v1: partitions 1 -> 3"])
    assert existing_topics(admin)["artworks.v1"].partitions == 3


def test_more_replicas_than_brokers_are_refused(settings: Settings, admin: AdminClient) -> None:
    with pytest.raises(UserError, match="3 replicas, which need as many brokers, and there is one"):
        run(settings.model_copy(update={"replication_factor": 3}), declared())
    assert existing_topics(admin) == {}


def test_an_undeclared_topic_is_noted_and_kept(settings: Settings, admin: AdminClient) -> None:
    admin.create_topics([NewTopic("somebody.elses", 1, 1)])["somebody.elses"].result(SECONDS)
    _, lines = run(settings, declared())
    assert lines[-1] == "? somebody.elses: is on the broker but not in topics.yaml; left as it is"
    assert "somebody.elses" in existing_topics(admin)


def test_without_a_broker_the_error_is_one_sentence(settings: Settings) -> None:
    with pytest.raises(UserError, match=r"No Kafka broker answers at 127\.0\.0\.1:1 .*impressions up kafka"):
        run(settings.model_copy(update={"kafka_bootstrap": "127.0.0.1:1"}), declared())


@pytest.fixture
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with running_engine(tmp_path_factory.mktemp("engine")) as running:
        yield running


def everything(settings: Settings, dry_run: bool = False) -> list[str]:
    lines: list[str] = []
    provision(settings, dry_run, lines.append)
    return lines


def begun(settings: Settings) -> list[PartitionFound]:
    return list(look_at_logs(settings, 0).partitions)


def test_interrupted_and_simultaneous_provisionings_are_completed(
    settings: Settings, admin: AdminClient, engine: Engine
) -> None:
    both = engine.settings(kafka_bootstrap=settings.kafka_bootstrap)
    said = everything(both, dry_run=True)
    assert existing_topics(admin) == {}
    assert [line for line in said if "first position" in line] == [
        f"+ {IMPRESSIONS}: first position of partition {n}" for n in range(4)
    ]
    # One is killed between produce and commit: in partition 0 the broker aborts it, in partition 1 it is still open.
    run(settings, declared())
    records = [(changelog(table), BEGIN) for table in Table]
    open_producers = [half_written(settings, partition, records) for partition in (0, 1)]
    open_producers[0].abort_transaction(SECONDS)
    assert [found.changelogs for found in begun(settings)] == [PartitionFound().changelogs] * 4

    # Three more at once: each one completes the work, or finds it done.
    with ThreadPoolExecutor(3) as threads:
        made = [line for lines in threads.map(everything, [both] * 3) for line in lines if "first position" in line]
    assert sorted(made) == [f"+ {IMPRESSIONS}: first position of partition {n}" for n in range(4)]
    positions = [found.position for found in begun(settings)]
    assert {(each.next_offset, each.window_ms, each.partitions) for each in positions if each} == {(0, 600_000, 4)}
    assert None not in positions
    assert {line[0] for line in everything(both)} == {"="}
    with pytest.raises(KafkaException):
        open_producers[1].commit_transaction(SECONDS)


def test_a_half_begun_installation_is_completed(settings: Settings, admin: AdminClient, engine: Engine) -> None:
    both = engine.settings(kafka_bootstrap=settings.kafka_bootstrap)
    run(settings, declared())
    source = describe(settings, IMPRESSIONS)
    assert begin_missing(settings, source, New((2,))) == [2]
    with pytest.raises(UserError, match="nothing to rebuild: there was no work yet"):
        rebuild(both, Console(file=StringIO()))
    assert [line for line in everything(both) if "first position" in line] == [
        f"+ {IMPRESSIONS}: first position of partition {n}" for n in (0, 1, 3)
    ]
    # Without tables, nothing can be rebuilt, and the sentence says what makes them.
    connect(both).command(f"DROP DATABASE {both.clickhouse_database} SYNC")
    with pytest.raises(UserError, match="no tables to rebuild from: `impressions provision` makes them"):
        rebuild(both, Console(file=StringIO()), replace=True)


def half_written(settings: Settings, partition: int, records: list[tuple[str, bytes]]) -> Producer:
    """Return a producer that has written these records as the owner of a partition, and has not committed them."""
    client = {"bootstrap.servers": settings.kafka_bootstrap, "transactional.id": f"impressions-{partition}"}
    producer = Producer(client)
    producer.init_transactions(SECONDS)
    producer.begin_transaction()
    for topic, key in records:
        producer.produce(topic, b"1", key, partition)
    assert producer.flush(SECONDS) == 0
    return producer
