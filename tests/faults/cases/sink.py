"""The sink dies at any step of its work, or two zombie sinks write rows that are already stored."""

import signal
from functools import partial
from random import Random

from streams.runtime.failpoints import Action, Failpoint
from tests.faults.case import Fault, case, declare_case
from tests.faults.system import System

SINK = "sink-0"
FAILPOINTS = (
    Failpoint.SINK_INSERT_BEFORE,
    Failpoint.SINK_INSERT_BETWEEN,
    Failpoint.SINK_INSERT_AFTER,
    Failpoint.SINK_COMMIT_AFTER,
)
LATEST_HIT = 5
# How long an insert is delayed so that the sink can be killed during it; a kill takes milliseconds.
HELD_SECONDS = 3.0


def killed_at(failpoint: Failpoint, system: System, rng: Random) -> None:
    """SIGKILL at this failpoint."""
    system.wait_fired(system.arm(failpoint, SINK, hit=rng.randint(1, LATEST_HIT)))


for _failpoint in FAILPOINTS:
    declare_case(f"sink killed at {_failpoint}", _failpoint, partial(killed_at, _failpoint), killed_at.__doc__ or "")


@case(f"sink killed at {Failpoint.SINK_PLACING}", Failpoint.SINK_PLACING)
def killed_while_placed(system: System, rng: Random) -> None:
    """SIGKILL, and another SIGKILL at this failpoint while the next sink finds out where to start."""
    fired = system.arm(Failpoint.SINK_PLACING, SINK)
    system.keeper.kill(SINK)
    system.wait_fired(fired)


@case("sink killed in the middle of an insert", Fault.SINK_KILLED)
def killed_mid_insert(system: System, rng: Random) -> None:
    """SIGKILL after ClickHouse has stored the body, before its response."""
    fired = system.arm(Failpoint.CLICKHOUSE_STORED, "clickhouse", Action.SLEEP, seconds=HELD_SECONDS)
    system.wait_fired(fired)
    system.keeper.kill(SINK)


@case("sink terminated", Fault.SINK_TERMINATED)
def terminated(system: System, rng: Random) -> None:
    """SIGTERM: the sink flushes and exits with 0, and another one continues."""
    with system.keeper.held(SINK):
        system.keeper.signal(SINK, signal.SIGTERM)
        assert system.keeper[SINK].wait_exit() == 0


@case("worker and sink terminated while ClickHouse is down", Fault.SINK_TERMINATED)
def terminated_without_clickhouse(system: System, rng: Random) -> None:
    """SIGTERM to both while ClickHouse is down: both exit with 0, and nothing is lost."""
    with system.keeper.held("clickhouse"), system.keeper.held(SINK), system.keeper.held("worker-0"):
        system.keeper.kill("clickhouse")
        system.works()
        for name in (SINK, "worker-0"):
            system.keeper.signal(name, signal.SIGTERM)
            assert system.keeper[name].wait_exit() == 0


@case("two zombie sinks", Fault.SINK_ZOMBIE)
def zombies(system: System, rng: Random) -> None:
    """SIGSTOP to a sink, then to its successor, past their sessions with a block to insert; then SIGCONT to both."""
    system.wait_fired(system.arm(Failpoint.SINK_INSERT_BEFORE, SINK, Action.STOP))
    with system.keeper.held(SINK):
        system.add("sink", 1)
        system.flows()
        system.wait_fired(system.arm(Failpoint.SINK_INSERT_BETWEEN, "sink-1", Action.STOP))
        with system.keeper.held("sink-1"):
            system.add("sink", 2)
            system.flows()
            for name in (SINK, "sink-1"):
                system.keeper.signal(name, signal.SIGCONT)
            system.flows()
    system.heal()
    system.keeper.remove("sink-1")
    system.keeper.remove("sink-2")
