"""The SDK's four producers behind one face, each with the place where its flushes arrive."""

import asyncio
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread
from typing import Any

from impression_streams import (
    AsyncHttpImpressionProducer,
    AsyncImpressionProducer,
    Delivery,
    HttpImpressionProducer,
    ImpressionProducer,
)
from impression_streams.base import BaseProducer
from streams.settings import Settings
from tests.support.sdk import create_topic, read_all

KINDS = ("kafka", "kafka asyncio", "http", "http asyncio", "http collector")
SECONDS = 120.0


class InLoop:
    """A producer for asyncio, used from a thread: each call runs in a loop of its own."""

    def __init__(self, make: Callable[..., BaseProducer], *arguments: Any, **settings: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.producer = make(*arguments, **settings)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.producer, name)
        if not inspect.iscoroutinefunction(found):
            return found
        return lambda *arguments, **more: asyncio.run_coroutine_threadsafe(
            found(*arguments, **more), self._loop
        ).result(SECONDS)

    def close(self, *arguments: float) -> None:
        """Close it, and end the loop."""
        try:
            self.__getattr__("close")(*arguments)
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)


@dataclass(frozen=True)
class Kind:
    """How to make a producer of a kind, and what has arrived of all that such producers sent."""

    name: str
    make: Callable[..., Any]  # with settings by name; `address` for another than where flushes arrive
    stored: Callable[[], list[bytes]]

    @contextmanager
    def open(self, **settings: Any) -> Iterator[Any]:
        """Make a producer, and close it at the end of the body, if that raises nothing."""
        producer = self.make(**settings)
        yield producer
        producer.close()


def kafka(name: str, broker: Settings, topic: str) -> Kind:
    """Return a kind that sends to a topic of its own."""
    create_topic(broker, topic)

    def make(address: str = broker.kafka_bootstrap, **settings: Any) -> Any:
        if name == "kafka":
            return ImpressionProducer(address, topic=topic, **settings)
        return InLoop(AsyncImpressionProducer, address, topic=topic, **settings)

    return Kind(name, make, lambda: [record.value() or b"" for record in read_all(broker, topic)])


def http(name: str, url: str, stored: Callable[[], list[bytes]]) -> Kind:
    """Return a kind that sends to a collector, or to a double of one."""

    def make(address: str = "", **settings: Any) -> Any:
        endpoint = f"http://{address}" if address else url
        if name == "http asyncio":
            return InLoop(AsyncHttpImpressionProducer, endpoint, **settings)
        return HttpImpressionProducer(endpoint, **settings)

    return Kind(name, make, stored)


def failed(deliveries: list[Delivery]) -> list[Delivery]:
    """Return those that were given up."""
    return [delivery for delivery in deliveries if delivery.error is not None]
