"""What the worker and the sink ask the broker about topics."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import lru_cache
from typing import NamedTuple, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, TopicDescription

from impression_streams.client import connection
from streams.errors import BrokerAwayError, UserError
from streams.kafka.client import Config, cluster
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
    config = connection(brokers) if isinstance(brokers, str) else cluster(brokers)
    return _admin(tuple(sorted(config.items())))


@lru_cache
def _admin(config: tuple[tuple[str, str | int | float | bool], ...]) -> AdminClient:
    # librdkafka logs refused connections on stderr itself; our error's sentence is enough.
    client: Config = {**dict(config), "socket.timeout.ms": 10_000, "log_level": 0}
    return AdminClient(client)


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


def describe(settings: Settings, topic: str) -> TopicInfo:
    """Describe a topic. Raises UserError if it doesn't exist, BrokerAwayError if no broker answers."""
    return describe_all(settings, [topic])[topic]


def describe_all(settings: Settings, topics: Sequence[str]) -> dict[str, TopicInfo]:
    """Describe topics in one request. Raises as `describe` does."""
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
    """Return a partition's watermarks: the first offset that it still has, and the offset after its last record."""
    consumer = reader(settings)
    tp = TopicPartition(topic, partition)
    try:
        low, high = _patiently(consumer, lambda: consumer.get_watermark_offsets(tp, timeout=REQUEST_SECONDS))
    finally:
        consumer.close()
    return int(low), int(high)


class Committed(NamedTuple):
    """What a group has committed for a partition: the next offset to read (-1: none), and its metadata."""

    offset: int
    metadata: str


def committed(settings: Settings, group: str, topic: str, partition: int) -> Committed:
    """Return what a group has committed, without joining it. Raises KafkaException if no answer comes in time.

    Uses a consumer because AdminClient.list_consumer_group_offsets crashes the process (SIGSEGV in rd_kafka_cgrp_op)
    while the group's coordinator is loading: librdkafka 2.16.0 then looks for the client's own group.
    """
    consumer = Consumer({**cluster(settings), "group.id": group, "log_level": 3})
    tp = TopicPartition(topic, partition)
    try:
        (found,) = _patiently(consumer, lambda: consumer.committed([tp], timeout=REQUEST_SECONDS))
    finally:
        consumer.close()
    return Committed(max(int(found.offset), -1), found.metadata or "")


def _patiently(consumer: Consumer, call: Callable[[], T]) -> T:
    """Retry until the broker has settled, for at most REQUEST_SECONDS. Raises BrokerAwayError after that."""
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
