"""Rows of the read API, and a ClickHouse that says what a test lets it say."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from streams.collector.reads.errors import AwayError
from streams.collector.reads.rows import Row

NOW = 1_796_000_000_000


def row(user_id: str, number: int, **more: Any) -> Row:
    """The number-th impression of a user, a millisecond after the one before; `more` replaces fields."""
    fields: dict[str, Any] = {
        "event_id": f"{number:032x}",
        "user_id": user_id,
        "artwork_id": f"a{number}",
        "pool_id": "main",
        "seen_at": NOW + number,
        "received_at": NOW + number + 5,
        "surface": "gallery",
        "fresh": True,
    }
    return Row(**(fields | more))


class Answers:
    """Asked for users, it waits until `let` says what it finds; `asked` are the users of each question."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, list[str]]] = []
        self.alone: list[bool] = []
        self._waiting: list[asyncio.Future[Mapping[str, Any]]] = []

    async def __call__(self, partition: int, users: Sequence[str], alone: bool) -> Mapping[str, Any]:
        self.alone.append(alone)
        self.asked.append((partition, list(users)))
        self._waiting.append(asyncio.get_running_loop().create_future())
        return await self._waiting[-1]

    def let(self, **found: Any) -> None:
        """Answer the oldest question."""
        self._waiting.pop(0).set_result(found)

    def fail(self, why: str, kind: type[AwayError] = AwayError) -> None:
        """Let the oldest question go unanswered."""
        self._waiting.pop(0).set_exception(kind(why))


async def turn() -> None:
    """Let all tasks do what they can do now."""
    for _ in range(100):
        await asyncio.sleep(0)
