"""Logs are deleted, truncated or re-created. Each case has a system of its own."""

from collections.abc import Callable
from random import Random

from confluent_kafka import TopicPartition

from tests.faults.case import Fault, case
from tests.faults.operate import refused_worker, succeed
from tests.faults.system import SECONDS, System
from tests.support.load import PARTITIONS
from tests.support.topics import configure, delete

SOURCE = "impressions.v1"
WINDOWS, COVERAGE = "impressions-windows-changelog", "impressions-coverage-changelog"
WORKER = "worker-0"


@case("changelog deleted, RocksDB kept", Fault.CHANGELOG_LOST, own=True, calm=True)
def changelog_deleted(system: System, rng: Random) -> None:
    """The windows' changelog is deleted: the worker refuses to start until `impressions rebuild` repairs the state."""
    _refused_and_rebuilt(system, rng, lambda: delete(system.settings, WINDOWS))


@case("both changelogs deleted", Fault.CHANGELOG_LOST, own=True, calm=True)
def changelogs_deleted(system: System, rng: Random) -> None:
    """Both changelogs, with the positions, are deleted: the worker refuses until `impressions rebuild` repairs this."""

    def lose() -> None:
        delete(system.settings, WINDOWS)
        delete(system.settings, COVERAGE)

    _refused_and_rebuilt(system, rng, lose)


@case("changelog truncated", Fault.CHANGELOG_LOST, own=True, calm=True)
def changelog_truncated(system: System, rng: Random) -> None:
    """The windows' changelog loses all its records: the worker refuses until `impressions rebuild` repairs this."""

    def lose() -> None:
        # A broker refuses to delete records of a topic that is only compacted.
        configure(system.settings, WINDOWS, "cleanup.policy", "compact,delete")
        everything = [TopicPartition(WINDOWS, partition, -1) for partition in range(PARTITIONS)]
        for future in system.admin.delete_records(everything).values():
            future.result(SECONDS)
        configure(system.settings, WINDOWS, "cleanup.policy", "compact")

    _refused_and_rebuilt(system, rng, lose)


def _refused_and_rebuilt(system: System, rng: Random, lose: Callable[[], None]) -> None:
    with system.traffic(rng, users="returning"):
        system.works(200)
    assert system.verdict().ok
    with system.keeper.held(WORKER):
        system.keeper.kill(WORKER)
        lose()
        for _ in range(2):
            assert "impressions rebuild" in refused_worker(system)
        system.wait_no_members("impressions")
        succeed(system, "rebuild")
    with system.traffic(rng, users="returning"):
        system.works(200)


@case("impressions.v1 made again while the worker runs", Fault.SOURCE_RECREATED, own=True, calm=True)
def source_made_again(system: System, rng: Random) -> None:
    """The source is deleted, re-created and filled at once under a running worker: nothing is skipped or merged."""
    with system.traffic(rng):
        system.works(200)
    assert system.verdict().ok
    delete(system.settings, SOURCE)
    succeed(system, "provision")
    with system.traffic(rng):
        system.works(200)


@case("impressions.v1 made again while the worker is down", Fault.SOURCE_RECREATED, own=True, calm=True)
def source_made_again_without_worker(system: System, rng: Random) -> None:
    """The source is deleted, re-created and filled past the old position before the worker comes back."""
    with system.traffic(rng):
        system.works(100)
    assert system.verdict().ok
    with system.keeper.held(WORKER):
        system.keeper.kill(WORKER)
        delete(system.settings, SOURCE)
        succeed(system, "provision")
        system.fill(rng, 300)
    with system.traffic(rng):
        system.works(100)
