"""Traffic beside the faults: impressions at a steady rate, until it is told to end; none of them may get lost."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from confluent_kafka import KafkaError, Message, Producer

from streams.settings import Settings
from tests.support.load import USUAL, Raw, Shape, load

TOPIC = "impressions.v1"
# Outages of the broker are waited out: a record that is given up would be a hole of the test's, not the system's.
DELIVERY_SECONDS = 300.0
# Records a second: several transactions a second in each partition, on machines that are busy otherwise.
RATE = 60.0
USERS = 80


class Traffic:
    """Produces in a thread of its own."""

    def __init__(self, settings: Settings, rng: Random, name: str, shape: Shape = USUAL, rate: float = RATE) -> None:
        self._records = load(rng, name, float("inf"), USERS, shape)
        self._rate = rate
        self._ending = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="traffic")
        self._producer = Producer(
            {
                "bootstrap.servers": settings.kafka_bootstrap,
                "enable.idempotence": True,
                "linger.ms": 5,
                "delivery.timeout.ms": int(DELIVERY_SECONDS * 1000),
                "message.max.bytes": 4 * 1024 * 1024,
                "topic.metadata.refresh.interval.ms": 5_000,
                "log_level": 0,
            }
        )

    @contextmanager
    def flowing(self) -> Iterator["Traffic"]:
        """Produce for the time of the body; at its end wait until the broker has everything."""
        self._thread.start()
        try:
            yield self
        finally:
            self._ending.set()
            self._thread.join()
        self.check()

    def check(self) -> None:
        """Raise what went wrong."""
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            begun, sent = time.monotonic(), 0
            # The rate is kept by the clock: what a slow moment misses is caught up.
            while not self._ending.wait(max(0.0, begun + sent / self._rate - time.monotonic())):
                self._send(next(self._records))
                sent += 1
            left = self._producer.flush(DELIVERY_SECONDS)
            assert left == 0, f"{left} records were never acknowledged"
        except BaseException as error:
            self._failure = error

    def _send(self, record: Raw) -> None:
        self._producer.produce(TOPIC, record.value, partition=record.partition, on_delivery=self._delivered)
        self._producer.poll(0)

    def _delivered(self, error: KafkaError | None, _: Message) -> None:
        if error is not None:
            self._failure = AssertionError(f"the broker did not take a record: {error.str()}")
