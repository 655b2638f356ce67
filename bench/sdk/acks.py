"""From a flush in hand to the broker's acknowledgement, in an asyncio service with many requests at once.

Each of so many tasks sends a flush of ten impressions, waits for its acknowledgement, and sends the next, as handlers
of as many connections do. Ours checks the flush and writes its JSON; confluent-kafka's AIOProducer gets the bytes.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any, NamedTuple

import orjson
from confluent_kafka.aio import AIOProducer

from bench.lib.figures import Quantiles, quantiles
from impression_streams import AsyncImpressionProducer
from impression_streams.client import FIXED
from impression_streams.ids import new_id, now_ms
from streams.kafka.names import IMPRESSIONS
from streams.settings import Settings

IMPRESSIONS_A_FLUSH = 10
WARM_UP_SECONDS = 1.0

Send = Callable[[dict[str, Any]], Awaitable[object]]
Producer = AbstractAsyncContextManager[Send]


class Acks(NamedTuple):
    """What one producer did: flushes a second, ms from send to acknowledgement, CPU time of a flush (µs)."""

    what: str
    rate: float
    latency: Quantiles
    cpu_us: float


def flush(number: int) -> dict[str, Any]:
    """Return a flush of a user."""
    now = now_ms()
    impressions = [
        {"impression_id": new_id(), "artwork_id": f"art-{number % 997}-{k}", "seen_at": now, "pool_id": "main"}
        for k in range(IMPRESSIONS_A_FLUSH)
    ]
    user = f"user-{number % 1000}"
    return {"v": 1, "flush_id": new_id(), "user_id": user, "sent_at": now, "impressions": impressions}


@asynccontextmanager
async def _ours(settings: Settings) -> Any:
    async with AsyncImpressionProducer(settings.kafka_bootstrap) as producer:
        yield producer.send_flush


@asynccontextmanager
async def _aio(settings: Settings, **options: Any) -> Any:
    config = {**FIXED, "bootstrap.servers": settings.kafka_bootstrap, "compression.type": "zstd", "linger.ms": 5}
    producer = AIOProducer(config, **options)

    async def send(flush: dict[str, Any]) -> None:
        await (await producer.produce(IMPRESSIONS, value=orjson.dumps(flush), key=flush["user_id"]))

    try:
        yield send
    finally:
        await producer.close()


PRODUCERS: dict[str, Callable[[Settings], Producer]] = {
    "AsyncImpressionProducer": _ours,
    "AIOProducer, its defaults (1000, 1 s)": _aio,
    "AIOProducer(batch_size=1000, buffer_timeout=0.1)": partial(_aio, batch_size=1000, buffer_timeout=0.1),
    "AIOProducer(batch_size=1)": partial(_aio, batch_size=1),
}


def measure(settings: Settings, tasks: int, seconds: float, rounds: int) -> Sequence[Acks]:
    """Measure each producer in each round, all rounds in one run; the samples of all rounds are joined."""
    samples: dict[str, list[tuple[list[float], float, float]]] = {what: [] for what in PRODUCERS}
    for number in range(rounds):
        order = list(PRODUCERS.items())
        for what, producer in order if number % 2 == 0 else reversed(order):
            samples[what].append(asyncio.run(_run(producer(settings), tasks, seconds)))
    found = []
    for what, runs in samples.items():
        latencies = [each for run in runs for each in run[0]]
        rate, cpu = len(latencies) / sum(run[1] for run in runs), sum(run[2] for run in runs)
        found.append(Acks(what, rate, quantiles(latencies), cpu * 1e6 / len(latencies)))
    return found


async def _run(producer: Producer, tasks: int, seconds: float) -> tuple[list[float], float, float]:
    """Return the latencies (ms), and the seconds and the CPU seconds that they took together."""
    latencies: list[float] = []

    async def client(send: Send, number: int, until: float) -> None:
        while time.monotonic() < until:
            made = flush(number)
            begun = time.monotonic()
            await send(made)
            latencies.append((time.monotonic() - begun) * 1000)
            number += tasks

    async def all_clients(send: Send, seconds: float) -> None:
        until = time.monotonic() + seconds
        await asyncio.gather(*(client(send, number, until) for number in range(tasks)))

    async with producer as send:
        await all_clients(send, WARM_UP_SECONDS)
        latencies.clear()
        begun, cpu = time.monotonic(), time.process_time()
        await all_clients(send, seconds)
        return latencies, time.monotonic() - begun, time.process_time() - cpu
