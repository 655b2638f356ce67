"""The reads as a part of a process: one start and one stop, and the three answers.

An answer is ClickHouse's rows and the tail's, exact as of the tail's last record. One that could be wrong is not given:
unseen and history raise AwayError, and coverage is what was last known of the user, and says so.
"""

import asyncio
import time
from collections.abc import Awaitable, Mapping, Sequence
from typing import NamedTuple, TypeVar
from weakref import WeakValueDictionary

from streams.collector.reads import statements
from streams.collector.reads.errors import AwayError, BehindError
from streams.collector.reads.following import Following
from streams.collector.reads.known import RENEW_SECONDS, Known
from streams.collector.reads.loading import Clocks, Loading
from streams.collector.reads.pool import Pool
from streams.collector.reads.rows import Row
from streams.collector.reads.seen import HOUR_MS, PoolCoverage, Seen, SeenRows
from streams.collector.reads.timeline import MOST, Key, Rows, Timeline, join
from streams.core.partitioner import partition_of
from streams.metrics import collector as metrics
from streams.settings import Settings

MIB = 1 << 20
T = TypeVar("T")


class Coverage(NamedTuple):
    """A user's pools. `stale`: as last known, when ClickHouse answered at `as_of` (ms)."""

    pools: list[PoolCoverage]
    stale: bool = False
    as_of: int = 0


class Reads:
    """The read API's state. Its methods are for one event loop."""

    def __init__(self, settings: Settings, clocks: Clocks | None = None) -> None:
        """Raises UserError for a password file that can't be read."""
        self._settings, self._clocks = settings, clocks or Clocks()
        self._pool = Pool(settings)
        self._following = Following(settings, self._pool, settings.reads_tail_mib * MIB, self._anew)
        self._following.tail.listener = self._take
        budget = settings.reads_users_mib * MIB // 2
        self._seen = Known(lambda: Seen(self._following.catalogue), budget)
        self._timelines = Known(Timeline, budget)
        tail = self._following.tail
        self._seen_loading = Loading(self._seen, tail, self._ask_seen, SeenRows(), self._clocks)
        self._timeline_loading = Loading(self._timelines, tail, self._ask_newest, Rows([], False), self._clocks)
        self._partitions = 1
        self._pages: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._began = time.time_ns()
        self._forgotten = 0

    @property
    def waiting_rows(self) -> int:
        """The rows of the tail: those that ClickHouse has not shown yet."""
        return self._following.tail.rows

    async def start(self) -> None:
        """Begin. Returns at once: until the tail is current, `why_not_ready` says so."""
        await self._pool.start()
        self._following.start()

    async def stop(self) -> None:
        """End everything that `start` began."""
        await self._following.stop()
        await self._seen_loading.stop()
        await self._timeline_loading.stop()
        await self._pool.stop()

    def why_not_ready(self) -> str | None:
        """Say why no answer would be current; None if answers are."""
        return self._following.why_not_current()

    def version(self, user_id: str) -> str:
        """Return a text that is another one whenever a user's answers may be, apart from what a clock changes."""
        following = self._following
        # What is mended in ClickHouse is no row of the log: by then, users have been asked for again.
        period = int(self._clocks.seconds() // (2 * RENEW_SECONDS))
        parts = (self._began, period, self._forgotten, following.epoch, following.catalogue.version)
        return "-".join(f"{each:x}" for each in (*parts, following.tail.changes(user_id)))

    def forget(self, user_id: str) -> None:
        """Drop what is known of a user, so that ClickHouse is asked again."""
        self._forgotten += 1
        self._seen.forget(user_id)
        self._timelines.forget(user_id)

    async def coverage(self, user_id: str) -> Coverage:
        """Return a user's coverage, exact or as last known. Raises AwayError if nothing is known of them."""
        try:
            return Coverage((await self._joined(user_id)).coverage(self._clocks.ms()))
        except AwayError:
            last = self._seen.last(user_id)
            if last is None:
                raise
            metrics.collector_stale_reads.inc()
            return Coverage(last.joined.coverage(self._clocks.ms()), True, last.at_ms)

    async def unseen(self, user_id: str, pool_id: str, first: int, most: int) -> list[tuple[str, int]]:
        """Return up to `most` artworks of a pool that the user has not seen, from an ordinal on. Raises AwayError."""
        return (await self._joined(user_id)).unseen(pool_id, first, most)

    async def history(self, user_id: str, before: Key | None, most: int) -> list[Row]:
        """Return the user's newest `most` rows below a key (None: all), newest first. Raises AwayError."""
        self.require_current()
        if most <= MOST:
            timeline = await self._in_time(self._timeline_loading.get(user_id))
            self.require_current()
            if (rows := timeline.below(before, most)) is not None:
                return rows
        # Before ClickHouse is asked: what comes later is for a later reading.
        tail, epoch = self._following.tail.of(user_id), self._following.epoch
        found = await self._in_time(self._page(user_id, before or statements.TOP, most))
        if epoch != self._following.epoch:
            raise BehindError("the reads have begun anew")
        return join(found, tail, before, most)

    def require_current(self) -> None:
        """Raise BehindError if an answer would not be current."""
        if why := self.why_not_ready():
            raise BehindError(why)

    async def _joined(self, user_id: str) -> Seen:
        self.require_current()
        joined = await self._in_time(self._seen_loading.get(user_id))
        self.require_current()
        return joined

    async def _in_time(self, answer: Awaitable[T]) -> T:
        """Wait for others' queries and one's own together no longer than for one."""
        try:
            async with asyncio.timeout(self._settings.reads_timeout_seconds):
                return await answer
        except TimeoutError:
            raise AwayError("ClickHouse gave no answer in time") from None

    async def _page(self, user_id: str, before: Key, most: int) -> list[Row]:
        """Ask for a page, one at a time of a user, so that no user's pages keep others from theirs."""
        lock = self._pages.get(user_id)
        if lock is None:
            lock = self._pages[user_id] = asyncio.Lock()
        parameters = statements.page(partition_of(user_id, self._partitions), user_id, before, most)
        async with lock:
            return statements.read_rows(await self._pool.ask(statements.PAGE, parameters, costly=True))

    async def _ask_seen(self, partition: int, user_ids: Sequence[str], alone: bool) -> Mapping[str, SeenRows]:
        since = self._clocks.ms() - HOUR_MS
        parameters = statements.users(partition, user_ids) | {"since": str(since)}
        return statements.read_seen(await self._pool.ask(statements.SEEN, parameters, costly=alone))

    async def _ask_newest(self, partition: int, user_ids: Sequence[str], alone: bool) -> Mapping[str, Rows]:
        parameters = statements.users(partition, user_ids) | {"most": str(MOST)}
        return statements.read_newest(await self._pool.ask(statements.NEWEST, parameters, costly=alone))

    def _take(self, row: Row) -> None:
        self._seen.add(row)
        self._timelines.add(row)

    def _anew(self, partitions: int) -> None:
        self._partitions = partitions
        self._seen.outdate()
        self._timelines.outdate()
        self._seen_loading.begin(partitions)
        self._timeline_loading.begin(partitions)
