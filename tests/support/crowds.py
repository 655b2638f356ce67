"""Play the load generator's users against a collector double, within a second, and check what it has received."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvloop

from load.check import Line, Row, Verdict, compare
from load.users.crowd import Crowd
from load.users.ledger import Ledger
from load.users.plan import Patience, Plan
from tests.support.collector_double import CollectorDouble

# Users who lose patience soon, so that a test needn't have more of it.
HASTY = Patience(request=0.3, connect=0.3, first_backoff=0.01, longest_backoff=0.05, drain=30.0)

Meanwhile = Callable[[CollectorDouble, Crowd], Awaitable[None]]


def plan(socket: Path, **changes: Any) -> Plan:
    """Return a small plan: 20 users, 300 impressions within 0.3 s."""
    values: dict[str, Any] = {
        "url": f"unix:{socket}", "prefix": "u-", "users": 20, "impressions": 300, "seconds": 0.3, "artworks": 101,
        "flush_seconds": 0.02, "batch": 5, "repeats": 0.1, "doubles": 0.1, "patience": HASTY,
    }  # fmt: skip
    return Plan(**(values | changes))


def play(double: CollectorDouble, of: Plan, meanwhile: Meanwhile | None = None) -> Ledger:
    """Play a plan against the double that the plan's address names; `meanwhile` runs beside it."""

    async def both() -> Ledger:
        async with double.serving(Path(of.url.removeprefix("unix:"))):
            crowd = Crowd(of, tell=lambda told: None)
            if meanwhile is None:
                return await crowd.run()
            async with asyncio.TaskGroup() as group:
                playing = group.create_task(crowd.run())
                group.create_task(_await(meanwhile(double, crowd)))
            return playing.result()

    return uvloop.run(both())


def verdict(double: CollectorDouble, of: Plan, ledger: Ledger) -> Verdict:
    """Hold the users' ledger against what the double has stored, as a worker would judge it."""
    judged = double.judged()
    rows = [
        Row(each["impression_id"], flush["user_id"], each["artwork_id"], each["seen_at"])
        for flush, accepted in judged
        for each in accepted
    ]
    lines = [
        Line(flush["flush_id"], size := len(flush["impressions"]), len(accepted), size - len(accepted), 0, 0)
        for flush, accepted in judged
    ]
    return compare(of, ledger, rows, lines, Counter(row.user_id for row in rows))


async def _await(what: Awaitable[None]) -> None:
    await what
