"""The Kafka half of `impressions provision`: read the broker, plan, apply, and check the result."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ConfigSource,
    NewPartitions,
    NewTopic,
    ResourceType,
)

from streams.errors import UserError
from streams.kafka.admin import admin
from streams.provision.plan import (
    Action,
    Alter,
    Change,
    Create,
    Existing,
    Grow,
    Wanted,
    changes,
    plan,
    refusals,
)
from streams.provision.topics_file import Topic
from streams.settings import Settings

# For one request to the broker, whose own limit for creating a topic is 30 s.
REQUEST_SECONDS = 30.0
# For the first answer: a broker that is up answers in milliseconds; the embedded one's start was waited for before.
CONNECT_SECONDS = 5.0
# When a change is acknowledged, the controller has it; every broker has it a moment later.
SETTLE_SECONDS = 30.0
POLL_SECONDS = 0.05


def provision_kafka(settings: Settings, topics: Mapping[str, Topic], dry_run: bool, out: Callable[[str], None]) -> bool:
    """Make the broker's topics match and return whether anything differed; print a line for each difference.

    Changes nothing on a dry run, or if anything is refused. Raises UserError if the broker does not answer or a
    difference is refused, KafkaException if the broker fails a change.
    """
    client = connect(settings)
    wanted = declared(settings, topics)
    actions = _look(client, wanted)
    for action in actions:
        out(str(action))
    if refused := refusals(actions):
        others = f" ({len(refused) - 1} more above)" if len(refused) > 1 else ""
        raise UserError(f"Nothing was changed, because {refused[0].topic} {refused[0].sentence}{others}.")
    todo = changes(actions)
    if todo and not dry_run:
        apply(client, todo)
        _settle(client, wanted)
    return bool(todo)


def connect(settings: Settings) -> AdminClient:
    """Return a client of a broker that answers. Raises UserError when none does."""
    client = admin(settings)
    try:
        client.list_topics(timeout=CONNECT_SECONDS)
    except KafkaException:
        raise UserError(
            f"No Kafka broker answers at {settings.kafka_bootstrap} (IMPRESSIONS_KAFKA_BOOTSTRAP); "
            f"`impressions up kafka` starts the embedded one."
        ) from None
    return client


def declared(settings: Settings, topics: Mapping[str, Topic]) -> dict[str, Wanted]:
    """Return the declared topics as `plan` takes them, with replicas resolved."""
    wanted = {}
    for name, topic in topics.items():
        replicas = topic.replicas(settings.replication_factor)
        config = topic.kafka_config(replicas)
        wanted[name] = Wanted(topic.partitions, replicas, config, topic.partition_growth == "allowed")
    return wanted


def existing_topics(client: AdminClient) -> dict[str, Existing]:
    """Return the broker's topics with their configurations, without Kafka's internal topics."""
    names = [name for name in client.list_topics(timeout=REQUEST_SECONDS).topics if not name.startswith("__")]
    if not names:
        return {}
    described = client.describe_topics(TopicCollection(names), request_timeout=REQUEST_SECONDS)
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
    configs = client.describe_configs(resources, request_timeout=REQUEST_SECONDS)
    by_name = {resource.name: future for resource, future in configs.items()}
    topics = {}
    for name in names:
        try:
            partitions = described[name].result().partitions
            entries = by_name[name].result()
        except KafkaException as error:
            # Listed but not known: it is being created or deleted right now, so it doesn't exist yet or any more.
            if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                continue
            raise
        topics[name] = Existing(
            partitions=len(partitions),
            # The minimum: the partition with the fewest replicas is where data would be lost.
            replicas=min(len(partition.replicas) for partition in partitions),
            config={key: entry.value for key, entry in entries.items()},
            overrides=frozenset(key for key, entry in entries.items() if _is_override(entry)),
        )
    return topics


def apply(client: AdminClient, todo: Sequence[Change]) -> None:
    """Make the changes. One that another process made meanwhile is fine; any other failure raises KafkaException."""
    new = [
        NewTopic(c.topic, c.wanted.partitions, c.wanted.replicas, config=dict(c.wanted.config))
        for c in todo
        if isinstance(c, Create)
    ]
    grown = [NewPartitions(c.topic, c.after) for c in todo if isinstance(c, Grow)]
    altered: dict[str, list[ConfigEntry]] = {}
    for change in todo:
        if isinstance(change, Alter):
            entry = ConfigEntry(change.name, change.after, incremental_operation=AlterConfigOpType.SET)
            altered.setdefault(change.topic, []).append(entry)
    resources = [ConfigResource(ResourceType.TOPIC, t, incremental_configs=entries) for t, entries in altered.items()]
    if new:
        _await(client.create_topics(new, request_timeout=REQUEST_SECONDS), KafkaError.TOPIC_ALREADY_EXISTS)
    if grown:
        _await(client.create_partitions(grown, request_timeout=REQUEST_SECONDS), KafkaError.INVALID_PARTITIONS)
    if resources:
        _await(client.incremental_alter_configs(resources, request_timeout=REQUEST_SECONDS), None)


def _await(futures: Mapping[Any, "Future[None]"], harmless: int | None) -> None:
    for future in futures.values():
        try:
            future.result()
        except KafkaException as error:
            if error.args[0].code() != harmless:
                raise


def _look(client: AdminClient, wanted: Mapping[str, Wanted]) -> list[Action]:
    brokers = len(client.list_topics(timeout=REQUEST_SECONDS).brokers)
    return plan(wanted, existing_topics(client), brokers)


def _settle(client: AdminClient, wanted: Mapping[str, Wanted]) -> None:
    """Return once the broker shows the changes. Raises UserError naming those that it does not show in time."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while left := [*changes(actions := _look(client, wanted)), *refusals(actions)]:
        if time.monotonic() > deadline:
            raise UserError(f"The broker took the changes but does not show them: {'; '.join(map(str, left))}.")
        time.sleep(POLL_SECONDS)


def _is_override(entry: ConfigEntry) -> bool:
    return ConfigSource(entry.source) is ConfigSource.DYNAMIC_TOPIC_CONFIG
