"""The broker dies, hangs, or refuses records."""

import signal
from functools import partial
from random import Random

from tests.faults.case import Fault, case
from tests.faults.operate import readyz
from tests.faults.system import SESSION_SECONDS, System
from tests.support.load import Shape
from tests.support.topics import limit
from tests.support.wait import let_pass

NAME = "kafka"
ACCEPTED = "impressions.accepted.v1"
# Less than the output of twenty large flushes; the limit applies to compressed batches.
SMALL_BYTES, DECLARED_BYTES = 4_000, 8 * 1024 * 1024


@case("broker killed", Fault.BROKER_KILLED)
def killed(system: System, rng: Random) -> None:
    """SIGKILL, and a restart."""
    system.keeper.kill(NAME)
    system.heal()
    system.oracle.reset()


@case("broker stands still", Fault.BROKER_HANGS)
def stopped(system: System, rng: Random) -> None:
    """SIGSTOP for longer than the session timeout, then SIGCONT."""
    system.keeper.signal(NAME, signal.SIGSTOP)
    let_pass(SESSION_SECONDS + 2)
    system.keeper.signal(NAME, signal.SIGCONT)
    system.heal()
    system.oracle.reset()


@case("broker stands still until programs say so", Fault.BROKER_HANGS)
def stopped_until_said(system: System, rng: Random) -> None:
    """SIGSTOP until /readyz of worker and sink say that they are not ready; after SIGCONT they are again."""
    system.keeper.signal(NAME, signal.SIGSTOP)
    for name in ("worker-0", "sink-0"):
        system.until(partial(_says_not_ready, system, name), f"{name} says that it isn't ready")
    system.keeper.signal(NAME, signal.SIGCONT)
    system.heal()
    system.oracle.reset()


def _says_not_ready(system: System, name: str) -> bool:
    return readyz(system, name) not in ("", "ready")


@case("an output refuses records", Fault.OUTPUT_REFUSED, shape=Shape(impressions=(100, 200), packed=0.5))
def refused(system: System, rng: Random) -> None:
    """A topic's size limit is set below the output of a chunk, and back: the worker can't commit in between."""
    limit(system.settings, ACCEPTED, SMALL_BYTES)
    worker = system.keeper["worker-0"]
    system.until(lambda: "MSG_SIZE_TOO_LARGE" in worker.output(), "the worker has met the limit")
    limit(system.settings, ACCEPTED, DECLARED_BYTES)
