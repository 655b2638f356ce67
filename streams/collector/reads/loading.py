"""Gets users into memory: one query of a partition at a time, and who comes meanwhile is in the next one.

No timer: a user who comes alone is asked for at once, and under load a query is for many. A query reads the table
partition of its users' Kafka partition alone.

A question that was too much may be so because of one of its users. Each of them is then asked for alone, one after the
other and beside everybody else, until there is an answer for them.
"""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from streams.collector.reads.errors import AwayError, BehindError, CostlyError
from streams.collector.reads.known import Joined, Known
from streams.collector.reads.tail import Tail
from streams.core.partitioner import partition_of

# Of one query: a few KB of parameters, and for 32 users about twice the time that one takes.
MOST_USERS = 32
# Who comes beyond these is turned away: they would wait for longer than anyone does.
MOST_WAITING = 2_000
# Users who are remembered to be asked for alone: of two questions. When a server is merely busy, any question may take
# too long, and asking for everyone alone would keep it busy.
MOST_ALONE = 2 * MOST_USERS
# Where these wait; the others, by their partition.
ALONE = -1

J = TypeVar("J", bound=Joined)
# Asks for some users of a partition, or for one who is asked for alone; who has no rows may be left out. What comes is
# for `Joined.merge`.
Ask = Callable[[int, Sequence[str], bool], Awaitable[Mapping[str, Any]]]


def _ms() -> int:
    return time.time_ns() // 1_000_000


class Clocks(NamedTuple):
    """The wall clock (ms since the epoch), and one that only moves on (s)."""

    ms: Callable[[], int] = _ms
    seconds: Callable[[], float] = time.monotonic


class Loading(Generic[J]):
    """Loads users into `known`. For one event loop."""

    def __init__(self, known: Known[J], tail: Tail, ask: Ask, none: Any, clocks: Clocks) -> None:
        """`none` is what ClickHouse has of a user whom it doesn't know."""
        self._partitions = 1
        self._known, self._tail, self._ask, self._none, self._clocks = known, tail, ask, none, clocks
        self._answers: dict[str, asyncio.Future[J]] = {}
        self._waiting: dict[int, deque[str]] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._alone: OrderedDict[str, None] = OrderedDict()

    def begin(self, partitions: int) -> None:
        """Take the number of partitions by which users are at home from now on."""
        if partitions != self._partitions:
            for waiting in self._waiting.values():
                self._fail(waiting, BehindError("the reads have begun anew"))
                waiting.clear()
        self._partitions = partitions

    async def get(self, user_id: str) -> J:
        """Return a user, from memory if they are there. Raises AwayError."""
        now = self._clocks.seconds()
        joined = self._known.get(user_id, now)
        if joined is None:
            return await asyncio.shield(self._load(user_id))
        if self._known.is_old(user_id, now) and len(self._answers) < MOST_WAITING:
            self._load(user_id)
        return joined

    async def stop(self) -> None:
        """End the queries that run; who waits gets AwayError."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # Of a task that had not begun.
        self._fail(list(self._answers), AwayError("the reads have stopped"))

    def _load(self, user_id: str) -> "asyncio.Future[J]":
        answer = self._answers.get(user_id)
        if answer is not None:
            return answer
        if len(self._answers) >= MOST_WAITING:
            raise AwayError("too many users wait for ClickHouse")
        answer = self._answers[user_id] = asyncio.get_running_loop().create_future()
        # Nobody may wait for it any more when it fails.
        answer.add_done_callback(lambda done: done.cancelled() or done.exception())
        place = ALONE if user_id in self._alone else partition_of(user_id, self._partitions)
        self._waiting.setdefault(place, deque()).append(user_id)
        if place not in self._tasks:
            self._tasks[place] = asyncio.create_task(self._work(place), name=f"reads-{place}")
        return answer

    async def _work(self, place: int) -> None:
        waiting, most = self._waiting[place], 1 if place == ALONE else MOST_USERS
        batch: list[str] = []
        try:
            while waiting:
                batch = [waiting.popleft() for _ in range(min(len(waiting), most))]
                await self._load_all(batch, place == ALONE)
        finally:
            self._fail([*batch, *waiting], AwayError("the reads have stopped"))
            waiting.clear()
            del self._tasks[place]

    async def _load_all(self, users: Sequence[str], alone: bool) -> None:
        """Load users of one partition, in one question."""
        for user_id in users:
            self._known.begin(user_id, self._tail.of(user_id), self._clocks.ms(), self._clocks.seconds())
        try:
            found = await self._ask(partition_of(users[0], self._partitions), users, alone)
        except AwayError as error:
            if isinstance(error, CostlyError):
                self._remember(users)
            self._fail(users, error)
            return
        for user_id in users:
            # A user may have seen much: let others go first.
            await asyncio.sleep(0)
            joined = self._known.finish(user_id, found.get(user_id, self._none))
            self._alone.pop(user_id, None)
            answer = self._answers.pop(user_id)
            if joined is None:
                answer.set_exception(BehindError("the reads have begun anew"))
            else:
                answer.set_result(joined)

    def _remember(self, users: Sequence[str]) -> None:
        """Ask for these alone the next time."""
        self._alone.update(dict.fromkeys(users))
        while len(self._alone) > MOST_ALONE:
            self._alone.popitem(last=False)

    def _fail(self, users: Iterable[str], error: AwayError) -> None:
        for user_id in users:
            self._known.abandon(user_id)
            if (answer := self._answers.pop(user_id, None)) is not None and not answer.done():
                answer.set_exception(error)
