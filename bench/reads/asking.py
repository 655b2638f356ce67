"""Readers who ask at a rate of their own, whether or not answers come: an open loop.

Latency counts from when a request was due, so that one that waited for the ones before it is not flattered.
"""

import asyncio
import itertools
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
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
# Counted as a status.
NO_ANSWER = 0
Request = tuple[str, str]  # call and user


@dataclass
class Asked:
    """What came of it: latencies (ms) by call, statuses, and why there was none."""

    latencies: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    statuses: Counter[int] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    behind: float = 0.0
    """The longest delay of a request in the generator itself (s)."""
    seconds: float = 0.0


def at_random(users: Sequence[str], count: int, seed: int) -> Iterator[Request]:
    """Return `count` requests of users drawn at random."""
    rng = Random(seed)
    return ((call, rng.choice(users)) for call in itertools.islice(itertools.cycle(CALLS), count))


def once(users: Sequence[str], count: int) -> Iterator[Request]:
    """Return up to `count` requests, none of which finds its user's rows in memory."""
    # Coverage and what is unseen are of the same rows in memory.
    pairs = ((("coverage", "unseen")[number % 2], "history") for number in itertools.count())
    return itertools.islice(((call, user) for user, calls in zip(users, pairs, strict=False) for call in calls), count)


async def ask(address: str, requests: Iterable[Request], rate: float, with_tags: bool = False) -> Asked:
    """Send requests, `rate` of them a second; `with_tags`: a client sends the tag of the answer that it has."""
    asked, tags = Asked(), dict[Request, str]() if with_tags else None
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(address, connector=connector, timeout=timeout) as session:
        begun, tasks = time.perf_counter(), set[asyncio.Task[None]]()
        for number, request in enumerate(requests):
            due = begun + number / rate
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            asked.behind = max(asked.behind, time.perf_counter() - due)
            task = asyncio.create_task(_get(session, asked, request, due, tags))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)
        asked.seconds = time.perf_counter() - begun
    return asked


async def _get(
    session: aiohttp.ClientSession, asked: Asked, request: Request, due: float, tags: dict[Request, str] | None
) -> None:
    call, user = request
    known = tags.get(request) if tags is not None else None
    headers = {"If-None-Match": known} if known else {}
    status = NO_ANSWER
    try:
        async with session.get(PATHS[call].format(user=user), headers=headers) as response:
            await response.read()
        status = response.status
        if tags is not None and (tag := response.headers.get("ETag")):
            tags[request] = tag
    except (TimeoutError, aiohttp.ClientError) as error:
        asked.failures[type(error).__name__] += 1
    asked.statuses[status] += 1
    asked.latencies[call].append((time.perf_counter() - due) * 1000)
