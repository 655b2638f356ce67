"""Where callers hand things to a producer's thread: bounded, in order, and open to whoever interrupts a caller.

A signal handler or a finaliser may run between any two steps of the main thread, also while that is in here. So nobody
holds a lock that the producer's thread needs, and nobody waits for a lock that the interrupted thread holds: what
callers give goes into a deque, and a token into a queue where the thread must be woken. Both may be used again while
they are being used, and the thread alone owns everything else.

Waking a thread costs more than all the rest of an impression. So impressions wake the thread only if it sleeps; after
some came, it looks again by itself until none have come for a while.
"""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress

from impression_streams import native
from impression_streams.outgoing import Outgoing

# A user's impression as JSON, a record to send, or a step that the producer's thread is to take.
Item = tuple[str, bytes] | Outgoing | Callable[[], None]
CLOSED = "the producer is closed"
# How long the thread leaves impressions alone after it has taken some, before it looks for the next: a full batch is so
# much later at most. Anything else wakes it at once.
REST_SECONDS = 0.005


class Intake:
    """Takes items while their weight (impressions) has room; what is not yet acknowledged is held.

    `freed` and `failed` are written by the producer's thread alone: the weight that was acknowledged, and that was
    given up and only the caller can free (`take`).
    """

    def __init__(self, limit: int) -> None:
        self.recorded = 0  # impressions that were let in, or are just being
        self.closed = self.finished = False
        self.freed = self.failed = 0
        self._limit = limit
        self._admitted = self._taken = 0
        self._late: list[Item] = []
        self._items: deque[Item] = deque()
        self._wake = native.simple_queue()
        self._asleep = False  # the thread won't look again by itself
        self._rests = False  # impressions came last time
        # Guards a few steps that call nothing which waits. The thread that holds it may enter again.
        self._gate = native.rlock()

    @property
    def held(self) -> int:
        """Weight of everything in memory."""
        return self._admitted - self.freed - self._taken

    @property
    def held_failed(self) -> int:
        """The part of `held` that only the caller can free."""
        return self.failed - self._taken

    def offer(self, item: tuple[str, bytes] | Outgoing, weight: int, impressions: int) -> bool:
        """Let the item in, unless there is no room (one above the whole limit may go alone).

        Raises RuntimeError once closed.
        """
        with self._gate:  # no call in here: a signal handler can run at a call
            closed, held = self.closed, self._admitted - self.freed - self._taken
            fits = not closed and (not held or held + weight <= self._limit)
            if fits:
                self._admitted += weight
                self.recorded += impressions
        if fits:
            self._items.append(item)
            if self._asleep or not isinstance(item, tuple):
                self._wake.put(None)
            if self.was_seen(item):
                return True
            with self._gate:
                self._admitted -= weight
                self.recorded -= impressions
        elif not closed:
            return False
        raise RuntimeError(CLOSED)

    def fits(self, weight: int) -> bool:
        """Return whether there is room."""
        return not self.held or self.held + weight <= self._limit

    def is_clogged(self, weight: int) -> bool:
        """Return whether there can't be room before the caller takes back what was given up."""
        return self.held_failed > 0 and self.held_failed + weight > self._limit

    def take(self, weight: int) -> None:
        """Free the weight of what the caller took back."""
        with self._gate:
            self._taken += weight

    def put(self, step: Callable[[], None]) -> None:
        """Let the producer's thread take a step. It has no weight."""
        self._items.append(step)
        self._wake.put(None)

    def was_seen(self, item: Item) -> bool:
        """Return False if the thread had ended before it could see the item, which this caller has put."""
        if not self.finished:
            return True
        with self._gate:
            self._late.extend(self._left())
            for index, late in enumerate(self._late):
                if late is item:
                    del self._late[index]
                    return False
        return True

    def close(self) -> None:
        """Let nothing more in."""
        self.closed = True

    def get(self, seconds: float | None, most: int) -> Iterator[Item]:
        """Yield what was put, at most so many items; if there is nothing, wait for the first for so long."""
        if self._rests and len(self._items) < most:
            self._pause(REST_SECONDS if seconds is None else min(seconds, REST_SECONDS))
        if not self._items:
            # Who puts something from here on sees this and wakes the thread; what was put before is seen here.
            self._asleep = True
            if not self._items:
                self._pause(seconds)
            self._asleep = False
        with suppress(native.Empty):  # whoever put these has put an item before, which is taken below
            while True:
                self._wake.get_nowait()
        self._rests = False
        with suppress(IndexError):
            for _ in range(most):
                item = self._items.popleft()
                self._rests = self._rests or isinstance(item, tuple)
                yield item

    def _pause(self, seconds: float | None) -> None:
        with suppress(native.Empty):
            self._wake.get(timeout=seconds)

    def finish(self) -> Iterator[Item]:
        """Yield the rest; nobody takes from the queue from now on."""
        self.closed = self.finished = True
        yield from self._left()

    def _left(self) -> Iterator[Item]:
        with suppress(IndexError):
            while True:
                yield self._items.popleft()
