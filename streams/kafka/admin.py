"""What the worker and the sink ask the broker about topics."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import lru_cache
from typing import NamedTuple, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, TopicDescription

from streams.errors import BrokerAwayError, UserError
from streams.kafka.client import Config, cluster, connection
from streams.kafka.read import reader
from streams.settings import Settings

REQUEST_SECONDS = 15.0
# A topic made a moment ago may have no leader yet that knows it, and a broker that just started loads its groups.
NOT_SETTLED = (
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
)
RETRY_SECONDS = 0.1
T = TypeVar("T")


def admin(brokers: Settings | str) -> AdminClient:
    """The process's admin client for a cluster: the settings', or one at an address that asks for no login.

    It is safe to share between threads. Raises UserError for a login that is incomplete.
    """
    config = connection(brokers) if isinstance(brokers, str) else cluster(brokers)
    return _admin(tuple(sorted(config.items())))


@lru_cache
def _admin(config: tuple[tuple[str, str | int | float | bool], ...]) -> AdminClient:
    # librdkafka reports refused connections on stderr by itself; the sentence of the error is enough.
    client: Config = {**dict(config), "socket.timeout.ms": 10_000, "log_level": 0}
    return AdminClient(client)


def give_up_client() -> None:
    """Have the next request use a new admin client, after one that got no answer.

    librdkafka sends such requests to the broker that it took for the controller last. When that one dies, or a broker
    that stood still has answered that there is none, the client may wait for ever beside brokers that are well.
    """
    _admin.cache_clear()


class TopicInfo(NamedTuple):
    """A topic as the broker has it. The id is another one when the topic was deleted and created again."""

    topic_id: str
    partitions: int


def describe(settings: Settings, topic: str) -> TopicInfo:
    """Ask for a topic. Raises UserError when there is none, BrokerAwayError when nobody answers."""
    return describe_all(settings, [topic])[topic]


def describe_all(settings: Settings, topics: Sequence[str]) -> dict[str, TopicInfo]:
    """Ask for topics, in one request. Raises as `describe` does."""
    futures = admin(settings).describe_topics(TopicCollection(list(topics)), request_timeout=REQUEST_SECONDS)
    try:
        return {topic: _described(settings, topic, future) for topic, future in futures.items()}
    except BrokerAwayError:
        give_up_client()
        raise


def _described(settings: Settings, topic: str, future: Future[TopicDescription]) -> TopicInfo:
    try:
        found = future.result()
    except KafkaException as error:
        if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            raise UserError(
                f"There is no topic {topic} at {settings.kafka_bootstrap}: has `impressions provision` run?"
            ) from None
        raise BrokerAwayError(
            f"No Kafka broker answers at {settings.kafka_bootstrap} (IMPRESSIONS_KAFKA_BOOTSTRAP): "
            f"{error.args[0].str()}."
        ) from None
    return TopicInfo(str(found.topic_id), len(found.partitions))


def watermarks(settings: Settings, topic: str, partition: int) -> tuple[int, int]:
    """Return the first offset that the partition still has, and the one behind its last."""
    consumer = reader(settings)
    tp = TopicPartition(topic, partition)
    try:
        low, high = _patiently(consumer, lambda: consumer.get_watermark_offsets(tp, timeout=REQUEST_SECONDS))
    finally:
        consumer.close()
    return int(low), int(high)


class Committed(NamedTuple):
    """What a group has committed for a partition: the next offset to read, -1 for none, and the words left with it."""

    offset: int
    metadata: str


def committed(settings: Settings, group: str, topic: str, partition: int) -> Committed:
    """Ask what a group has committed, without joining it. Raises KafkaException when the broker doesn't say in time.

    By a consumer: AdminClient.list_consumer_group_offsets takes the process down (SIGSEGV in rd_kafka_cgrp_op) when
    the group's coordinator is still loading, because librdkafka 2.16.0 then looks for the client's own group.
    """
    consumer = Consumer({**cluster(settings), "group.id": group, "log_level": 3})
    tp = TopicPartition(topic, partition)
    try:
        (found,) = _patiently(consumer, lambda: consumer.committed([tp], timeout=REQUEST_SECONDS))
    finally:
        consumer.close()
    return Committed(max(int(found.offset), -1), found.metadata or "")


def _patiently(consumer: Consumer, call: Callable[[], T]) -> T:
    """Call until the broker has settled, for REQUEST_SECONDS at the most. Raises BrokerAwayError if it has not then."""
    deadline = time.monotonic() + REQUEST_SECONDS
    while True:
        try:
            return call()
        except KafkaException as error:
            cause: KafkaError = error.args[0]
            if cause.code() not in NOT_SETTLED:
                raise
            if time.monotonic() > deadline:
                raise BrokerAwayError(
                    f"No Kafka broker answers for its partitions within {REQUEST_SECONDS:.0f} s: {cause.str()}."
                ) from None
            consumer.poll(RETRY_SECONDS)
