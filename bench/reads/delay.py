"""From an impression's append to the answers that have it: through the worker, and the tail of the collector."""

import asyncio
import time
from collections.abc import Sequence

import aiohttp
import orjson
from confluent_kafka import KafkaError, Message, Producer

from bench.reads.asking import ANSWER_SECONDS, PATHS
from bench.reads.rows import ARTWORKS
from streams.errors import UserError
from streams.kafka.names import IMPRESSIONS
from streams.settings import Settings

# Between two looks: what it adds to a delay, at most.
LOOK_SECONDS = 0.002
# An impression that no answer has by then is lost.
LOST_SECONDS = 30.0
SEND_SECONDS = 30.0


async def measure(settings: Settings, address: str, users: Sequence[str]) -> dict[str, list[float]]:
    """Let each user see one more artwork, one after the other; return the delays (ms) until two answers have it.

    A delay begins with the broker's acknowledgement. Raises UserError if an impression is in no answer.
    """
    producer = Producer(
        {"bootstrap.servers": settings.kafka_bootstrap, "partitioner": "murmur2_random", "linger.ms": 0}
    )
    delays: dict[str, list[float]] = {"coverage": [], "unseen": []}
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    async with aiohttp.ClientSession(address, timeout=timeout) as session:
        for number, user in enumerate(users):
            artwork = await _next_unseen(session, user)
            before = await _seen(session, user)
            appended = await asyncio.to_thread(_append, producer, user, artwork, number)
            deadline = appended + LOST_SECONDS
            while await _seen(session, user) == before:
                await _pause(deadline, user)
            delays["coverage"].append((time.perf_counter() - appended) * 1000)
            while await _next_unseen(session, user) == artwork:
                await _pause(deadline, user)
            delays["unseen"].append((time.perf_counter() - appended) * 1000)
    return delays


async def _pause(deadline: float, user: str) -> None:
    if time.perf_counter() > deadline:
        raise UserError(f"An impression of {user} is in no answer after {LOST_SECONDS:.0f} s.")
    await asyncio.sleep(LOOK_SECONDS)


async def _seen(session: aiohttp.ClientSession, user: str) -> int:
    async with session.get(PATHS["coverage"].format(user=user)) as response:
        pools = (await response.json())["pools"]
        return int(pools[0]["seen"]) if pools else 0


async def _next_unseen(session: aiohttp.ClientSession, user: str) -> str:
    async with session.get(PATHS["unseen"].format(user=user) + "&limit=1") as response:
        return str((await response.json())["items"][0]["artwork_id"])


def _append(producer: Producer, user: str, artwork: str, number: int) -> float:
    """Append a flush; return when the broker had acknowledged it."""
    assert int(artwork[1:]) < ARTWORKS
    failed: list[KafkaError] = []
    at = [0.0]

    def delivered(error: KafkaError | None, _: Message) -> None:
        at[0] = time.perf_counter()
        if error is not None:
            failed.append(error)

    now = int(time.time() * 1000)
    impression = {"impression_id": f"i{number}", "artwork_id": artwork, "seen_at": now}
    flush = {"v": 1, "flush_id": f"f{number}", "user_id": user, "sent_at": now, "impressions": [impression]}
    producer.produce(IMPRESSIONS, orjson.dumps(flush), key=user, on_delivery=delivered)
    if producer.flush(SEND_SECONDS) or failed:
        raise UserError("The broker did not accept an impression.")
    return at[0]
