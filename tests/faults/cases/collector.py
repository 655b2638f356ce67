"""The collector, or the broker behind it, dies or hangs; its clients send again, and keep a ledger of their own."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from random import Random

from streams.runtime import members
from streams.runtime.failpoints import Failpoint
from tests.faults.case import Fault, case, declare_case
from tests.faults.operate import readyz
from tests.faults.recorders import Recorders
from tests.faults.system import System
from tests.support.wait import let_pass

COLLECTOR, OTHER = "collector-0", "collector-1"
LATEST_HIT = 20
# A flush may have 1 MiB; some of these fill the smallest budget.
PADDING, SMALL_BUDGET = 900_000, 8
# Longer than a case: a second signal ends the notice.
NOTICE_SECONDS = 300.0
# How often a slow broker stands still, and for how long (s): less than what the collector calls away.
PAUSES, PAUSE_SECONDS = 6, (0.2, 2.0)


@contextmanager
def recording(
    system: System, rng: Random, collectors: int = 1, padding: int = 0, **changes: object
) -> Iterator[Recorders]:
    """Let clients record during the body; then heal, and compare their ledger with what readers see."""
    ports = []
    try:
        for index in range(collectors):
            system.add("collector", index, **changes).wait_ready()
            ports.append(members.port(system.settings, "collector", index))
        recorders = Recorders(system.settings, ports, f"r{rng.randrange(2**32):08x}", padding)
        with recorders.flowing():
            recorders.flows()
            yield recorders
            system.heal()
            # Under load, and up to the readers: a worker whose broker hung may have to be replaced first.
            system.flows()
        system.oracle.reset()
        system.catch_up()
        differences = recorders.differences()
        assert not differences, differences
    finally:
        for index in range(collectors):
            if f"collector-{index}" in system.keeper:
                system.keeper.remove(f"collector-{index}")


def killed_at(failpoint: Failpoint, system: System, rng: Random) -> None:
    """SIGKILL at this failpoint, with requests of others on their way."""
    with recording(system, rng):
        system.wait_fired(system.arm(failpoint, COLLECTOR, hit=rng.randint(1, LATEST_HIT)))


for _failpoint in (Failpoint.COLLECTOR_READ, Failpoint.COLLECTOR_APPENDED):
    declare_case(
        f"collector killed at {_failpoint}",
        _failpoint,
        partial(killed_at, _failpoint),
        killed_at.__doc__ or "",
        calm=True,
    )


@case("one of two collectors killed", Fault.COLLECTOR_KILLED, calm=True)
def one_killed(system: System, rng: Random) -> None:
    """SIGKILL to one of two, three times: its clients go to the other one."""
    with recording(system, rng, collectors=2) as recorders:
        for name in (COLLECTOR, OTHER, COLLECTOR):
            with system.keeper.held(name):
                system.keeper.kill(name)
                recorders.flows()
            system.heal()


@case("collector terminated", Fault.COLLECTOR_TERMINATED, calm=True)
def terminated(system: System, rng: Random) -> None:
    """SIGTERM: /readyz says so while all is still taken, answers end their connections, and it exits with 0."""
    recorded = recording(system, rng, collector_notice_seconds=NOTICE_SECONDS)
    with recorded as recorders, system.keeper.held(COLLECTOR):
        assert not recorders.closing, "connections are kept before"
        system.keeper.signal(COLLECTOR, signal.SIGTERM)
        system.until(lambda: "ending" in readyz(system, COLLECTOR), "it says first that it will end")
        recorders.flows()
        assert recorders.closing, "its answers say that they are a connection's last"
        system.keeper.signal(COLLECTOR, signal.SIGTERM)
        assert system.keeper[COLLECTOR].wait_exit() == 0
        system.replace(COLLECTOR)


@case("two collectors restarted in turn", Fault.COLLECTOR_TERMINATED, calm=True)
def rolled(system: System, rng: Random) -> None:
    """SIGTERM to one after the other, each time only once the other is ready."""
    with recording(system, rng, collectors=2) as recorders:
        for name in (COLLECTOR, OTHER):
            with system.keeper.held(name):
                system.keeper.signal(name, signal.SIGTERM)
                assert system.keeper[name].wait_exit() == 0
                recorders.flows()
            system.heal()
        assert not set(recorders.answers) & {500, 502}, recorders.answers


@case("broker stands still until the collector's budget is full", Fault.BROKER_AWAY_FROM_COLLECTOR, calm=True)
def starved(system: System, rng: Random) -> None:
    """SIGSTOP of the broker: clients get 503, /readyz says why; after SIGCONT all of it is stored."""
    # All recorders have one address, which may hold all of it.
    with recording(
        system, rng, padding=PADDING, collector_budget_mib=SMALL_BUDGET, collector_address_share=1.0
    ) as recorders:
        system.keeper.signal("kafka", signal.SIGSTOP)
        system.until(lambda: readyz(system, COLLECTOR) not in ("", "ready"), "it says that it isn't ready")
        stored = len(recorders.stored)
        system.until(lambda: recorders.answers[503], "clients are told to come back later")
        assert len(recorders.stored) == stored, "nothing is called stored meanwhile"
        system.keeper.signal("kafka", signal.SIGCONT)


@case("broker slow under the collector", Fault.BROKER_AWAY_FROM_COLLECTOR, calm=True)
def slowed(system: System, rng: Random) -> None:
    """SIGSTOP and SIGCONT of the broker, again and again: everyone waits for it, and nobody is sent away."""
    with recording(system, rng) as recorders:
        for _ in range(PAUSES):
            system.keeper.signal("kafka", signal.SIGSTOP)
            let_pass(rng.uniform(*PAUSE_SECONDS))
            system.keeper.signal("kafka", signal.SIGCONT)
            recorders.flows()
        assert set(recorders.answers) == {202}, recorders.answers


@case("broker killed under the collector", Fault.BROKER_AWAY_FROM_COLLECTOR, calm=True)
def broker_killed(system: System, rng: Random) -> None:
    """SIGKILL of the broker, and a restart."""
    with recording(system, rng):
        system.keeper.kill("kafka")


@case("collector killed while the broker stands still", Fault.BROKER_AWAY_FROM_COLLECTOR, calm=True)
def killed_while_starved(system: System, rng: Random) -> None:
    """SIGSTOP of the broker, and SIGKILL of the collector, with everything that it has taken since."""
    with recording(system, rng) as recorders:
        system.keeper.signal("kafka", signal.SIGSTOP)
        system.until(lambda: readyz(system, COLLECTOR) not in ("", "ready"), "it says that it isn't ready")
        stored = len(recorders.stored)
        system.keeper.kill(COLLECTOR)
        assert len(recorders.stored) == stored, "nothing is called stored meanwhile"
        system.keeper.signal("kafka", signal.SIGCONT)
