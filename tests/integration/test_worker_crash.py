"""After any crash, loss of local state or rewind, readers see each line's outcome once and unchanged (rule 7)."""

import shutil
import signal
from random import Random

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient

from streams.kafka.names import IMPRESSIONS, LEDGER, WORKER_GROUP
from tests.support.audit import of_user
from tests.support.background import background
from tests.support.load import PARTITIONS, at_home, flush, impression, load, now_ms, user_at
from tests.support.stack import Installation
from tests.support.wait import until

pytestmark = pytest.mark.integration

SECONDS = 120.0
KILLS = 5
# Twice the time that the restart may take, so waiting for the old member's session to end fails the test.
SESSION_SECONDS = 90
STOP_SECONDS = 20
# Few records per transaction, so a kill nearly always interrupts one.
CHUNK = 5


def test_kills_at_random_moments_under_load_change_nothing(installation: Installation) -> None:
    rng = Random(5)
    worker = installation.only_worker(chunk_records=CHUNK)
    records = list(load(rng, "killed", 33_000))
    share = len(records) // KILLS
    for kill in range(KILLS):
        part = records[kill * share :] if kill == KILLS - 1 else records[kill * share : (kill + 1) * share]
        # Every chunk adds at least two offsets to the ledger, so at least this many will come.
        goal = installation.ledger_records() + rng.randint(1, len(part) // CHUNK)
        with background(lambda part=part: installation.produce(part)):  # type: ignore[misc]
            until(lambda goal=goal: installation.ledger_records() >= goal, SECONDS, "the moment of a kill")  # type: ignore[misc]
            worker.kill()
        worker.start()
        if kill % 2:
            restored = rng.randint(1, PARTITIONS - 1)
            until(lambda n=restored: worker.output().count("state_restored") >= n, SECONDS, "a partial recovery")  # type: ignore[misc]
            worker.kill()
            worker.start()
    worker.wait_ready()
    expected = installation.audit.check()
    mine = [row for row in expected.ledger if row.user_id.startswith("killed-")]
    assert sum(row.received - row.forwarded for row in mine) > 29_000
    assert all(sum(getattr(row, name) for row in mine) > 200 for name in ("duplicates", "rejected", "forwarded"))


def test_local_state_is_recovered_from_the_changelogs(installation: Installation) -> None:
    worker = installation.only_worker()
    user_id, now = "amnesiac", now_ms()
    old = flush(user_id, [impression("a0001", now - 7_200_000), impression("unknown", now - 7_200_000)])
    installation.produce([at_home(user_id, old)])
    installation.audit.settle()
    assert worker.stop() == 0
    shutil.rmtree(worker.state)
    worker.start().wait_ready()
    again = flush(user_id, [impression("a0001", now), impression("unknown", now)])
    installation.produce([at_home(user_id, old), at_home(user_id, again)])

    installation.audit.check()
    ledger = of_user(installation.audit.rows(LEDGER), user_id)
    assert [(row["accepted"], row["fresh"], row["duplicates"]) for row in ledger] == [(2, 2, 0), (0, 0, 2), (2, 0, 0)]


def test_offsets_moved_by_hand_change_nothing(installation: Installation) -> None:
    """Faust's committed offset is a hint: after a rewind nothing is doubled, after a jump ahead nothing is lost."""
    worker = installation.only_worker()
    installation.audit.settle()
    assert worker.stop() == 0
    before = installation.ledger_records()
    users = [user_at(partition, "by-hand") for partition in range(PARTITIONS)]
    installation.produce(at_home(user_id, flush(user_id, [impression("a0001", now_ms())])) for user_id in users)
    source = installation.audit.logs[IMPRESSIONS]
    moved = [TopicPartition(IMPRESSIONS, p, 0 if p % 2 else source.end(p)) for p in range(PARTITIONS)]
    admin = AdminClient({"bootstrap.servers": installation.settings.kafka_bootstrap})
    until(lambda: not _members(admin), SECONDS, "the group has no member")
    admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(WORKER_GROUP, moved)])[WORKER_GROUP].result(
        SECONDS
    )

    worker.start().wait_ready()
    installation.audit.check()
    # Exactly a row and a commit marker each.
    assert installation.ledger_records() == before + 2 * PARTITIONS


def _members(admin: AdminClient) -> list[object]:
    return list(admin.describe_consumer_groups([WORKER_GROUP])[WORKER_GROUP].result(SECONDS).members)


def test_memory_and_rocksdb_stores_replace_each_other(installation: Installation) -> None:
    rng = Random(10)
    for number, store in enumerate(("memory", "rocksdb", "memory")):
        worker = installation.only_worker(state_store=store, chunk_records=50)
        goal = installation.ledger_records() + rng.randint(1, 10)
        with background(lambda: installation.produce(load(rng, "stores", 2_000))):
            until(lambda goal=goal: installation.ledger_records() >= goal, SECONDS, f"work of store {number}")  # type: ignore[misc]
            worker.kill()
    installation.only_worker()
    installation.audit.check()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_worker_that_comes_back_continues_at_once(installation: Installation, number: signal.Signals) -> None:
    worker = installation.only_worker(session_timeout_seconds=SESSION_SECONDS)
    rng, goal = Random(12), installation.ledger_records() + 4
    with background(lambda: installation.produce(load(rng, f"back-{number}", 3_000))):
        until(lambda: installation.ledger_records() >= goal, SECONDS, "the worker works")
        worker.send(number)
        assert worker.wait_exit(STOP_SECONDS) == (0 if number == signal.SIGTERM else -number)
    worker.start()
    installation.audit.check(SESSION_SECONDS / 2)
    if number == signal.SIGTERM:
        assert "Traceback" not in worker.output()
