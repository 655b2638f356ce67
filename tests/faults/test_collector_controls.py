"""The clients' own ledger finds collectors that call stored what is not: each is right until the fault.

Our own collector passes the same fault, in the case of the matrix that each test names.
"""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import pytest

from streams.runtime import members
from tests.faults.controls import answers_first, drops_when_full
from tests.faults.recorders import CLIENTS, IMPRESSIONS, MISSING, Recorders
from tests.faults.results import Result
from tests.faults.system import System, fault_settings, running_system

pytestmark = pytest.mark.integration

COLLECTOR = "collector-0"
# Each client has one flush at a time, which the broker may have acknowledged just before it was stopped.
MORE_THAN_ON_THEIR_WAY = (CLIENTS + 1) * IMPRESSIONS


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """One for all controls: a collector leaves nothing behind."""
    with running_system(fault_settings(tmp_path_factory.mktemp("controls"))) as system:
        yield system


@contextmanager
def control(name: str, system: System, module: ModuleType) -> Iterator[Recorders]:
    """Run that collector, and its clients: without a fault first, then during the body.

    After the body, something that was called stored must be missing.
    """
    began, held, lost = time.monotonic(), False, 0
    try:
        system.add("collector", 0, sys.executable, str(module.__file__), "collector").wait_ready()
        ports, users = [members.port(system.settings, "collector", 0)], module.__name__.split(".")[-1]
        right = Recorders(system.settings, ports, f"right-{users}")
        with right.flowing():
            right.flows()
        system.catch_up()
        assert not right.differences()
        wrong = Recorders(system.settings, ports, f"wrong-{users}")
        with wrong.flowing():
            wrong.flows()
            yield wrong
            system.heal()
            system.flows()
        system.oracle.reset()
        system.catch_up()
        lost = wrong.differences()[MISSING]
        assert lost > 0
        held = True
    finally:
        system.keeper.remove(COLLECTOR)
        found = f"{lost} impressions that were called stored are missing"
        Result(f"control {name}", held, found, round(time.monotonic() - began, 1)).save()


def test_a_collector_that_answers_before_the_acknowledgement_loses_what_it_called_stored(system: System) -> None:
    """Ours: "collector killed while the broker stands still"."""
    with control("collector that answers before the ack", system, answers_first) as recorders:
        system.keeper.signal("kafka", signal.SIGSTOP)
        recorders.flows()  # although no broker answers
        system.keeper.kill(COLLECTOR)
        system.keeper.signal("kafka", signal.SIGCONT)


def test_a_collector_that_drops_when_its_queue_is_full_loses_what_it_called_stored(system: System) -> None:
    """Ours: "broker stands still until the collector's budget is full"."""
    with control("collector that drops on a full queue", system, drops_when_full) as recorders:
        system.keeper.signal("kafka", signal.SIGSTOP)
        recorders.flows(MORE_THAN_ON_THEIR_WAY)  # what finds no room
        system.keeper.signal("kafka", signal.SIGCONT)
