"""State rebuilt from ClickHouse decides as the lost state did (rule 7), whatever was lost, and only what was lost."""

import shutil
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from confluent_kafka import TopicPartition
from rich.console import Console

from oracle.murmur import home_of
from streams.clickhouse.client import connect
from streams.embedded import stack
from streams.embedded.kafka import broker
from streams.embedded.run_folder import RunFolder
from streams.errors import StateLostError, UserError
from streams.kafka.admin import describe, give_up_client
from streams.kafka.names import IMPRESSIONS, LEDGER, changelog
from streams.kafka.read import AT_ENDS, reader, to_ends
from streams.kafka.transaction import PartitionProducer, ProducerRecord
from streams.paths import project_path
from streams.provision.run import provision
from streams.provision.topics_file import PROJECT_FILE
from streams.rebuild.run import rebuild
from streams.rebuild.source import position_of
from streams.settings import Settings
from streams.state import position
from streams.state.partition_state import POSITION, Table
from tests.support.audit import Audit, of_user
from tests.support.load import Raw, at_home, flush, impression, now_ms, produce
from tests.support.stack import Installation, running_installation
from tests.support.topics import delete
from tests.support.wait import until
from tests.support.worker import WorkerProcess

pytestmark = pytest.mark.integration

# The worker's session has to end, and the sink has to catch up.
SECONDS = 90.0
USER = "rebuilt"
NOT_YET = ("Workers still belong", "does not have all")
# Of every shape that an id may have, so that murmur2 takes every path.
USERS = [f"{'x' * (n % 7)}:u.{n}_-{n * 7919}" for n in range(40)]
WIDER = 8


@pytest.fixture(scope="module")
def lost(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A stack of its own with a sink, because the tests delete its topics; they build on one another."""
    with running_installation(tmp_path_factory.mktemp("rebuild")) as installation:
        stack.up(installation.settings, ["sink-0"], out=lambda _: None)
        yield installation


def rebuilt(settings: Settings, **how: bool) -> list[str]:
    """Rebuild as soon as nothing else runs and ClickHouse has everything; return what it says."""
    said: list[str] = []

    def attempt() -> bool:
        text = StringIO()
        try:
            rebuild(settings, Console(file=text, width=200), **how)
        except UserError as error:
            if not any(words in str(error) for words in NOT_YET):
                raise
            return False
        said.extend(text.getvalue().splitlines())
        return True

    until(attempt, SECONDS, "the session is over, and ClickHouse has everything")
    return said


def refused(settings: Settings, error: type[UserError], match: str, **how: bool) -> None:
    """Assert that a rebuild is refused with such a sentence."""
    with pytest.raises(error, match=match):
        rebuild(settings, Console(file=StringIO()), **how)


def latest(settings: Settings, table: Table, partition: int) -> dict[bytes, bytes | None]:
    """The last committed value of each key of a changelog."""
    consumer = reader(settings, **{"auto.offset.reset": "earliest"}, **AT_ENDS)
    found: dict[bytes, bytes | None] = {}
    for records in to_ends(consumer, [TopicPartition(changelog(table), partition, 0)], 1_000, 1.0):
        found |= {record.key() or b"": record.value() for record in records}
    consumer.close()
    return found


def lines_of(name: str, now: int) -> dict[str, bytes]:
    """A flush of each user: a catalogued artwork, and one that the catalogue doesn't have."""
    return {
        user: flush(user, [impression(f"a{n:04d}", now - n), impression(f"{name}{n}", now)])
        for n, user in enumerate(USERS)
    }


def with_more_partitions(settings: Settings, folder: Path) -> Settings:
    """The same settings with a topics.yaml that declares twice as many partitions."""
    topics = folder / "topics.yaml"
    text = project_path(PROJECT_FILE).read_text()
    topics.write_text(text.replace("&source_partitions 4", f"&source_partitions {WIDER}"))
    return settings.model_copy(update={"topics_file": topics})


def positions(settings: Settings) -> list[position.Position]:
    values = [latest(settings, Table.COVERAGE, n)[POSITION] for n in range(describe(settings, IMPRESSIONS).partitions)]
    return [position.decode(value) for value in values if value]


def test_rebuilt_state_decides_as_the_lost_state_did(lost: Installation) -> None:
    worker, now = lost.worker(), now_ms()
    old = flush(USER, [impression("a0001", now - 7_200_000), impression("unknown", now - 7_200_000)])
    recent = flush(USER, [impression("a0002", now)])
    lost.produce([at_home(USER, old), at_home(USER, recent)])
    lost.audit.settle()
    refused(lost.settings, UserError, "Workers still belong", replace=True)
    assert worker.stop() == 0
    for table in Table:
        delete(lost.settings, changelog(table))

    assert any("decided up to offset 2" in line for line in rebuilt(lost.settings))

    worker.start().wait_ready()
    again = flush(USER, [impression("a0001", now), impression("unknown", now), impression("a0002", now + 1)])
    lost.produce([at_home(USER, old), at_home(USER, recent), at_home(USER, again)])
    lost.audit.check()
    ledger = of_user(lost.audit.rows(LEDGER), USER)
    assert [(row["accepted"], row["fresh"], row["duplicates"]) for row in ledger] == [
        (2, 2, 0),
        (1, 1, 0),
        (0, 0, 2),
        (0, 0, 1),
        (2, 0, 1),
    ]


def test_a_whole_state_is_replaced_only_when_asked_and_is_the_same_afterwards(lost: Installation) -> None:
    worker, now = lost.only_worker(), now_ms()
    lines = {
        user: flush(user, [impression(f"a{n:04d}", now - n), impression(f"x{n}", now)]) for n, user in enumerate(USERS)
    }
    lost.produce(at_home(user, line) for user, line in lines.items())
    lost.audit.check()
    assert worker.stop() == 0
    before = positions(lost.settings)
    refused(lost.settings, UserError, "state is whole.*nothing was changed.*--replace")
    other = lost.settings.model_copy(update={"dedupe_window_seconds": 300})
    for how in ({}, {"replace": True}):
        refused(other, UserError, "600 s since the first provisioning, not 300 s", **how)
    assert positions(lost.settings) == before

    # What a rebuild doesn't find in ClickHouse is removed from the changelogs, too.
    producer = PartitionProducer(lost.settings, 0)
    producer.fence()
    producer.commit([ProducerRecord(changelog(table), 0, b"\x00ghost", b"\x00\x01value") for table in Table])
    producer.close()
    assert rebuilt(lost.settings, replace=True, dry_run=True)[-1] == "nothing was changed"
    assert latest(lost.settings, Table.WINDOWS, 0)[b"\x00ghost"] is not None
    rebuilt(lost.settings, replace=True)
    assert [latest(lost.settings, table, 0)[b"\x00ghost"] for table in Table] == [None, None]
    assert [each.next_offset for each in positions(lost.settings)] == [each.next_offset for each in before]

    worker.start().wait_ready()
    lost.produce(at_home(user, line) for user, line in lines.items())
    lost.audit.check()


def test_a_state_without_rows_of_its_window_is_not_rebuilt(lost: Installation) -> None:
    """The rows prove the window although no position is left to say it."""
    lost.no_worker()
    for table in Table:
        delete(lost.settings, changelog(table))
    other = lost.settings.model_copy(update={"dedupe_window_seconds": 300})
    refused(other, UserError, "judged with a dedupe window of 600 s, as their event_ids prove, not with 300 s")
    with pytest.raises(UserError, match="window of 600 s"):
        provision(other, False, lambda _: None)
    rebuilt(lost.settings)


def test_a_half_decided_record_goes_on_after_its_last_line(lost: Installation) -> None:
    source, user = describe(lost.settings, IMPRESSIONS), USERS[0]
    partition = home_of(user, source.partitions)
    first = positions(lost.settings)[partition].next_offset
    produce(lost.settings, [Raw(partition, b"\n".join(flush(user, [impression(f"h{n}", now_ms())]) for n in range(3)))])
    here = (source.topic_id, partition)
    for line, expected in ((1, (first, 2)), (2, (first + 1, 0))):
        found = position_of(lost.settings, source, partition, {here: (first, line)}, {here: now_ms()})
        assert (found.next_offset, found.line) == expected
    new = position_of(lost.settings, source, partition, {}, {("another", 0): 0})
    assert (new.next_offset, new.line, new.swept) == (0, 0, 0)


def test_a_lost_broker_is_rebuilt_with_another_partition_count(lost: Installation, tmp_path: Path) -> None:
    """The broker's disk is lost, and ClickHouse kept; the new topics have twice as many partitions."""
    worker, now = lost.only_worker(), now_ms()
    lines = {
        user: flush(user, [impression(f"a{n:04d}", now - n), impression(f"y{n}", now)]) for n, user in enumerate(USERS)
    }
    lost.produce(at_home(user, line) for user, line in lines.items())
    lost.audit.check()
    assert worker.stop() == 0
    rebuilt(lost.settings, replace=True)  # which waits until ClickHouse has everything
    # Clients of a broker that comes back as another one would mix what they know of both.
    lost.audit.close()
    give_up_client()
    stack.down(lost.settings, out=lambda _: None)
    shutil.rmtree(broker.data_dir(RunFolder(lost.settings.data_dir)))

    topics = tmp_path / "topics.yaml"
    topics.write_text(
        project_path(PROJECT_FILE).read_text().replace("&source_partitions 4", f"&source_partitions {WIDER}")
    )
    settings = lost.settings.model_copy(update={"topics_file": topics})
    said: list[str] = []
    with pytest.raises(StateLostError, match=r"holds [\d,]+ rows.*holds nothing of it.*impressions rebuild"):
        stack.up(settings, out=said.append)
    assert not any("first position" in line for line in said)
    # What a rebuild needs is up; the worker is not.
    assert [row.component for row in stack.status(settings) if row.up] == ["kafka", "clickhouse", "sink-0"]
    with pytest.raises(StateLostError, match="impressions rebuild"):
        provision(settings, True, said.append)

    assert len(rebuilt(settings)) == 1 + WIDER
    topic_id = describe(settings, IMPRESSIONS).topic_id
    assert [(each.topic_id, each.next_offset, each.partitions) for each in positions(settings)] == [
        (topic_id, 0, WIDER)
    ] * WIDER
    said.clear()
    provision(settings, False, said.append)
    assert {line[0] for line in said} == {"="}

    lost.audit = Audit(settings)
    produce(settings, [Raw(home_of(user, WIDER), line) for user, line in lines.items()])
    again = WorkerProcess(settings, 0)
    again.start().wait_ready()
    lost.audit.settle()
    assert again.stop() == 0
    rows = [row for row in lost.audit.rows(LEDGER) if row["user_id"] in lines]
    assert len(rows) == len(USERS)
    assert [(row["accepted"], row["fresh"], row["duplicates"]) for row in rows] == [(0, 0, 2)] * len(USERS)


def test_a_lost_clickhouse_is_said_and_filled_again(lost: Installation, tmp_path: Path) -> None:
    topics = tmp_path / "topics.yaml"
    topics.write_text(
        project_path(PROJECT_FILE).read_text().replace("&source_partitions 4", f"&source_partitions {WIDER}")
    )
    settings = lost.settings.model_copy(update={"topics_file": topics})
    stack.down(settings, out=lambda _: None)
    stack.up(settings, ["kafka", "clickhouse"], out=lambda _: None)
    connect(settings).command(f"DROP DATABASE {settings.clickhouse_database} SYNC")
    said: list[str] = []
    assert provision(settings, False, said.append)
    assert any(line.startswith("? ClickHouse's database impressions holds no rows, although work") for line in said)
    assert not provision(settings, False, lambda _: None)
    refused(settings, UserError, "state is whole")
