"""Commands run at the same time, while they may not, or are killed half way and run again."""

from random import Random

from streams.kafka import names
from streams.kafka.names import changelog
from streams.runtime.failpoints import Failpoint
from streams.state.partition_state import Table
from tests.faults.case import Fault, case
from tests.faults.operate import refuse, refused_worker, start, succeed, together
from tests.faults.system import SECONDS, System
from tests.support.topics import delete

WORKER = "worker-0"


@case("three provisions of a new installation", Fault.COMMANDS_TOGETHER, own=True, bare=True, calm=True)
def first_provisions(system: System, rng: Random) -> None:
    """`provision` three times at once, where there was nothing: each succeeds or says why not, and one more works."""
    together(system, ["provision"] * 3)
    succeed(system, "provision")
    system.begin()
    with system.traffic(rng):
        system.works(100)


@case("three provisions under load", Fault.COMMANDS_TOGETHER)
def provisions(system: System, rng: Random) -> None:
    """`provision` three times at once on a running system: nothing changes."""
    done = together(system, ["provision"] * 3)
    assert all(each.code == 0 for each in done), done


@case("rebuild while the worker runs", Fault.COMMANDS_TOGETHER)
def rebuild_refused(system: System, rng: Random) -> None:
    """`rebuild` refuses with a sentence, and changes nothing."""
    refuse(system, "rebuild")


@case("two rebuilds at once", Fault.COMMANDS_TOGETHER, own=True, calm=True)
def rebuilds(system: System, rng: Random) -> None:
    """`rebuild` twice at once after both changelogs were lost: one of them, or one more, leads back to the state."""
    _lose_state(system, rng)
    with system.keeper.held(WORKER):
        if all(each.code for each in together(system, ["rebuild", "rebuild"])):
            succeed(system, "rebuild")
        succeed(system, "provision")
    with system.traffic(rng, users="returning"):
        system.works(200)


def _killed(failpoint: Failpoint, hit: int, name: str, system: System) -> None:
    """Kill a command at a failpoint."""
    fired = system.arm(failpoint, name, hit=hit)
    child = start(system, name, failpoints=True)
    try:
        output, _ = child.communicate(timeout=SECONDS)
    finally:
        child.kill()
    assert fired.exists(), output


@case("provision killed before its first commit", Fault.COMMAND_KILLED, own=True, bare=True, calm=True)
def provision_killed(system: System, rng: Random) -> None:
    """SIGKILL with the first position on the broker, uncommitted; again at the next commit; then it must succeed."""
    _killed(Failpoint.WORKER_PRODUCED, 1, "provision", system)
    _killed(Failpoint.WORKER_COMMIT_AFTER, 1, "provision", system)
    succeed(system, "provision")
    system.begin()
    with system.traffic(rng):
        system.works(100)


@case("rebuild killed", Fault.COMMAND_KILLED, own=True, calm=True)
def rebuild_killed(system: System, rng: Random) -> None:
    """SIGKILL at four of its commits: until it has succeeded, the worker refuses."""
    _lose_state(system, rng)
    with system.keeper.held(WORKER):
        for failpoint, hit in (
            (Failpoint.WORKER_PRODUCED, 1),
            (Failpoint.WORKER_COMMIT_AFTER, 1),
            (Failpoint.WORKER_COMMIT_BEFORE, 2),
            (Failpoint.WORKER_COMMIT_AFTER, 3),
        ):
            _killed(failpoint, hit, "rebuild", system)
        assert "impressions rebuild" in refused_worker(system)
        system.wait_no_members(names.WORKER_GROUP)
        succeed(system, "rebuild")
    with system.traffic(rng, users="returning"):
        system.works(200)


def _lose_state(system: System, rng: Random) -> None:
    """Delete the changelogs after some work; return once the group is empty. The keeper may have restarted nothing."""
    with system.traffic(rng, users="returning"):
        system.works(200)
    assert system.verdict().ok
    system.keeper.hold(WORKER)
    system.keeper.kill(WORKER)
    for table in Table:
        delete(system.settings, changelog(table))
    system.wait_no_members(names.WORKER_GROUP)
