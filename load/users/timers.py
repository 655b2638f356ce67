"""The clock of the crowd: calls at given times, in order, with one timer of the event loop for all of them."""

import asyncio
import heapq
import time
from collections.abc import Callable
from itertools import count
from typing import Any

# What is due sooner than this (s) is waited for this long: shorter timers only burn the processor.
TICK_SECONDS = 0.001


class Timers:
    """Times are seconds since the epoch, by a clock that doesn't go back. `latest`: the longest delay of a call (s)."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._epoch = time.time() - loop.time()
        self._heap: list[tuple[float, int, Callable[[Any], None], Any]] = []
        self._order = count()
        self._armed: asyncio.TimerHandle | None = None
        self._armed_for = 0.0
        self.latest = 0.0

    def now(self) -> float:
        """Return the time."""
        return self._epoch + self._loop.time()

    def at(self, when: float, call: Callable[[Any], None], argument: Any) -> None:
        """Call it then, or as soon as possible."""
        heapq.heappush(self._heap, (when, next(self._order), call, argument))
        if self._armed is None or when < self._armed_for:
            self._arm(when)

    def close(self) -> None:
        """Call nothing more."""
        self._heap.clear()
        if self._armed is not None:
            self._armed.cancel()

    def _arm(self, when: float) -> None:
        if self._armed is not None:
            self._armed.cancel()
        self._armed_for = when
        self._armed = self._loop.call_later(max(TICK_SECONDS, when - self.now()), self._run)

    def _run(self) -> None:
        self._armed, heap = None, self._heap
        # What becomes due meanwhile waits for the next round, or a crowd that is behind would never hear its answers.
        now = self.now()
        try:
            while heap and heap[0][0] <= now:
                when, _, call, argument = heapq.heappop(heap)
                self.latest = max(self.latest, now - when)
                call(argument)
        finally:
            # Also after an error, which the loop hands on: whoever ends the play may still need the clock.
            if heap:
                self._arm(heap[0][0])
