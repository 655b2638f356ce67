"""Handles for requests: how many run at once, in which threads, and how they end."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, cast

from streams.embedded.clickhouse.config import ServerConfig
from streams.embedded.clickhouse.engine import Engine
from streams.embedded.clickhouse.errors import ABORTED, TOO_MANY_SIMULTANEOUS_QUERIES, ClickHouseError
from streams.embedded.clickhouse.named import Named, NamedSessions
from streams.embedded.clickhouse.prepare import Kept
from streams.embedded.clickhouse.scope import Mark
from streams.embedded.clickhouse.session import Session
from streams.embedded.clickhouse.users import User

T = TypeVar("T")

# KILL finds a query only once the engine has registered it, so it is repeated until the query has ended.
_KILL_AGAIN_SECONDS = 0.1
# For queries cancelled at the end: KILL takes some milliseconds, a merge that must stop first perhaps a second.
_CANCEL_SECONDS = 5.0
# Threads in addition to the handles' own, for a few KILLs at once.
_SPARE_THREADS = 4


class Lease:
    """A session in use. Its holder must call `release`, whatever happens."""

    def __init__(self, pool: "Pool", session: Session, slot: asyncio.Semaphore, named: Named | None) -> None:
        self.session = session
        self.readonly = True  # a read is cancelled with its client; what may change something runs to its end
        self.ended = asyncio.Event()
        self.cancelled = False  # by KILL QUERY
        self.closes_session = False  # the named session ends with this request
        self._named = named
        self._released: asyncio.Task[None] | None = None
        self.task = _current_task()
        self._pool = pool
        self._slot = slot
        self._running: asyncio.Future[object] | None = None

    def start(self, work: Callable[..., T], *arguments: object) -> "asyncio.Future[T]":
        """Run one of the session's methods in a thread; return its future, which must not be cancelled."""
        running = self._pool.run(work, *arguments)
        self._running = cast("asyncio.Future[object]", running)
        return running

    async def call(self, work: Callable[..., T], *arguments: object) -> T:
        """Run one of the session's methods in a thread. If cancelled, it leaves the work for `release` to end."""
        return await asyncio.shield(self.start(work, *arguments))

    async def release(self) -> None:
        """End what still runs, close the session and free its slot, once. A cancellation does not stop this."""
        if self._released is None:
            self._released = self._pool.keep(self._close())
        await asyncio.shield(self._released)

    async def kill(self) -> None:
        """Cancel what runs, again and again until it has ended."""
        while self._running is not None and not self._running.done():
            await self._pool.run(self.session.kill)
            await asyncio.wait({self._running}, timeout=_KILL_AGAIN_SECONDS)

    async def cancel(self, wait: bool = True) -> None:
        """Cancel the query for another request; with `wait`, return when it has ended, or can't be ended at once.

        An engine that waits for the client to read its answer ends when the client has read it, or is cut off.
        """
        self.cancelled = True
        await self._pool.run(self.session.kill)
        if wait and self._running is not None:
            try:
                async with asyncio.timeout(_CANCEL_SECONDS):
                    await self.kill()
            except TimeoutError:
                return

    async def _close(self) -> None:
        try:
            if self.readonly:
                self.session.cut()
                await self.kill()
            elif self._running is not None:
                await asyncio.wait({self._running})
            if self._running is not None and not self._running.cancelled():
                self._running.exception()  # its caller, if it still exists, has received it
            await self._pool.run(self.session.close)
        finally:
            self._pool.leases.discard(self)
            self._slot.release()
            if self._named is not None:
                self._pool.named.give_back(self._named, self.closes_session)
            self.ended.set()


def _current_task() -> "asyncio.Task[object]":
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("a lease belongs to the task of a request")
    return task


class Pool:
    """The engine's handles, a limited number for each user, so neither user can starve the other."""

    def __init__(self, engine: Engine, config: ServerConfig) -> None:
        self.leases: set[Lease] = set()
        self.named = NamedSessions(self._end_session)
        self._engine = engine
        self._seconds = config.queue_seconds
        self._stopping = False
        self._slots = {
            User.READER: asyncio.Semaphore(config.reader_handles),
            User.WRITER: asyncio.Semaphore(config.writer_handles),
        }
        self._threads = ThreadPoolExecutor(config.reader_handles + config.writer_handles + _SPARE_THREADS, "engine")
        self._closing: set[asyncio.Task[None]] = set()

    async def lease(self, mark: Mark, named: Named | None = None) -> Lease:
        """Return a new session, which is not opened yet. A lease of a named session gives it back.

        Raises TOO_MANY_SIMULTANEOUS_QUERIES after queue_seconds, ABORTED when stopping.
        """
        try:
            slot = await self._slot(mark.user)
        except BaseException:
            if named is not None:
                self.named.give_back(named)
            raise
        lease = Lease(self, Session(self._engine, mark, None if named is None else named.kept), slot, named)
        self.leases.add(lease)
        return lease

    async def _slot(self, user: User) -> asyncio.Semaphore:
        slot = self._slots[user]
        try:
            async with asyncio.timeout(self._seconds):
                await slot.acquire()
        except TimeoutError:
            raise ClickHouseError(
                TOO_MANY_SIMULTANEOUS_QUERIES,
                f"Too many simultaneous queries of {user.value}: none ended within {self._seconds} s.",
            ) from None
        if self._stopping:
            slot.release()
            raise ClickHouseError(ABORTED, "The server is stopping.")
        return slot

    def run(self, work: Callable[..., T], *arguments: object) -> "asyncio.Future[T]":
        """Run blocking work of the engine in a thread."""
        return asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)

    def keep(self, closing: Coroutine[object, object, None]) -> "asyncio.Task[None]":
        """Run the end of a lease as a task that outlives its request."""
        task = asyncio.get_running_loop().create_task(closing)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        return task

    async def stop(self, seconds: float) -> bool:
        """Refuse new work, cancel reads, give the rest `seconds` to end, then cancel it; return whether all ended."""
        self._stopping = True
        for lease in self.leases:
            if lease.readonly:
                lease.task.cancel()
        await self._ended(seconds)
        for lease in self.leases:
            lease.readonly = True
            lease.task.cancel()
        clean = await self._ended(_CANCEL_SECONDS)
        if clean:
            for kept in self.named.close():
                await self.run(kept.close)
            self._threads.shutdown()
        return clean

    def _end_session(self, kept: Kept) -> None:
        if kept.holds:
            self.run(kept.close)

    async def _ended(self, seconds: float) -> bool:
        waits = [asyncio.ensure_future(lease.ended.wait()) for lease in self.leases]
        if not waits:
            return True
        _, late = await asyncio.wait(waits, timeout=seconds)
        for wait in late:
            wait.cancel()
        return not late
