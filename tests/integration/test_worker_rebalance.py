"""Partitions move between workers, gracefully or not: each line has exactly one outcome (rule 7)."""

import signal
from random import Random

import pytest

from tests.support.background import background
from tests.support.load import PARTITIONS, load
from tests.support.stack import Installation
from tests.support.wait import until

pytestmark = pytest.mark.integration

SECONDS = 90.0
# sysexits.h's EX_TEMPFAIL: the exit code of a fenced worker, which is to be restarted.
FENCED = 75


def test_a_worker_joins_leaves_and_takes_over(installation: Installation) -> None:
    rng = Random(7)
    first = installation.only_worker(chunk_records=20)
    with background(lambda: installation.produce(load(rng, "joins", 4_000))):
        second = installation.worker(1, chunk_records=20)
        until(lambda: (first.partitions(), second.partitions()) == (2, 2), SECONDS, "both have partitions")
    installation.produce(load(rng, "joins", 4_000))
    installation.audit.settle()

    with background(lambda: installation.produce(load(rng, "leaves", 4_000))):
        assert second.stop() == 0
        until(lambda: first.partitions() == PARTITIONS, SECONDS, "the first one has all partitions again")
    installation.audit.settle()

    goal = installation.ledger_records() + 20
    with background(lambda: installation.produce(load(rng, "dies", 4_000))):
        until(lambda: installation.ledger_records() >= goal, SECONDS, "the first one works")
        first.kill()
        second.start()
        until(lambda: second.partitions() == PARTITIONS, SECONDS, "the second one took over")
    installation.audit.check()


def test_a_worker_that_slept_past_its_session_does_no_harm(installation: Installation) -> None:
    rng, quick = Random(8), {"session_timeout_seconds": 2, "chunk_records": 20}
    sleeper = installation.only_worker(**quick)
    second = installation.worker(1, **quick)
    until(lambda: (sleeper.partitions(), second.partitions()) == (2, 2), SECONDS, "both have partitions")
    goal = installation.ledger_records() + 20
    with background(lambda: installation.produce(load(rng, "sleeps", 6_000))):
        until(lambda: installation.ledger_records() >= goal, SECONDS, "both work")
        sleeper.send(signal.SIGSTOP)
        until(lambda: second.partitions() == PARTITIONS, SECONDS, "the other one took over")
    with background(lambda: installation.produce(load(rng, "wakes", 4_000))):
        sleeper.send(signal.SIGCONT)
        until(
            lambda: not sleeper.is_running or (sleeper.partitions(), second.partitions()) == (2, 2),
            SECONDS,
            "the sleeper was fenced, or has partitions of its own again",
        )
    if not sleeper.is_running:
        assert sleeper.wait_exit() == FENCED
        assert '"fenced"' in sleeper.output()
    installation.audit.check()
