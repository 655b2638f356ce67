"""The harness finds common mistakes: each of these programs is right until the fault, which must reveal its mistake.

Our own program passes the same fault, in the case of the matrix that each test names. No test relies on luck: each
failpoint is armed while nothing flows, so the next flush is sure to reach it.
"""

import shutil
import signal
import sys
from pathlib import Path
from types import ModuleType

import pytest

from streams.runtime.failpoints import Action, Failpoint
from tests.faults.cases.broker import DECLARED_BYTES, SMALL_BYTES
from tests.faults.controls import commit_first, cutting, forgetful, store_first, textbook, two_transactions, unfenced
from tests.faults.controls.proof import LOST, control, lost_flush
from tests.faults.rows_lost import TABLES, drop_newest
from tests.faults.system import OURS, Commands
from tests.support.load import Raw, Shape, at_home, flush, impression, now_ms, user_at
from tests.support.topics import limit

pytestmark = pytest.mark.integration

WORKER, SINK = "worker-0", "sink-0"
ACCEPTED = "impressions.accepted.v1"
# What a textbook agent can decide: it can't handle packed records or strays, and rejects nothing.
GOOD = Shape(packed=0, strays=0, rubbish=0, untimely=0)
GOOD_FLUSHES = 20
DAY_MS = 86_400_000


def worker(module: ModuleType, how: str = "worker") -> Commands:
    """Return the commands of a system with that worker."""
    return Commands(worker=(sys.executable, str(module.__file__), how))


def sink(module: ModuleType) -> Commands:
    """Return the commands of a system with that sink."""
    return Commands(sink=(sys.executable, str(module.__file__), "sink"))


def test_a_textbook_agent_with_take_loses_a_batch(tmp_path: Path) -> None:
    """A record that can't be read acknowledges its whole batch. Ours: "poison records"."""
    with control("textbook agent with take()", tmp_path, worker(textbook, "take"), GOOD, states=False) as proof:
        flushes = [lost_flush(user_at(0, f"lost-{number}")) for number in range(GOOD_FLUSHES)]
        # All are fetched together: the records after the first one in the same batch are never decided.
        proof.produce(Raw(0, b"{"), *flushes)
        # Other records would be in the same batch, and lost with them.
        proof.system.until(lambda: textbook.is_done(proof.system.settings, 0), "the batch is acknowledged")
        proof.judge()
        assert 0 < proof.difference("I1", "impressions").missing <= GOOD_FLUSHES * LOST
        # The record that can't be read, and others.
        assert proof.difference("I1", "ledger").missing > 1


def test_fausts_own_producer_loses_a_record_that_the_broker_refuses(tmp_path: Path) -> None:
    """A failed send is logged, and its source record acknowledged. Ours: "an output refuses records"."""
    with control("Faust's built-in producer", tmp_path, worker(textbook, "events"), GOOD, states=False) as proof:
        limit(proof.system.settings, ACCEPTED, SMALL_BYTES)
        before = proof.system.stored()
        proof.produce(lost_flush(user_at(0, "lost")))
        # Its ledger row is sent after the impressions.
        proof.system.until(lambda: proof.system.stored() > before, "the flush is decided")
        assert "_on_published error" in proof.system.keeper[WORKER].output()
        limit(proof.system.settings, ACCEPTED, DECLARED_BYTES)
        proof.judge()
        assert proof.difference("I1", "impressions").missing == LOST
        assert not proof.difference("I1", "ledger").found


def test_state_and_output_in_two_transactions_lose_the_output(tmp_path: Path) -> None:
    """SIGKILL between the two: the position is after rows that nobody has.

    Ours: "worker killed at worker.commit.after".
    """
    with control("state and output are not one transaction", tmp_path, worker(two_transactions)) as proof:
        proof.die_at(Failpoint.WORKER_COMMIT_AFTER, WORKER, lost_flush(user_at(0, "lost")))
        assert proof.difference("I1", "impressions").missing == LOST
        assert proof.difference("I1", "ledger").missing == 1


def test_a_store_that_is_written_before_the_commit_loses_the_chunk(tmp_path: Path) -> None:
    """SIGKILL before the commit: the store's position is after a chunk that nobody has.

    Ours: "worker killed at worker.commit.before".
    """
    with control("store written before the commit, and trusted", tmp_path, worker(store_first)) as proof:
        proof.die_at(Failpoint.WORKER_COMMIT_BEFORE, WORKER, lost_flush(user_at(0, "lost")))
        assert proof.difference("I1", "impressions").missing == LOST
        assert proof.difference("I1", "ledger").missing == 1
        assert proof.difference("I4", "state of partition 0").extra > 0


def test_a_zombie_that_nothing_fences_overwrites_state(tmp_path: Path) -> None:
    """A zombie writes old values after new ones, and the state restored from them accepts a duplicate.

    Ours: "zombie worker, writes queued", and "local state wiped".
    """
    with control("no fencing", tmp_path, worker(unfenced)) as proof:
        system, user, other = proof.system, user_at(0, "zombie"), user_at(0, "other")
        zombie, seen_at = system.keeper[WORKER], now_ms()
        stopped = system.arm(Failpoint.WORKER_DECODED, WORKER, Action.STOP)
        proof.produce(at_home(user, flush(user, [impression("a0001", seen_at)])))
        system.wait_fired(stopped)
        with system.keeper.held(WORKER):
            successor = system.add("worker", 1)
            system.until(successor.is_ready, "the successor has the partitions")
            proof.produce(at_home(user, flush(user, [impression("a0002", seen_at)])))
            proof.catch_up()
            # It dies at its first commit, so it writes what it had decided and nothing else.
            wrote = system.arm(Failpoint.WORKER_COMMIT_AFTER, WORKER)
            system.keeper.signal(WORKER, signal.SIGCONT)
            system.until(lambda: not zombie.is_running, "the zombie has tried to commit")
            assert wrote.exists(), "something fences it"
            # The old position that it wrote is followed by a new one again.
            proof.produce(at_home(other, flush(other, [impression("a0001", seen_at)])))
            proof.catch_up()
            # Now the state must be restored from the changelogs.
            system.keeper.remove("worker-1")
            shutil.rmtree(system.settings.data_dir / "state")
        proof.produce(at_home(user, flush(user, [impression("a0002", seen_at + 50, impression_id="double")])))
        proof.judge()
        assert proof.difference("I1", "impressions").extra == 1
        assert proof.difference("I1", "ledger").wrong == 1


def test_a_sink_that_commits_before_it_inserts_loses_a_block(tmp_path: Path) -> None:
    """SIGKILL between the tables of a block: it is a block of impressions, as only these go to several tables.

    Ours: "sink killed at sink.insert.between".
    """
    with control("sink that commits before it inserts", tmp_path, sink(commit_first)) as proof:
        proof.die_at(Failpoint.SINK_INSERT_BETWEEN, SINK, lost_flush(user_at(0, "lost")))
        assert proof.difference("I1", "impressions").missing == LOST
        assert proof.difference("I3", ACCEPTED).missing == LOST


def test_a_sink_that_cuts_records_loses_the_rest_of_one(tmp_path: Path) -> None:
    """SIGKILL between two slices of one record: the next sink starts after that record.

    Ours: "sink killed at sink.insert.between".
    """
    with control("sink that cuts records", tmp_path, sink(cutting)) as proof:
        # The two set tables are cut once each too, and there are two steps between tables.
        flush_of_two_slices = lost_flush(user_at(0, "lost"), cutting.SLICE_ROWS + LOST)
        proof.die_at(Failpoint.SINK_INSERT_BETWEEN, SINK, flush_of_two_slices, hit=5)
        assert proof.difference("I1", "impressions").missing == LOST


def test_rows_that_vanish_from_any_table_are_seen(tmp_path: Path) -> None:
    """The newest part of each table is dropped under a running sink, unnoticed. Ours: "newest rows of ... lost"."""
    with control("rows that vanish under a running sink", tmp_path, OURS) as proof:
        for table in TABLES:
            assert drop_newest(proof.system, table) > 0
        proof.judge()
        below_the_commit = {each.what.rpartition(" in ")[2] for each in proof.found if each.invariant == "I3"}
        assert below_the_commit == set(TABLES)
        for view in ("impressions", "ledger", "rejected"):
            assert proof.difference("I1", view).missing > 0


def test_a_worker_that_forgets_what_was_swept_accepts_an_impression_twice(tmp_path: Path) -> None:
    """The lateness is raised after the windows of three days ago were swept. Ours: "lateness raised"."""
    with control("what was swept is forgotten", tmp_path, worker(forgetful)) as proof:
        user = user_at(0, "lost")
        twice = at_home(user, flush(user, [impression("a0001", now_ms() - 3 * DAY_MS)]))
        proof.produce(twice)
        proof.system.change_lateness(10 * DAY_MS // 1000)
        proof.produce(twice)
        proof.judge()
        # At least ours: the load has late ones too.
        assert proof.difference("I1", "rejected").missing >= 1
        assert proof.difference("I1", "ledger").wrong >= 1
