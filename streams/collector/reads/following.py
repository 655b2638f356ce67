"""Keeps the tail and the catalogue up to date: places the tail, follows the log, and begins anew after a failure.

    starting -> placed -> current -> (behind | failed) -> starting ...

Placed: ClickHouse has said up to where it has each partition, and the follower reads what comes after, and the
catalogue. Current: it has been at an end of every partition, and at the ones that the brokers name now, or named less
than BEHIND_SECONDS ago. Where no broker answers, nothing new is committed that could be missed; unless ClickHouse has
more than the tail, which shows that somebody reaches the brokers.
"""

import asyncio
import time
from collections.abc import Callable

from confluent_kafka import IsolationLevel

from streams.collector.reads import positions
from streams.collector.reads.ends import Ends
from streams.collector.reads.errors import AwayError
from streams.collector.reads.follower import Batch, Follower
from streams.collector.reads.pool import Pool
from streams.collector.reads.tail import Tail
from streams.core.artwork_record import Refusal
from streams.core.catalogue import Catalogue
from streams.errors import Kind, KnownError
from streams.kafka import admin
from streams.kafka.names import ACCEPTED, ARTWORKS
from streams.kafka.read import Key
from streams.kafka.topic_ids import Sources
from streams.metrics import collector as metrics
from streams.runtime import log
from streams.runtime.backoff import Backoff
from streams.runtime.limited import Limited
from streams.settings import Settings

logger = log.get(__name__)
log_away = Limited(logger, "clickhouse_unavailable")
_COMMITTED = IsolationLevel.READ_COMMITTED

# How often ClickHouse is asked up to where it has the log: until then, what it has takes memory here, too.
FORGET_SECONDS = 1.0
# Where the answer costs much, as while the table has rows of an earlier log with later offsets, which no index tells
# from this one's, it is asked for more rarely. More often than BEHIND_SECONDS: one answer says that ClickHouse has more
# than the tail, and only another one says that this is over.
FORGET_PART, LONGEST_FORGET_SECONDS = 20, 3.0
ENDS_SECONDS, STARTING_SECONDS = 1.0, 0.1
# A tail that has not reached what was the log's end so long ago answers nothing that must be current.
BEHIND_SECONDS = 5.0


class Following:
    """What is followed: `tail` and `catalogue`, for one event loop. `epoch` counts the beginnings."""

    def __init__(self, settings: Settings, pool: Pool, budget: int, anew: Callable[[int], None]) -> None:
        """`budget` is the tail's, in bytes; `anew` is called with the number of partitions when the tail begins."""
        self.tail = Tail(budget)
        self.catalogue = Catalogue()
        self.epoch = 0
        self._settings, self._pool, self._anew = settings, pool, anew
        self._ends: Ends[Key] | None = None
        self._task: asyncio.Task[None] | None = None
        self._overtaken: float | None = None  # since when ClickHouse has had more than the tail

    def start(self) -> None:
        """Begin to follow, in a task."""
        self._task = asyncio.create_task(self._run(), name="reads-following")

    async def stop(self) -> None:
        """End the task and its thread."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def why_not_current(self) -> str | None:
        """Say why the tail may lack what has been committed; None if it has everything."""
        if self._ends is None or not self._ends.reached():
            return "the reads are being started"
        if self.tail.full:
            return "ClickHouse lacks more of the log than fits in memory"
        behind = self.behind_seconds()
        return f"the reads are {behind:.0f} s behind the log" if behind > BEHIND_SECONDS else None

    def behind_seconds(self) -> float:
        """Return for how long the tail has lacked something that it should have (s); 0 if it has all."""
        now = time.monotonic()
        overtaken = 0.0 if self._overtaken is None else now - self._overtaken
        return max(overtaken, self._ends.behind_seconds(now) if self._ends is not None else 0.0)

    async def _run(self) -> None:
        backoff = Backoff()
        while True:
            try:
                await self._follow(backoff)
            except KnownError as error:
                # A topic that is missing or re-created, records of a newer release, a login that is refused: all of
                # them may be mended while the collector goes on taking flushes.
                level = logger.warning if error.kind is Kind.WAIT else logger.error
                level("reads_not_current", why=str(error), kind=error.kind.value)
            except Exception as error:
                logger.error("reads_broken", exc_info=error)
            self._ends = None
            await asyncio.sleep(backoff.fail(time.monotonic()))

    async def _follow(self, backoff: Backoff) -> None:
        """Follow until something fails, which is raised."""
        sources = await asyncio.to_thread(Sources, self._settings, [ACCEPTED, ARTWORKS])
        topic_id, partitions = sources.topics[ACCEPTED].topic_id, sources.topics[ACCEPTED].partitions
        placed = await positions.ask(self._pool, topic_id, dict.fromkeys(range(partitions), 0))
        self.epoch += 1
        self.catalogue = Catalogue()
        self.tail.begin(placed)
        self._anew(partitions)
        ends: Ends[Key] = Ends([*((ACCEPTED, number) for number in placed), (ARTWORKS, 0)])
        self._ends, self._overtaken = ends, None
        failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        follower = Follower(self._settings, sources, self._take, lambda: self.tail.full, lambda e: _fail(failure, e))
        follower.start(placed)
        asking = asyncio.create_task(self._ask_ends(ends, partitions), name="reads-ends")
        pause = FORGET_SECONDS
        try:
            while not failure.done():
                await asyncio.wait({failure, asking}, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
                if asking.done():
                    asking.result()
                begun = time.monotonic()
                await self._forget(topic_id)
                pause = until_next(time.monotonic() - begun)
                if self.why_not_current() is None:
                    backoff.succeed()
            failure.result()
        finally:
            asking.cancel()
            await follower.stop()

    async def _ask_ends(self, ends: Ends[Key], partitions: int) -> None:
        """Ask the brokers again and again where the logs end."""
        while True:
            asked, found = time.monotonic(), dict[Key, int]()
            for topic, count in ((ACCEPTED, partitions), (ARTWORKS, 1)):
                known = await asyncio.to_thread(admin.ends, self._settings, topic, range(count), _COMMITTED)
                found.update({(topic, number): end for number, end in known.items()})
            ends.ask(found, asked)
            await asyncio.sleep(ENDS_SECONDS if ends.reached() else STARTING_SECONDS)

    async def _forget(self, topic_id: str) -> None:
        """Drop what ClickHouse has by now. Raises RowsGoneError if it has less than before."""
        try:
            found = await positions.ask(self._pool, topic_id, self.tail.positions)
            self.tail.forget(found)
            if not self.tail.lacks(found):
                self._overtaken = None
            elif self._overtaken is None:
                self._overtaken = time.monotonic()
        except AwayError as error:
            log_away(why=str(error))
        metrics.collector_tail_records.set(self.tail.rows)
        metrics.collector_tail_bytes.set(self.tail.bytes)
        metrics.collector_tail_behind_seconds.set(self.behind_seconds())

    def _take(self, batch: Batch) -> None:
        """Take a poll's records: the catalogue's first, since rows are of artworks."""
        for record in batch.artworks:
            outcome = self.catalogue.apply(record.key(), record.value())
            if isinstance(outcome, Refusal):
                # The worker and the sink refuse it, too, and say why.
                logger.debug("artwork_refused", offset=record.offset(), why=outcome.why)
        for partition, offset, rows in batch.accepted:
            self.tail.append(partition, offset, rows)
        if self._ends is not None:
            self._ends.read(batch.reached)


def until_next(took: float) -> float:
    """Return how long to wait until ClickHouse is asked for positions again, after an answer that took so long (s)."""
    return min(max(FORGET_SECONDS, FORGET_PART * took), LONGEST_FORGET_SECONDS)


def _fail(failure: "asyncio.Future[None]", error: BaseException) -> None:
    if not failure.done():
        failure.set_exception(error)
