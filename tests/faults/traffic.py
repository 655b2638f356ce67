"""Traffic during the faults: impressions at a steady rate until it is stopped; none of them may be lost."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from random import Random
from typing import Any

from confluent_kafka import KafkaError, Message, Producer

from streams.settings import Settings
from tests.support import hurtful
from tests.support.load import USUAL, Raw, Shape, load

TOPIC = "impressions.v1"
# Long enough to outlast outages of the broker: a record that is given up would be lost by the test, not the system.
DELIVERY_SECONDS = 300.0
# Records per second: several transactions a second in each partition, even on a busy machine.
RATE = 60.0
USERS = 80


class Traffic:
    """Produces in its own thread."""

    def __init__(self, settings: Settings, rng: Random, name: str, shape: Shape = USUAL, rate: float = RATE) -> None:
        self._records = load(rng, name, float("inf"), USERS, shape)
        self._rate = rate
        self._ending = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="traffic")
        self._others: SimpleQueue[Raw] = SimpleQueue()
        self._producer = Producer(_config(settings))
        # For records that are small only when compressed.
        self._compressing = Producer({**_config(settings), **hurtful.COMPRESSED})

    def also(self, record: Raw) -> None:
        """Send another record soon, compressed."""
        self._others.put(record)

    @contextmanager
    def flowing(self) -> Iterator["Traffic"]:
        """Produce during the body; after it, wait until the broker has everything."""
        self._thread.start()
        try:
            yield self
        finally:
            self._ending.set()
            self._thread.join()
        self.check()

    def check(self) -> None:
        """Raise the thread's error, if there was one."""
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            begun, sent = time.monotonic(), 0
            # The clock sets the rate: records missed in a slow moment are caught up.
            while not self._ending.wait(max(0.0, begun + sent / self._rate - time.monotonic())):
                self._send(self._producer, next(self._records))
                sent += 1
                while not self._others.empty():
                    self._send(self._compressing, self._others.get())
            left = self._producer.flush(DELIVERY_SECONDS) + self._compressing.flush(DELIVERY_SECONDS)
            assert left == 0, f"{left} records were never acknowledged"
        except BaseException as error:
            self._failure = error

    def _send(self, producer: Producer, record: Raw) -> None:
        producer.produce(TOPIC, record.value, partition=record.partition, on_delivery=self._delivered)
        producer.poll(0)

    def _delivered(self, error: KafkaError | None, _: Message) -> None:
        if error is not None:
            self._failure = AssertionError(f"the broker did not accept a record: {error.str()}")


def _config(settings: Settings) -> dict[str, Any]:
    return {
        "bootstrap.servers": settings.kafka_bootstrap,
        "enable.idempotence": True,
        "linger.ms": 5,
        "delivery.timeout.ms": int(DELIVERY_SECONDS * 1000),
        "message.max.bytes": 4 * 1024 * 1024,
        "topic.metadata.refresh.interval.ms": 5_000,
        "log_level": 0,
    }
