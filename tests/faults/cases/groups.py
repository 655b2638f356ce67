"""Members come and go, or offsets are moved by hand."""

from random import Random

from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition

from tests.faults.case import Fault, case
from tests.faults.system import SECONDS, System
from tests.support.load import PARTITIONS
from tests.support.wait import let_pass

OUTPUTS = ("impressions.accepted.v1", "impressions.ledger.v1", "impressions.rejected.v1")
JOIN_SECONDS = 5.0


def _come_and_go(system: System, rng: Random, times: int) -> None:
    for _ in range(times):
        index = rng.choice((1, 2))
        kind = rng.choice(("worker", "worker", "sink"))
        name = f"{kind}-{index}"
        if name in system.keeper:
            if rng.random() < 0.5:
                system.keeper.kill(name)
            system.keeper.remove(name)
        else:
            system.add(kind, index)
        let_pass(JOIN_SECONDS)
    _leave(system)


def _leave(system: System) -> None:
    system.heal()
    for program in system.keeper.programs():
        if program.index:
            system.keeper.remove(program.name)


@case("4 members come and go", Fault.MEMBERS_CHANGE)
def some(system: System, rng: Random) -> None:
    """Every five seconds a second or third worker or sink joins, or leaves (in an orderly way or by SIGKILL)."""
    _come_and_go(system, rng, 4)


@case("20 members come and go", Fault.MEMBERS_CHANGE)
def many(system: System, rng: Random) -> None:
    """The same, 20 times."""
    _come_and_go(system, rng, 20)


@case("offsets of the worker rewound to 0", Fault.WORKER_REWOUND)
def worker_rewound(system: System, rng: Random) -> None:
    """The committed offsets of the group are set to 0 while it has no members."""
    with system.keeper.held("worker-0"):
        system.keeper.kill("worker-0")
        _move(system, "impressions", ["impressions.v1"])


@case("offsets of the sink rewound to 0", Fault.SINK_REWOUND)
def sink_rewound(system: System, rng: Random) -> None:
    """The committed offsets of the sink are set to 0 while its group has no members."""
    with system.keeper.held("sink-0"):
        system.keeper.kill("sink-0")
        _move(system, "impressions-sink", OUTPUTS)


def _move(system: System, group: str, topics: list[str] | tuple[str, ...]) -> None:
    system.wait_no_members(group)
    offsets = [TopicPartition(topic, partition, 0) for topic in topics for partition in range(PARTITIONS)]
    system.admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(group, offsets)])[group].result(SECONDS)
