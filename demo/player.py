"""Play a plan: produce each record at its time and collect the delivery reports.

Good flushes go through two connections of the SDK, and so do broken ones that it can be made to send. The catalogue,
and records without a value, go through a plain client.
"""

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from math import ceil

from confluent_kafka import KafkaError, Message, Producer

from demo.plan.plan import Plan
from demo.plan.steps import IMPRESSIONS, Step
from oracle.log import QUIET
from streams.errors import UserError
from streams.sdk import Delivery, ImpressionProducer, UndeliveredError

CONNECTIONS = 2
# A broker on this machine answers within milliseconds; without an answer by then something is broken.
REQUEST_SECONDS = 20.0
POLL_SECONDS = 0.2
# librdkafka's RD_KAFKA_PARTITION_UA: the partitioner chooses.
ANY_PARTITION = -1


@dataclass(slots=True)
class Deliveries:
    """Delivery reports: ms from sending to acknowledgement of each record, and the errors of the others."""

    milliseconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def records(self) -> int:
        """Return how many records were sent."""
        return len(self.milliseconds) + len(self.failures)

    @property
    def acknowledged(self) -> int:
        """Return how many of them the broker acknowledged."""
        return len(self.milliseconds)

    @property
    def p95_ms(self) -> float:
        """Return within how many ms 95 % of those were; 0 for none."""
        values = sorted(self.milliseconds)
        return values[ceil(0.95 * len(values)) - 1] if values else 0.0


class Player:
    """The demo's producers. Close it, or its connections outlive the broker."""

    def __init__(self, bootstrap: str) -> None:
        self.deliveries = Deliveries()
        self._sdk = [ImpressionProducer(bootstrap, on_delivery=self._delivered) for _ in range(CONNECTIONS)]
        self._plain = Producer({**QUIET, "bootstrap.servers": bootstrap, "enable.idempotence": True})

    def play(self, plan: Plan, seconds: float, progress: Callable[[int], None]) -> None:
        """Produce every record, with the plan's time compressed into `seconds`; return once all are acknowledged.

        Raises UserError if the broker stops answering.
        """
        begun = time.monotonic()
        for done, step in enumerate(plan.steps):
            share = (step.at - plan.start) / (plan.end - plan.start)
            self._serve_until(begun + min(share, 1.0) * seconds)
            self._send(step)
            progress(done + 1)
        unanswered = self._plain.flush(REQUEST_SECONDS)
        if unanswered or not all(producer.wait(REQUEST_SECONDS) for producer in self._sdk):
            raise UserError("Kafka did not acknowledge all records of the demo; see its log.")

    def close(self) -> None:
        """Close the connections."""
        for producer in self._sdk:
            # Undelivered records were reported to `_delivered`, and the summary shows them.
            with suppress(UndeliveredError):
                producer.close()
        self._plain.close()

    def _serve_until(self, moment: float) -> None:
        """Serve the plain client's delivery reports until then; the SDK has its own threads."""
        while (left := moment - time.monotonic()) > 0:
            # In slices, because librdkafka doesn't return for a signal.
            self._plain.poll(min(left, POLL_SECONDS))

    def _send(self, step: Step) -> None:
        if step.topic != IMPRESSIONS or step.value is None:
            self._send_plain(step)
        elif step.good:
            self._sdk[step.connection].send_flush(json.loads(step.value))
        else:
            key = None if step.key is None else step.key.decode()
            self._sdk[step.connection].send_raw(step.value, partition=step.partition, key=key)

    def _send_plain(self, step: Step) -> None:
        begun = time.perf_counter()

        def answered(error: KafkaError | None, _message: Message) -> None:
            self._count(1000 * (time.perf_counter() - begun), None if error is None else str(error))

        partition = ANY_PARTITION if step.partition is None else step.partition
        self._plain.produce(step.topic, step.value, step.key, partition, on_delivery=answered)

    def _delivered(self, delivery: Delivery) -> None:
        self._count(delivery.latency_ms, delivery.error)

    def _count(self, milliseconds: float, error: str | None) -> None:
        if error is None:
            self.deliveries.milliseconds.append(milliseconds)
        else:
            self.deliveries.failures.append(error)
