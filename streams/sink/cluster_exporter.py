"""Exports what the brokers say of their partitions and of the source's ends, and when certificates expire.

It has its own thread and asks through the process's admin client, so it sees that the source grows while every worker
hangs. While no broker answers, the metrics stay as they were; `impressions_broker_away_seconds` reports that.
"""

import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any

from confluent_kafka import IsolationLevel, KafkaException, TopicPartition
from confluent_kafka.admin import ConfigResource, OffsetSpec, ResourceType

from streams.errors import UserError
from streams.kafka.admin import admin, give_up_client
from streams.kafka.names import IMPRESSIONS
from streams.metrics import installation as metrics
from streams.provision.topics_file import load
from streams.runtime import log
from streams.settings import Settings
from streams.sink.certificates import Address, certificates

logger = log.get(__name__)

# As often as Prometheus asks.
SECONDS = 15.0
# The date of a certificate changes when it is replaced.
CERTIFICATES_SECONDS = 3600.0
ANSWER_SECONDS = 10.0
# Without these two of Kafka's own, nothing can be committed. A cluster's other topics are others' business.
INTERNAL = {"__consumer_offsets", "__transaction_state"}
STATES = OFFLINE, UNDER_MIN_ISR, UNDER_REPLICATED = "offline", "under_min_isr", "under_replicated"


def census(topics: Mapping[str, Any], least: Mapping[str, int]) -> dict[str, int]:
    """Count the partitions in each of STATES, of topics as the admin client's `list_topics` returns them.

    `least` is each topic's min.insync.replicas; a topic that it lacks has just been created.
    """
    counts = dict.fromkeys(STATES, 0)
    for name, topic in topics.items():
        for partition in topic.partitions.values():
            in_sync = len(partition.isrs)
            counts[OFFLINE] += partition.leader < 0
            counts[UNDER_MIN_ISR] += in_sync < least.get(name, 0)
            counts[UNDER_REPLICATED] += in_sync < len(partition.replicas)
    return counts


class ClusterExporter:
    """Asks the brokers at intervals, until the process ends."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._watched = load(settings).keys() | INTERNAL
        self._certificates: set[str] = set()

    def start(self) -> None:
        """Start asking, in a thread."""
        threading.Thread(target=self._run, name="cluster", daemon=True).start()

    def show(self) -> list[Address]:
        """Ask the brokers once; return their addresses. Raises KafkaException or UserError; the metrics then stay."""
        client = admin(self._settings)
        found = client.list_topics(timeout=ANSWER_SECONDS)
        topics = {name: found.topics[name] for name in self._watched & found.topics.keys()}
        for partition, offset in self._ends(topics[IMPRESSIONS].partitions if IMPRESSIONS in topics else ()).items():
            metrics.source_end.labels(str(partition)).set(offset)
        asked = client.describe_configs(
            [ConfigResource(ResourceType.TOPIC, name) for name in topics], request_timeout=ANSWER_SECONDS
        )
        least = {each.name: int(future.result()["min.insync.replicas"].value) for each, future in asked.items()}
        for state, count in census(topics, least).items():
            metrics.kafka_partitions.labels(state).set(count)
        return [(str(broker.host), broker.port) for broker in found.brokers.values()]

    def show_certificates(self, brokers: Iterable[Address]) -> None:
        """Read the certificates once. One that can't be read keeps its last date; the reason is logged."""
        found = certificates(self._settings, brokers)
        for name in self._certificates - found.keys():
            metrics.certificate_expiry.remove(name)
        self._certificates &= found.keys()
        for name, expiry in found.items():
            try:
                at = expiry()
            except OSError as error:
                logger.warning("certificate_not_read", certificate=name, detail=str(error))
            else:
                metrics.certificate_expiry.labels(name).set(at)
                self._certificates.add(name)

    def _ends(self, partitions: Iterable[int]) -> dict[int, int]:
        # The client has no annotations for this. Uncommitted: the end is after an open transaction, not before it.
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        futures = admin(self._settings).list_offsets(
            {TopicPartition(IMPRESSIONS, number): latest for number in partitions},
            isolation_level=IsolationLevel.READ_UNCOMMITTED,
            request_timeout=ANSWER_SECONDS,
        )
        return {tp.partition: int(future.result().offset) for tp, future in futures.items()}

    def _run(self) -> None:
        read_at = -CERTIFICATES_SECONDS
        while True:
            try:
                brokers = self.show()
                if time.monotonic() - read_at >= CERTIFICATES_SECONDS:
                    self.show_certificates(brokers)
                    read_at = time.monotonic()
            except (KafkaException, UserError) as error:
                # The broker's health is reported elsewhere; here it is enough to ask again.
                give_up_client()
                logger.info("cluster_not_read", detail=str(error).split("\n", 1)[0][:300])
            time.sleep(SECONDS)
