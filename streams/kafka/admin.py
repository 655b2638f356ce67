"""What the worker and the sink ask the broker about topics."""

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from confluent_kafka import Consumer, IsolationLevel, KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec, TopicDescription

from impression_streams.client import connection
from streams.errors import BrokerAwayError, Kind, TopicMissingError, UserError
from streams.kafka.client import cluster
from streams.kafka.errors import LOGIN, MISSING, SILENT, bad_login, explaining, kafka_kind, known
from streams.kafka.read import reader
from streams.settings import Settings

REQUEST_SECONDS = 15.0
# The leader of a topic that was just created may not know it yet, and a broker that just started is loading its groups.
NOT_SETTLED = (
    KafkaError._UNKNOWN_PARTITION,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
)
RETRY_SECONDS = 0.1
T = TypeVar("T")


def admin(brokers: Settings | str) -> AdminClient:
    """Return the process's admin client for a cluster: the settings' one, or one at an address without login.

    Safe to share between threads. Raises UserError if the login is incomplete.
    """
    return _shared(brokers).client


class _Admin(NamedTuple):
    """An admin client, and the refused logins that it reports: the requests themselves only time out then."""

    client: AdminClient
    refusals: list[KafkaError]


def _shared(brokers: Settings | str) -> _Admin:
    config = connection(brokers) if isinstance(brokers, str) else cluster(brokers)
    return _admin(tuple(sorted(config.items())))


@lru_cache
def _admin(config: tuple[tuple[str, str | int | float | bool], ...]) -> _Admin:
    refusals: list[KafkaError] = []

    def note(error: KafkaError) -> None:
        if error.code() in LOGIN:
            refusals[:] = [error]

    # librdkafka logs refused connections on stderr itself; our error's sentence is enough.
    client: dict[str, Any] = {**dict(config), "socket.timeout.ms": 10_000, "log_level": 0, "error_cb": note}
    return _Admin(AdminClient(client), refusals)


def give_up_client() -> None:
    """Make the next request use a new admin client, after one request got no answer.

    librdkafka sends admin requests to the broker that it last knew as the controller. If that broker dies, or a broker
    that hung has answered that there is no controller, the client may wait for ever although other brokers are healthy.
    """
    _admin.cache_clear()


class TopicInfo(NamedTuple):
    """A topic as the broker reports it. A re-created topic has a new id."""

    topic_id: str
    partitions: int
    leaderless: frozenset[int] = frozenset()
    """The partitions that can't be read or written now: no broker that is up may lead them."""


def describe(settings: Settings, topic: str) -> TopicInfo:
    """Describe a topic.

    Raises TopicMissingError if it doesn't exist, UserError if we may not, BrokerAwayError if no broker answers.
    """
    return describe_all(settings, [topic])[topic]


def describe_all(settings: Settings, topics: Sequence[str]) -> dict[str, TopicInfo]:
    """Describe topics in one request. Raises as `describe` does."""
    shared = _shared(settings)
    futures = shared.client.describe_topics(TopicCollection(list(topics)), request_timeout=REQUEST_SECONDS)
    try:
        return {topic: _described(settings, topic, future) for topic, future in futures.items()}
    except BrokerAwayError:
        give_up_client()
        shared.client.poll(0)  # serves what the client has to report
        if shared.refusals:
            raise bad_login(shared.refusals[-1].str()) from None
        raise


def _described(settings: Settings, topic: str, future: Future[TopicDescription]) -> TopicInfo:
    try:
        found = future.result()
    except KafkaException as error:
        cause: KafkaError = error.args[0]
        if cause.code() in MISSING:
            raise TopicMissingError(
                f"There is no topic {topic} at {settings.kafka_bootstrap}: has `impressions provision` run?"
            ) from None
        if cause.code() in SILENT:
            raise BrokerAwayError(
                f"No Kafka broker answers at {settings.kafka_bootstrap} (IMPRESSIONS_KAFKA_BOOTSTRAP): {cause.str()}."
            ) from None
        raise known(error, f"describe {topic}", f"Describe on the topic {topic}") from None
    leaderless = frozenset(each.id for each in found.partitions if each.leader is None or each.leader.id < 0)
    return TopicInfo(str(found.topic_id), len(found.partitions), leaderless)


def watermarks(settings: Settings, topic: str, partition: int) -> tuple[int, int]:
    """Return a partition's watermarks: the first offset that it still has, and the offset after its last record.

    Raises UserError if there is no such partition or we may not know, BrokerAwayError if no broker can tell.
    """
    consumer = reader(settings)
    tp = TopicPartition(topic, partition)
    try:
        low, high = _patiently(consumer, lambda: consumer.get_watermark_offsets(tp, timeout=REQUEST_SECONDS))
    except KafkaException as error:
        raise _why_no_ends(settings, tp, error) from None
    finally:
        consumer.close()
    return int(low), int(high)


def _why_no_ends(settings: Settings, tp: TopicPartition, error: KafkaException) -> Exception:
    """Return the error to raise: the client says the same for a broker, a leader and a partition that is missing."""
    cause: KafkaError = error.args[0]
    if kafka_kind(cause) is Kind.WAIT or cause.code() in MISSING:
        found = describe(settings, tp.topic)
        if tp.partition >= found.partitions:
            return UserError(f"{tp.topic} has {found.partitions} partitions, so there is no partition {tp.partition}.")
        require_leader(found, tp.topic, tp.partition)
        return BrokerAwayError(f"The leader of partition {tp.partition} of {tp.topic} doesn't answer: {cause.str()}.")
    return known(
        error, f"say where partition {tp.partition} of {tp.topic} ends", f"Describe and Read on the topic {tp.topic}"
    )


def require_leader(found: TopicInfo, topic: str, partition: int) -> None:
    """Raise BrokerAwayError if a partition has no leader."""
    if partition in found.leaderless:
        raise BrokerAwayError(f"Partition {partition} of {topic} is offline: all brokers that may lead it are away.")


def ends(settings: Settings, topic: str, partitions: Iterable[int], isolation: IsolationLevel) -> dict[int, int]:
    """Return the offset at which each partition ends for readers of this isolation level, without a fetch.

    Partitions for which no answer comes are left out.
    """
    # The client has no annotations for OffsetSpec.
    asked = {TopicPartition(topic, number): OffsetSpec.latest() for number in partitions}  # type: ignore[no-untyped-call]
    if not asked:
        return {}
    found: dict[int, int] = {}
    futures = admin(settings).list_offsets(asked, isolation_level=isolation, request_timeout=REQUEST_SECONDS)
    for tp, future in futures.items():
        if future.exception() is None:
            found[tp.partition] = int(future.result().offset)
    return found


class Committed(NamedTuple):
    """What a group has committed for a partition: the next offset to read (-1: none), and its metadata."""

    offset: int
    metadata: str


def committed(settings: Settings, group: str, topic: str, partition: int) -> Committed:
    """Return what a group has committed, without joining it.

    Raises BrokerAwayError if no answer comes in time, UserError if we may not know.

    Uses a consumer because AdminClient.list_consumer_group_offsets crashes the process (SIGSEGV in rd_kafka_cgrp_op)
    while the group's coordinator is loading: librdkafka 2.16.0 then looks for the client's own group.
    """
    consumer = Consumer({**cluster(settings), "group.id": group, "log_level": 3})
    tp = TopicPartition(topic, partition)
    try:
        with explaining(f"say what {group} has committed", f"Describe on the group {group} and the topic {topic}"):
            (found,) = _patiently(consumer, lambda: consumer.committed([tp], timeout=REQUEST_SECONDS))
    finally:
        consumer.close()
    return Committed(max(int(found.offset), -1), found.metadata or "")


def _patiently(consumer: Consumer, call: Callable[[], T]) -> T:
    """Retry until the broker has settled, for at most REQUEST_SECONDS. Raises KafkaException after that."""
    deadline = time.monotonic() + REQUEST_SECONDS
    while True:
        try:
            return call()
        except KafkaException as error:
            cause: KafkaError = error.args[0]
            if cause.code() not in NOT_SETTLED or time.monotonic() > deadline:
                raise
            consumer.poll(RETRY_SECONDS)
