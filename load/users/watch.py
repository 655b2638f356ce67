"""How long it takes until a user's coverage and unseen artworks show an impression, as the read API answers."""

import asyncio
import json
from collections.abc import Callable
from typing import NamedTuple

from load.users.answer import Answer
from load.users.connection import Connection, Target
from load.users.ledger import Ledger
from load.users.plan import Plan

# Between two reads of the same thing: what is measured is known to that.
LOOK_SECONDS = 0.02
# Nobody waits longer to be shown something new; the promise is a fraction of a second.
GIVEN_UP_SECONDS = 20.0
READ_SECONDS = 5.0
# Reads that may fail before the read API counts as missing.
ATTEMPTS = 5
COVERAGE, UNSEEN = "coverage", "unseen"
# Artworks: more than any catalogue has.
MORE_THAN_ANY = 2**53


class Sight(NamedTuple):
    """A user must be shown, from now on, to have seen `distinct` artworks; the first of the flush at `seen` (s)."""

    user_id: str
    distinct: int
    seen: float
    acknowledged: float


class Reader:
    """Asks one thing after another over a connection that it opens anew whenever it is lost."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._connection: Connection | None = None
        self._answer: asyncio.Future[Answer] | None = None

    async def get(self, path: str) -> Answer | None:
        """Return the answer to a GET; None if there was none in time."""
        try:
            async with asyncio.timeout(READ_SECONDS):
                if self._connection is None:
                    self._connection = await self._target.connect(lambda: Connection(self))
                if not self._connection.is_open:
                    raise ConnectionResetError
                self._answer = asyncio.get_running_loop().create_future()
                self._connection.send(
                    f"GET {path} HTTP/1.1\r\nHost: {self._target.name}\r\nAccept: application/json\r\n\r\n".encode()
                )
                return await self._answer
        except OSError:  # of which TimeoutError is one
            self.close()
            return None

    def answered(self, connection: Connection, answer: Answer) -> None:
        """Called by the connection."""
        if connection is self._connection:
            if not answer.keep:
                self.close()
            if self._answer is not None and not self._answer.done():
                self._answer.set_result(answer)

    def lost(self, connection: Connection) -> None:
        """Called by the connection."""
        if connection is self._connection:
            self._connection = None
            if self._answer is not None and not self._answer.done():
                self._answer.set_exception(ConnectionResetError())

    def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort()


class Watcher:
    """Watches users, each over a connection of its own and one flush at a time; what comes meanwhile is not watched."""

    def __init__(self, plan: Plan, ledger: Ledger, target: Target, now: Callable[[], float]) -> None:
        self._plan, self._ledger, self._target, self._now = plan, ledger, target, now
        self._readers: dict[str, Reader] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.is_there = False

    async def look_for(self) -> None:
        """Find out whether the server has a read API; without one nothing is watched."""
        reader = Reader(self._target)
        for _ in range(ATTEMPTS if self._plan.watched else 0):
            answer = await reader.get(self._path(COVERAGE, self._plan.user_id(0)))
            # Without an answer, or with one that says "later", nothing is known yet.
            if answer is not None and answer.status < 500:
                self.is_there = answer.status == 200
                break
        reader.close()

    def watch(self, sight: Sight) -> None:
        """Watch for what a user must be shown, unless something else is still watched for that user."""
        if self.is_there and sight.user_id not in self._tasks:
            task = asyncio.get_running_loop().create_task(self._watch(sight))
            self._tasks[sight.user_id] = task

    async def finish(self) -> None:
        """Wait for what is still watched. Raises the error of a watch."""
        while self._tasks:
            await asyncio.gather(*self._tasks.values())
        for reader in self._readers.values():
            reader.close()

    async def _watch(self, sight: Sight) -> None:
        try:
            reader = self._readers.setdefault(sight.user_id, Reader(self._target))
            left = [COVERAGE, UNSEEN]
            while left and self._now() - sight.acknowledged < GIVEN_UP_SECONDS:
                for what in list(left):
                    asked = self._now()
                    answer = await reader.get(self._path(what, sight.user_id))
                    if answer is None or answer.status != 200:
                        self._ledger.happened["reads without an answer"] += 1
                        continue
                    self._add(f"read of {what}", self._now() - asked)
                    if shown(what, answer.body, self._plan.pool) >= sight.distinct:
                        left.remove(what)
                        self._add(f"seen to {what}", self._now() - sight.seen)
                        self._add(f"acknowledged to {what}", self._now() - sight.acknowledged)
                if left:
                    await asyncio.sleep(LOOK_SECONDS)
            self._ledger.happened["not shown in time"] += len(left)
        finally:
            del self._tasks[sight.user_id]

    def _path(self, what: str, user_id: str) -> str:
        first = "&limit=1" if what == UNSEEN else ""
        return f"/v1/users/{user_id}/{what}?pool={self._plan.pool}{first}"

    def _add(self, what: str, seconds: float) -> None:
        self._ledger.watched.setdefault(what, []).append(seconds)


def shown(what: str, body: bytes, pool: str) -> int:
    """Return how many artworks an answer shows as seen.

    Watched users see artworks in the order of their ordinals, so the first unseen one's ordinal is that number; without
    any, all are seen. Raises ValueError, KeyError or TypeError for an answer that isn't the contract's.
    """
    said = json.loads(body)
    if what == COVERAGE:
        return max((int(each["seen"]) for each in said["pools"] if each["pool_id"] == pool), default=0)
    items = said["items"]
    return int(items[0]["ordinal"]) if items else MORE_THAN_ANY
