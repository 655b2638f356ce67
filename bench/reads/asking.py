"""Readers who ask at a rate of their own, whether or not answers come: an open loop.

Latency counts from when a request was due, so that one that waited for the ones before it is not flattered.
"""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

import aiohttp

from bench.reads.rows import POOL

# Of ten requests: four ask for coverage, four for what is unseen, two for the history.
CALLS = ("coverage", "unseen", "coverage", "unseen", "history", "coverage", "unseen", "coverage", "unseen", "history")
PATHS = {
    "coverage": f"/v1/users/{{user}}/coverage?pool={POOL}",
    "unseen": f"/v1/users/{{user}}/unseen?pool={POOL}",
    "history": "/v1/users/{user}/history",
}
ANSWER_SECONDS = 30.0


@dataclass
class Asked:
    """What came of it: latencies (ms) by call, and statuses."""

    latencies: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    statuses: Counter[int] = field(default_factory=Counter)
    behind: float = 0.0
    """The longest delay of a request in the generator itself (s)."""


async def ask(address: str, users: Sequence[str], rate: float, seconds: float, seed: int) -> Asked:
    """Ask for users drawn at random, `rate` times a second for `seconds`."""
    rng, asked = Random(seed), Asked()
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(address, connector=connector, timeout=timeout) as session:
        begun, tasks = time.perf_counter(), set[asyncio.Task[None]]()
        for number in range(round(rate * seconds)):
            due = begun + number / rate
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            asked.behind = max(asked.behind, time.perf_counter() - due)
            call = CALLS[number % len(CALLS)]
            task = asyncio.create_task(_get(session, asked, call, rng.choice(users), due))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)
    return asked


async def _get(session: aiohttp.ClientSession, asked: Asked, call: str, user: str, due: float) -> None:
    async with session.get(PATHS[call].format(user=user)) as response:
        await response.read()
    asked.statuses[response.status] += 1
    asked.latencies[call].append((time.perf_counter() - due) * 1000)
