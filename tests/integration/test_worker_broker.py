"""While the broker is unreachable, the worker waits; when the broker is back, the worker continues."""

import signal
from random import Random

import pytest

from streams.embedded import stack
from streams.embedded.components import component
from streams.embedded.program import Program
from tests.support.background import background
from tests.support.load import at_home, flush, impression, load, now_ms
from tests.support.stack import Installation
from tests.support.wait import until

pytestmark = pytest.mark.integration

SECONDS = 90.0


def broker(installation: Installation) -> Program:
    return component("kafka", installation.settings).program


def test_the_worker_waits_for_a_broker_that_hangs(installation: Installation) -> None:
    worker = installation.only_worker(chunk_records=5)
    goal = installation.ledger_records() + 10
    with background(lambda: installation.produce(load(Random(9), "still", 6_000))):
        until(lambda: installation.ledger_records() >= goal, SECONDS, "the worker works")
        broker(installation).send(signal.SIGSTOP)
        try:
            # In the question that precedes a commit, or in the commit itself.
            waits = ('"broker_away"', '"transaction_waits"')
            until(lambda: any(each in worker.output() for each in waits), SECONDS, "the worker waits for the broker")
        finally:
            broker(installation).send(signal.SIGCONT)
    installation.reset_audit()
    installation.audit.check()
    assert worker.is_running


def test_the_worker_waits_for_a_killed_broker(installation: Installation) -> None:
    worker = installation.only_worker(chunk_records=5)
    goal = installation.ledger_records() + 10
    with background(lambda: installation.produce(load(Random(10), "killed-broker", 6_000))):
        until(lambda: installation.ledger_records() >= goal, SECONDS, "the worker works")
        broker(installation).kill()
        stack.up(installation.settings, ["kafka"], out=lambda _: None)
    installation.reset_audit()
    installation.audit.check()
    # It is the same process, and it does more than finish what it had fetched before.
    assert worker.is_running
    installation.produce([at_home("after-the-broker", flush("after-the-broker", [impression("a0001", now_ms())]))])
    installation.audit.check()
