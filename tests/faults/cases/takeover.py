"""Partitions are taken over while their previous owner still works: it doesn't know yet that it lost them."""

import signal
from random import Random

from streams.runtime.failpoints import Action, Failpoint
from tests.faults.case import Fault, case
from tests.faults.system import System
from tests.support.program import MemberProcess

WORKER, SINK = "worker-0", "sink-0"
# How long the successor stands between two steps while its predecessor works on. The predecessor is told after a third
# of its session, 2 s.
BETWEEN_SECONDS = 3.0
# What a program says that believes the log to have lost its end.
LOST = ("records_lost", "lost records", "offsets_lost", "StateLostError")


@case("a worker's successor on another machine", Fault.PREDECESSOR_LIVES)
def same_worker_elsewhere(system: System, rng: Random) -> None:
    """A second worker of the same number, with a disk of its own, takes over while the first one decides."""
    _succeeded_elsewhere(system, WORKER, Failpoint.WORKER_TAKING)


@case("a sink's successor on another machine", Fault.PREDECESSOR_LIVES)
def same_sink_elsewhere(system: System, rng: Random) -> None:
    """A second sink of the same number takes over while the first one inserts and commits."""
    _succeeded_elsewhere(system, SINK, Failpoint.SINK_PLACING)


@case("worker resumed while another takes over", Fault.PREDECESSOR_LIVES)
def worker_resumed(system: System, rng: Random) -> None:
    """SIGSTOP past its session, SIGCONT while its successor takes the partitions: nothing counts as lost."""
    _resumed(system, WORKER, Failpoint.WORKER_TAKING)


@case("sink resumed while another takes over", Fault.PREDECESSOR_LIVES)
def sink_resumed(system: System, rng: Random) -> None:
    """SIGSTOP past its session, SIGCONT while its successor takes the partitions: nothing counts as lost."""
    _resumed(system, SINK, Failpoint.SINK_PLACING)


def _succeeded_elsewhere(system: System, name: str, failpoint: Failpoint) -> None:
    kind, settings = name.split("-", maxsplit=1)[0], system.settings
    # The ports of number 2 are free.
    elsewhere = {"data_dir": settings.data_dir / "elsewhere", "metrics_port": settings.metrics_port + 20}
    password = {"clickhouse_password_value": settings.clickhouse_password}
    successor = MemberProcess(kind, settings.model_copy(update={**elsewhere, **password}))
    with system.keeper.held(name):
        taking = system.arm(failpoint, name, Action.SLEEP, seconds=BETWEEN_SECONDS)
        try:
            successor.start()
            system.wait_fired(taking)
            system.until(lambda: not successor.is_running or successor.is_ready(), "the successor has the partitions")
            assert successor.is_running, successor.output()
            system.flows()
            _assert_nothing_lost(successor)
            successor.stop()
        finally:
            successor.kill()


def _resumed(system: System, name: str, failpoint: Failpoint) -> None:
    kind = name.split("-", maxsplit=1)[0]
    system.keeper.signal(name, signal.SIGSTOP)
    with system.keeper.held(name):
        taking = system.arm(failpoint, f"{kind}-1", Action.SLEEP, seconds=BETWEEN_SECONDS)
        successor = system.add(kind, 1)
        system.wait_fired(taking)
        system.keeper.signal(name, signal.SIGCONT)
        system.until(successor.is_ready, "the successor has partitions")
        system.flows()
        _assert_nothing_lost(successor)
    system.heal()
    system.keeper.remove(f"{kind}-1")


def _assert_nothing_lost(program: MemberProcess) -> None:
    output = program.output()
    assert not [line for line in output.splitlines() if any(words in line for words in LOST)], output
