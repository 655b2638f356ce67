"""From an impression's append to the answers that have it, through the worker and the tail of the collector."""

import asyncio
import time
from collections.abc import Sequence
from itertools import pairwise

import aiohttp
from confluent_kafka import KafkaError, Message, Producer

from bench.reads.asking import ANSWER_SECONDS, PATHS
from bench.reads.rows import ARTWORKS
from bench.reads.traffic import Passing, arriving, flush, producer
from streams.errors import UserError
from streams.kafka.names import IMPRESSIONS
from streams.settings import Settings

# Between two looks: what it adds to a delay, at most.
LOOK_SECONDS = 0.002
# An impression that no answer has by then is lost.
LOST_SECONDS = 30.0
SEND_SECONDS = 30.0
# The way of an impression, in order: from the broker's acknowledgement to the accepted row's append by the worker; to
# its commit, as a reader beside the collector gets it; to the first answer that has it.
PARTS = ("decided", "committed", "answered")


async def measure(settings: Settings, address: str, users: Sequence[str], per_minute: float) -> dict[str, list[float]]:
    """Let each user see one more artwork, one after the other, while others' impressions arrive.

    Returns the delays (ms) until two answers have it, each from the broker's acknowledgement, and the parts of the
    first one. Raises UserError if an impression is in no answer.
    """
    delays: dict[str, list[float]] = {name: [] for name in ("coverage", "unseen", *PARTS)}
    passing, sending = Passing(), producer(settings)
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    # Of this run: rows that were kept have the impressions of earlier ones.
    run = f"delay-{time.time_ns():x}"
    answered: dict[str, tuple[float, float]] = {}
    with arriving(settings, per_minute), passing.watched(settings, run):
        async with aiohttp.ClientSession(address, timeout=timeout) as session:
            for number, user in enumerate(users):
                name = f"{run}-{number}"
                artwork = await _next_unseen(session, user)
                before = await _seen(session, user)
                appended = await asyncio.to_thread(_append, sending, user, artwork, name)
                while await _seen(session, user) == before:
                    await _pause(appended, user)
                answered[f"{name}-0"] = appended, time.time()
                delays["coverage"].append((time.time() - appended) * 1000)
                while await _next_unseen(session, user) == artwork:
                    await _pause(appended, user)
                delays["unseen"].append((time.time() - appended) * 1000)
    for impression, (appended, shown) in answered.items():
        decided, committed = passing.seen.get(impression, (shown, shown))
        moments = (appended, decided, committed, shown)
        for part, (begun, ended) in zip(PARTS, pairwise(moments), strict=True):
            delays[part].append((ended - begun) * 1000)
    return delays


async def _pause(appended: float, user: str) -> None:
    if time.time() - appended > LOST_SECONDS:
        raise UserError(f"An impression of {user} is in no answer after {LOST_SECONDS:.0f} s.")
    await asyncio.sleep(LOOK_SECONDS)


async def _seen(session: aiohttp.ClientSession, user: str) -> int:
    async with session.get(PATHS["coverage"].format(user=user)) as response:
        pools = (await response.json())["pools"]
        return int(pools[0]["seen"]) if pools else 0


async def _next_unseen(session: aiohttp.ClientSession, user: str) -> str:
    async with session.get(PATHS["unseen"].format(user=user) + "&limit=1") as response:
        return str((await response.json())["items"][0]["artwork_id"])


def _append(sending: Producer, user: str, artwork: str, name: str) -> float:
    """Append a flush; return when the broker had acknowledged it (s since the epoch)."""
    assert int(artwork[1:]) < ARTWORKS
    failed: list[KafkaError] = []
    at = [0.0]

    def delivered(error: KafkaError | None, _: Message) -> None:
        at[0] = time.time()
        if error is not None:
            failed.append(error)

    sending.produce(IMPRESSIONS, flush(user, name, [artwork]), key=user, on_delivery=delivered)
    if sending.flush(SEND_SECONDS) or failed:
        raise UserError("The broker did not accept an impression.")
    return at[0]
