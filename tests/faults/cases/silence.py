"""Messages that never come: a producer of impressions leaves a transaction open, for a while or for ever."""

from random import Random

from confluent_kafka import Producer

from streams.kafka.names import IMPRESSIONS
from tests.faults.case import Fault, case
from tests.faults.system import SECONDS, System
from tests.support.load import PARTITIONS, flush, impression, now_ms, user_at
from tests.support.wait import let_pass

# The stranger's own limit, after which the broker aborts its transaction; it looks once a second.
TIMEOUT_SECONDS = 6.0
# How long it hesitates to commit: long enough for a load to come after what it has sent.
HESITATES_SECONDS = 3.0


def stranger(system: System, timeout: float) -> Producer:
    """Return a producer that has sent a flush to each partition in a transaction that is still open."""
    now = now_ms()
    producer = Producer(
        {
            "bootstrap.servers": system.settings.kafka_bootstrap,
            "transactional.id": f"stranger-{now}",
            "transaction.timeout.ms": int(timeout * 1000),
            "log_level": 0,
        }
    )
    producer.init_transactions(SECONDS)
    producer.begin_transaction()
    for partition in range(PARTITIONS):
        user = user_at(partition, f"stranger{now}")
        producer.produce(IMPRESSIONS, flush(user, [impression("a0001", now)]), partition=partition)
    assert producer.flush(SECONDS) == 0
    return producer


@case("transaction of a producer never ended", Fault.TRANSACTION_OPEN)
def never_ended(system: System, rng: Random) -> None:
    """Nothing after it can be read until the broker aborts it: then each line after it is judged, once."""
    left = stranger(system, TIMEOUT_SECONDS)
    let_pass(TIMEOUT_SECONDS)
    system.flows(200)
    del left


@case("transaction of a producer committed late", Fault.TRANSACTION_OPEN)
def committed_late(system: System, rng: Random) -> None:
    """Its lines are judged at their own place in the log, before those that were sent after them."""
    late = stranger(system, 10 * TIMEOUT_SECONDS)
    let_pass(HESITATES_SECONDS)
    late.commit_transaction(SECONDS)
    system.flows(200)
