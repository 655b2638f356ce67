"""Where callers hand things to a producer's thread: bounded, in order, and open to whoever interrupts a caller.

A signal handler or a finaliser may run between any two steps of the main thread, also while that is in here. So nobody
holds a lock that the producer's thread needs, and nobody waits for a lock that the interrupted thread holds: what
callers give goes into a queue that may be used again while it is being used, and the thread alone owns everything else.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress

from impression_streams import native
from impression_streams.outgoing import Outgoing

# A user's impression as JSON, a record to send, or a step that the producer's thread is to take.
Item = tuple[str, bytes] | Outgoing | Callable[[], None]
CLOSED = "the producer is closed"


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
        self._queue = native.simple_queue()
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
            self._queue.put(item)
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
        self._queue.put(step)

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
        with suppress(native.Empty):
            yield self._queue.get(timeout=seconds)
            for _ in range(most - 1):
                yield self._queue.get_nowait()

    def finish(self) -> Iterator[Item]:
        """Yield the rest; nobody takes from the queue from now on."""
        self.closed = self.finished = True
        yield from self._left()

    def _left(self) -> Iterator[Item]:
        with suppress(native.Empty):
            while True:
                yield self._queue.get_nowait()
