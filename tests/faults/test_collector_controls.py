"""The clients' own ledger finds collectors that call stored what is not: each is right until the fault.

Our own collector passes the same fault, in the case of the matrix that each test names.
"""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest

from streams.runtime import members
from tests.faults.controls import answers_first, drops_when_full
from tests.faults.recorders import MISSING, Recorders
from tests.faults.results import Result
from tests.faults.system import Commands, System, fault_settings, running_system

pytestmark = pytest.mark.integration

COLLECTOR = "collector-0"


@contextmanager
def control(name: str, folder: Path, module: ModuleType) -> Iterator[tuple[System, Recorders]]:
    """Run a system with that collector, and its clients: without a fault first, then during the body.

    After the body, something that was called stored must be missing.
    """
    began, held, lost = time.monotonic(), False, 0
    commands = Commands(collector=(sys.executable, str(module.__file__), "collector"))
    with running_system(fault_settings(folder), commands) as system:
        try:
            system.add("collector", 0).wait_ready()
            ports = [members.port(system.settings, "collector", 0)]
            right = Recorders(system.settings, ports, "right")
            with right.flowing():
                right.flows()
            system.catch_up()
            assert not right.differences()
            wrong = Recorders(system.settings, ports, "wrong")
            with wrong.flowing():
                wrong.flows()
                yield system, wrong
                system.heal()
                wrong.flows()
            system.oracle.reset()
            system.catch_up()
            lost = wrong.differences()[MISSING]
            assert lost > 0
            held = True
        finally:
            found = f"{lost} impressions that were called stored are missing"
            Result(f"control {name}", held, found, round(time.monotonic() - began, 1)).save()


def test_a_collector_that_answers_before_the_acknowledgement_loses_what_it_called_stored(tmp_path: Path) -> None:
    """Ours: "collector killed while the broker stands still"."""
    with control("collector that answers before the ack", tmp_path, answers_first) as (system, recorders):
        system.keeper.signal("kafka", signal.SIGSTOP)
        recorders.flows()  # although no broker answers
        system.keeper.kill(COLLECTOR)
        system.keeper.signal("kafka", signal.SIGCONT)


def test_a_collector_that_drops_when_its_queue_is_full_loses_what_it_called_stored(tmp_path: Path) -> None:
    """Ours: "broker stands still until the collector's budget is full"."""
    with control("collector that drops on a full queue", tmp_path, drops_when_full) as (system, recorders):
        system.keeper.signal("kafka", signal.SIGSTOP)
        recorders.flows(5)  # what finds no room
        system.keeper.signal("kafka", signal.SIGCONT)
