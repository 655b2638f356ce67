"""Clients who record at a rate of their own, whether or not answers come: an open loop.

Latency counts from when a request was due, so that one that waited for the ones before it is not flattered.
"""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field

import aiohttp
import orjson

from bench.lib.backlog import ARTWORKS, USERS, artwork_id

ANSWER_SECONDS = 30.0
IMPRESSIONS = 10
HEADERS = {"Content-Type": "application/json"}


@dataclass
class Posted:
    """What came of it: latencies (ms), and statuses (0: a connection that broke)."""

    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    behind: float = 0.0
    """The longest delay of a request in the generator itself (s)."""


async def post(address: str, rate: float, seconds: float, seed: int) -> Posted:
    """Record a flush of ten impressions, `rate` times a second for `seconds`, over connections that are kept."""
    posted = Posted()
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(address, connector=connector, timeout=timeout, headers=HEADERS) as session:
        begun, tasks = time.perf_counter(), set[asyncio.Task[None]]()
        for number in range(round(rate * seconds)):
            due = begun + number / rate
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            posted.behind = max(posted.behind, time.perf_counter() - due)
            task = asyncio.create_task(_post(session, posted, flush(seed, number), due))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)
    return posted


async def _post(session: aiohttp.ClientSession, posted: Posted, body: bytes, due: float) -> None:
    try:
        async with session.post("/v1/impressions", data=body) as response:
            await response.read()
            status = response.status
    except (aiohttp.ClientError, TimeoutError):
        status = 0
    posted.statuses[status] += 1
    posted.latencies.append((time.perf_counter() - due) * 1000)


def flush(seed: int, number: int) -> bytes:
    """Return a user's flush; each is another one."""
    now, name = int(time.time() * 1000), f"{seed}-{number}"
    impressions = [
        {"impression_id": f"{name}-{n}", "artwork_id": artwork_id((number + n) % ARTWORKS), "seen_at": now - n}
        for n in range(IMPRESSIONS)
    ]
    user = f"u{number % USERS}"
    return orjson.dumps({"v": 1, "flush_id": name, "user_id": user, "sent_at": now, "impressions": impressions})
