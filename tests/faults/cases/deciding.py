"""The worker is killed while it decides: by the line that it decides, or by whoever kills processes."""

import sys
from random import Random

from streams.kafka.admin import describe
from streams.kafka.names import IMPRESSIONS
from streams.runtime.failpoints import Failpoint
from tests.faults.case import Fault, case
from tests.faults.system import System
from tests.support import dying_worker, hurtful
from tests.support.dying_worker import DEADLY_USER
from tests.support.load import Raw, at_home, flush, home, impression, now_ms, user_at

WORKER = "worker-0"
# After this many deaths, the line is to blame.
ATTEMPTS = 3


@case("a line that kills the worker", Fault.KILLED_DECIDING, calm=True)
def killing_line(system: System, rng: Random) -> None:
    """Deciding it is SIGKILL: after three deaths it is malformed; every other line of its record is judged."""
    partition, now = home(DEADLY_USER), now_ms()
    neighbour = user_at(partition, f"neighbour{now}")
    killing = flush(DEADLY_USER, [impression("a0001", now)])
    before, behind = (flush(neighbour, [impression(each, now)]) for each in ("a0001", "a0002"))
    source_id = describe(system.settings, IMPRESSIONS).topic_id
    system.replace(WORKER, sys.executable, str(dying_worker.__file__), "worker")
    restarts = system.keeper.restarts
    with system.traffic(rng):
        (place,) = hurtful.produce(system.settings, [Raw(partition, b"\n".join([before, killing, behind]))])
        system.oracle.give_up((source_id, place.partition, place.offset, 1))
        system.until(lambda: system.keeper.restarts >= restarts + ATTEMPTS, "the line has killed three workers")
        system.flows()
    system.catch_up()
    # The first death only shows which chunk it was.
    assert system.keeper.restarts <= restarts + ATTEMPTS + 1, "it went on killing"
    system.replace(WORKER)


@case("worker killed five times with the same chunk decided", Fault.KILLED_DECIDING)
def killed_decided(system: System, rng: Random) -> None:
    """SIGKILL by somebody else each time that the chunk is decided: no line is to blame, and none is malformed."""
    for _ in range(5):
        system.wait_fired(system.arm(Failpoint.WORKER_DECODED, WORKER))


@case("worker killed three times in the middle of a record", Fault.KILLED_DECIDING, calm=True)
def killed_in_record(system: System, rng: Random) -> None:
    """SIGKILL by somebody else while a record of 100,000 impressions is being decided: nothing is malformed."""
    now = now_ms()
    user = user_at(rng.randrange(4), f"large{now}")
    with system.traffic(rng):
        hurtful.produce(system.settings, [at_home(user, hurtful.full_flushes(user, 200, "a", artworks=5_000))])
        for _ in range(3):
            system.until(system.keeper[WORKER].is_ready, "the worker works")
            system.keeper.kill(WORKER)
