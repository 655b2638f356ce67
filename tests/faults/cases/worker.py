"""The worker dies at any step of its work, hangs and comes back, or loses its local state."""

import shutil
import signal
from functools import partial
from random import Random

from streams.runtime.failpoints import Action, Failpoint
from tests.faults.case import Fault, case, declare_case
from tests.faults.system import System

WORKER = "worker-0"
# Passed during normal work, several times a second.
AT_WORK = (
    Failpoint.WORKER_DECODED,
    Failpoint.WORKER_PRODUCED,
    Failpoint.WORKER_COMMIT_BEFORE,
    Failpoint.WORKER_COMMIT_AFTER,
    Failpoint.WORKER_STORED,
    Failpoint.WORKER_OFFSET_BEFORE,
    Failpoint.WORKER_OFFSET_AFTER,
)
# Passed for each partition while a worker starts.
IN_RECOVERY = (Failpoint.WORKER_TAKING, Failpoint.WORKER_FENCED, Failpoint.WORKER_BARRIER, Failpoint.WORKER_RESTORING)
# Faust commits once a second, so a later hit would only take longer.
LATEST_HIT = 5
PARTITIONS = 4


def killed_at_work(failpoint: Failpoint, system: System, rng: Random) -> None:
    """SIGKILL at this failpoint, during normal work."""
    rare = failpoint in (Failpoint.WORKER_OFFSET_BEFORE, Failpoint.WORKER_OFFSET_AFTER)
    system.wait_fired(system.arm(failpoint, WORKER, hit=1 if rare else rng.randint(1, LATEST_HIT)))


def killed_in_recovery(failpoint: Failpoint, system: System, rng: Random) -> None:
    """SIGKILL, and another SIGKILL at this failpoint during the recovery."""
    fired = system.arm(failpoint, WORKER, hit=rng.randint(1, PARTITIONS))
    system.keeper.kill(WORKER)
    system.wait_fired(fired)


for _failpoint in AT_WORK:
    declare_case(
        f"worker killed at {_failpoint}", _failpoint, partial(killed_at_work, _failpoint), killed_at_work.__doc__ or ""
    )
for _failpoint in IN_RECOVERY:
    declare_case(
        f"worker killed at {_failpoint}",
        _failpoint,
        partial(killed_in_recovery, _failpoint),
        killed_in_recovery.__doc__ or "",
    )


@case(f"worker killed at {Failpoint.WORKER_REVOKED}", Failpoint.WORKER_REVOKED)
def killed_on_revoke(system: System, rng: Random) -> None:
    """SIGKILL while partitions are being revoked, because a second worker has joined."""
    fired = system.arm(Failpoint.WORKER_REVOKED, WORKER)
    system.add("worker", 1)
    system.wait_fired(fired)
    system.heal()
    system.keeper.remove("worker-1")


@case("worker killed at any moment", Fault.WORKER_KILLED)
def killed(system: System, rng: Random) -> None:
    """SIGKILL three times, the second and third soon after the worker works again."""
    for _ in range(3):
        system.works(rng.randint(1, 40))
        system.keeper.kill(WORKER)


@case("worker terminated", Fault.WORKER_TERMINATED)
def terminated(system: System, rng: Random) -> None:
    """SIGTERM in the middle of a batch: the worker exits with 0, and another one continues."""
    fired = system.arm(Failpoint.WORKER_DECODED, WORKER, Action.SLEEP, seconds=0.5)
    system.wait_fired(fired)
    with system.keeper.held(WORKER):
        system.keeper.signal(WORKER, signal.SIGTERM)
        assert system.keeper[WORKER].wait_exit() == 0


@case("zombie worker, transaction open", Fault.WORKER_ZOMBIE)
def zombie_with_open_transaction(system: System, rng: Random) -> None:
    """SIGSTOP past its session with a whole chunk sent but not committed; another worker takes over; SIGCONT."""
    _zombie(Failpoint.WORKER_PRODUCED, system, rng)


@case("zombie worker, writes queued", Fault.WORKER_ZOMBIE)
def zombie_with_queued_writes(system: System, rng: Random) -> None:
    """SIGSTOP past its session with a chunk decided but not sent; another worker takes over; SIGCONT."""
    _zombie(Failpoint.WORKER_DECODED, system, rng)


@case("zombie worker, committed and not stored", Fault.WORKER_ZOMBIE)
def zombie_after_commit(system: System, rng: Random) -> None:
    """SIGSTOP past its session between the commit and the write to the local store; another takes over; SIGCONT."""
    _zombie(Failpoint.WORKER_COMMIT_AFTER, system, rng)


def _zombie(failpoint: Failpoint, system: System, rng: Random) -> None:
    zombie = system.keeper[WORKER]
    stopped = system.arm(failpoint, WORKER, Action.STOP, hit=rng.randint(1, LATEST_HIT))
    system.wait_fired(stopped)
    with system.keeper.held(WORKER):
        successor = system.add("worker", 1)
        system.until(successor.is_ready, "the successor has the partitions")
        system.flows()
        system.keeper.signal(WORKER, signal.SIGCONT)
        # Its producer is fenced, or the group has told it that its partitions are gone.
        system.until(lambda: not zombie.is_running or zombie.is_ready(), "the zombie knows")
    system.heal()
    system.keeper.remove("worker-1")


@case("local state wiped", Fault.STATE_LOST)
def wiped(system: System, rng: Random) -> None:
    """SIGKILL, and RocksDB is deleted: the state is restored from the changelogs."""
    with system.keeper.held(WORKER):
        system.keeper.kill(WORKER)
        shutil.rmtree(system.settings.data_dir / "state" / WORKER)
