"""Topics grow, are re-created with other contents, begin above 0, or are set to keep producers' times."""

from random import Random

from confluent_kafka import IsolationLevel, TopicPartition
from confluent_kafka.admin import NewPartitions

from oracle.log import ends
from streams.kafka.names import ARTWORKS
from streams.runtime.exit import EXIT_CONFIG
from tests.faults.case import Fault, case
from tests.faults.operate import readyz, refuse, refused_worker, succeed
from tests.faults.system import OUTPUTS, SECONDS, SOURCE, System, catalogue
from tests.support.load import PARTITIONS, Raw, at_home, flush, impression, now_ms, produce, user_at
from tests.support.program import MemberProcess
from tests.support.stack import produce_catalogue
from tests.support.topics import configure, delete

WORKER = "worker-0"


@case("impressions.v1 has a fifth partition", Fault.SOURCE_GROWN, own=True, calm=True)
def grown(system: System, rng: Random) -> None:
    """It grows under load: the four old partitions go on, the fifth is refused, and /readyz names it."""
    with system.traffic(rng, users="returning"):
        system.works(100)
    assert system.verdict().ok
    system.keeper.excuse(WORKER)
    with system.traffic(rng, users="returning"):
        grow = [NewPartitions(SOURCE, PARTITIONS + 1)]
        system.admin.create_partitions(grow)[SOURCE].result(SECONDS)
        produce(system.settings, [Raw(PARTITIONS, flush("newcomer", [impression("a0001", now_ms())]))])
        system.until(lambda: f"{SOURCE}-{PARTITIONS}" in readyz(system, WORKER), "/readyz names the fifth partition")
        system.flows(200)
        # A new worker finds five partitions from the start; so does one that has to join a group.
        system.keeper.kill(WORKER)
        system.flows(200)
        system.until(lambda: f"{SOURCE}-{PARTITIONS}" in readyz(system, WORKER), "/readyz names the fifth partition")
    assert SOURCE in refuse(system, "provision")


@case("artworks.v1 re-created with other ordinals", Fault.CATALOGUE_RECREATED, own=True, calm=True)
def other_ordinals(system: System, rng: Random) -> None:
    """Each ordinal is another artwork's now: the worker refuses to start until the catalogue has the old ones again."""
    with system.traffic(rng, users="returning"):
        system.works(100)
    assert system.verdict().ok
    before = system.ends()
    with system.keeper.held(WORKER):
        system.keeper.kill(WORKER)
        _recreate(system, shift=1)
        for _ in range(2):
            assert ARTWORKS in refused_worker(system)
        assert system.ends() == before
        _recreate(system)
    with system.traffic(rng, users="returning"):
        system.works(100)


@case("artworks.v1 re-created while the worker runs", Fault.CATALOGUE_RECREATED, own=True, calm=True)
def same_ordinals(system: System, rng: Random) -> None:
    """It is deleted and filled again with the same ordinals under a running worker, which goes on, as does the next."""
    with system.traffic(rng, users="returning"):
        system.works(100)
    assert system.verdict().ok
    with system.keeper.held(WORKER):
        _recreate(system)
    with system.traffic(rng, users="returning"):
        system.works(100)
        system.keeper.kill(WORKER)
        system.works(100)


@case("artworks.v1 begins above 0", Fault.CATALOGUE_CUT, calm=True)
def begins_above_0(system: System, rng: Random) -> None:
    """The records that newer ones have replaced are deleted in front: a new worker loads the catalogue all the same."""
    system.oracle.read()
    place = TopicPartition(ARTWORKS, 0)
    place.offset = ends(system.admin, [place], IsolationLevel.READ_UNCOMMITTED)[place]
    produce_catalogue(system.settings, catalogue())
    # A broker refuses to delete records of a topic that is only compacted.
    configure(system.settings, ARTWORKS, "cleanup.policy", "compact,delete")
    for future in system.admin.delete_records([place]).values():
        future.result(SECONDS)
    configure(system.settings, ARTWORKS, "cleanup.policy", "compact")
    system.keeper.kill(WORKER)
    with system.traffic(rng):
        system.works()


@case("impressions.v1 keeps producers' times", Fault.CREATE_TIME, own=True, calm=True)
def create_time(system: System, rng: Random) -> None:
    """The source gets records while it is set to CreateTime: none is judged, and the worker refuses to go on."""
    with system.traffic(rng, users="returning"):
        system.works(100)
    assert system.verdict().ok
    before, worker = system.ends(), system.keeper[WORKER]
    with system.keeper.held(WORKER):
        configure(system.settings, SOURCE, "message.timestamp.type", "CreateTime")
        users = [user_at(partition, "returning") for partition in range(PARTITIONS)]
        produce(system.settings, [at_home(user, flush(user, [impression("a0001", now_ms())])) for user in users])
        # As it reads such a record, or as it starts.
        assert worker.wait_exit() == EXIT_CONFIG, worker.output()
        assert "LogAppendTime" in worker.output()
        again = MemberProcess("worker", system.settings)
        assert again.start().wait_exit() == EXIT_CONFIG, again.output()
        assert "LogAppendTime" in again.output()
        # The broker may append its own times again, but not to records that are there.
        after = system.ends()
        assert {topic: after[topic] for topic in OUTPUTS} == {topic: before[topic] for topic in OUTPUTS}
        delete(system.settings, SOURCE)
        succeed(system, "provision")
        worker.start()
    with system.traffic(rng, users="returning"):
        system.works(100)


def _recreate(system: System, shift: int = 0) -> None:
    delete(system.settings, ARTWORKS)
    succeed(system, "provision")
    produce_catalogue(system.settings, catalogue(shift))
