"""All users, and what moves them: an open loop."""

import asyncio
import gc
from array import array
from collections.abc import Callable
from math import ceil
from random import Random
from typing import Any

from load.users.connection import Connection, Target
from load.users.ledger import Ledger
from load.users.plan import Plan
from load.users.request import Waiting
from load.users.timers import Timers
from load.users.user import User
from load.users.watch import Sight, Watcher

# Connections that are opened at once before the play: fewer than a listen queue holds.
OPENED_AT_ONCE = 200
# Between the last connection and the first impression.
BREATH_SECONDS = 0.5
TELL_SECONDS = 0.5

Told = dict[str, float]


class CrowdError(Exception):
    """The users could not do what was planned: one sentence."""


class Crowd:
    """Users in one event loop. `run` returns their ledger; `tell` hears about twice a second how far they are."""

    def __init__(self, plan: Plan, tell: Callable[[Told], None]) -> None:
        self.plan, self.ledger, self.rng = plan, Ledger(), Random(plan.seed)
        self._loop, self._tell = asyncio.get_running_loop(), tell
        self._timers = Timers(self._loop)
        self._target = Target.of(plan.url)
        self.head = (
            f"POST /v1/impressions HTTP/1.1\r\nHost: {self._target.name}\r\n"
            "User-Agent: impressions-load/1\r\nAccept: */*\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"
            "Content-Type: text/plain;charset=UTF-8\r\nContent-Length: %d\r\n\r\n"
        ).encode()
        self._end: asyncio.Future[None] = self._loop.create_future()
        self._connecting: set[asyncio.Task[None]] = set()
        self._watcher = Watcher(plan, self.ledger, self._target, self.now)
        self._users = [User(self, number, in_order=number < plan.watched) for number in range(plan.users)]
        self._times = array("d", sorted(self.rng.uniform(0, plan.seconds) for _ in range(plan.impressions)))
        self._begin, self._finished, self._acknowledged = 0.0, 0, 0
        self._ended_seeing = False
        self._recent: list[float] = []

    async def run(self) -> Ledger:
        """Play the plan; return once each flush is acknowledged or refused, or patience is at its end.

        Raises CrowdError if nothing answers at the address, and any error of our own.
        """
        self._loop.set_exception_handler(self._failed)
        telling = self._loop.create_task(self._tell_on())
        try:
            await self._open()
            # The garbage collector would walk all users again and again, and who is due would have to wait for it.
            gc.collect()
            gc.freeze()
            gc.disable()
            self._begin = self.now() + BREATH_SECONDS
            self._timers.at(self._begin + self._times[0], self._see, 0)
            await self._end
            await self._watcher.finish()
        finally:
            gc.enable()
            gc.unfreeze()
            telling.cancel()
            self._timers.close()
            for task in self._connecting:
                task.cancel()
            for user in self._users:
                user.close()
        self.ledger.happened["late at the most, ms"] = round(1000 * self._timers.latest)
        return self.ledger

    def stop(self) -> None:
        """See nothing more from now on; what was seen is still sent."""
        self._end_seeing()

    def now(self) -> float:
        """Return the time (s since the epoch)."""
        return self._timers.now()

    def wake(self, at: float, user: User, turn: int) -> None:
        """Call `user.woken(turn)` then."""
        self._timers.at(at, user.woken, turn)

    def flush_at(self, at: float, user: User) -> None:
        """Call `user.flush_due(at)` then."""
        self._timers.at(at, user.flush_due, at)

    def connect(self, user: User) -> None:
        """Open a connection and hand it to the user."""
        task = self._loop.create_task(self._connect(user))
        self._connecting.add(task)
        task.add_done_callback(self._has_connected)

    def acknowledged(self, user: User, flush: Waiting, after: float) -> None:
        """A flush was acknowledged for the first time, so long (s) after it was due."""
        self._recent.append(after)
        self._acknowledged += flush.impressions
        if user.number < self.plan.watched:
            self._watcher.watch(Sight(user.name, flush.distinct, flush.first_seen, self.now()))

    def finished(self, impressions: int) -> None:
        """So many impressions need nothing more."""
        self._finished += impressions
        self._end_if_done()

    async def _open(self) -> None:
        try:
            (await self._target.connect(lambda: Connection(_Nobody()))).abort()
        except OSError as error:
            raise CrowdError(f"Nothing answers at {self.plan.url}: {error.strerror or error}.") from None
        await self._watcher.look_for()
        for first in range(0, len(self._users), OPENED_AT_ONCE):
            for user in self._users[first : first + OPENED_AT_ONCE]:
                user.open()
            await asyncio.wait(set(self._connecting))

    async def _connect(self, user: User) -> None:
        try:
            async with asyncio.timeout(self.plan.patience.connect):
                connection = await self._target.connect(lambda: Connection(user))
        except OSError:  # of which TimeoutError is one
            user.not_connected()
        else:
            if connection.is_open:
                user.connected(connection)
            else:
                user.not_connected()

    def _has_connected(self, task: "asyncio.Task[None]") -> None:
        self._connecting.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)

    def _see(self, index: int) -> None:
        """Let one user see something. Times of all users, each given to one at random, are Poisson for each of them."""
        if self._ended_seeing:
            return
        if index + 1 < len(self._times):
            self._timers.at(self._begin + self._times[index + 1], self._see, index + 1)
        self.rng.choice(self._users).see(self._begin + self._times[index])
        if index + 1 == len(self._times):
            self._end_seeing()

    def _end_seeing(self) -> None:
        self._ended_seeing = True
        patience = self.plan.flush_seconds + self.plan.patience.drain
        self._timers.at(self.now() + patience, self._give_up, None)
        self._end_if_done()

    def _end_if_done(self) -> None:
        if self._ended_seeing and self._finished == self.ledger.recorded and not self._end.done():
            self._end.set_result(None)

    def _give_up(self, _: None) -> None:
        if not self._end.done():
            self._end.set_result(None)

    def _fail(self, error: BaseException) -> None:
        if not self._end.done():
            self._end.set_exception(error)

    def _failed(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Called by the loop for an error in a callback. Those of the network end a connection, which its user sees."""
        error = context.get("exception")
        if not isinstance(error, OSError):
            self._fail(error if isinstance(error, BaseException) else CrowdError(str(context["message"])))

    async def _tell_on(self) -> None:
        while True:
            await asyncio.sleep(TELL_SECONDS)
            recent, self._recent = sorted(self._recent), []
            p95 = recent[ceil(0.95 * len(recent)) - 1] if recent else 0.0
            self._tell({"recorded": self.ledger.recorded, "acknowledged": self._acknowledged, "p95_ms": 1000 * p95})


class _Nobody:
    """Asks nothing."""

    def answered(self, connection: Connection, answer: Any) -> None:
        """Nothing was asked."""

    def lost(self, connection: Connection) -> None:
        """It is closed at once."""
