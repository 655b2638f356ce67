"""Waiting between tries: longer each time, up to a limit, and with jitter so processes don't retry in step."""

import random
from collections.abc import Callable

# The first wait is short, since most failures are restarts that take a few seconds.
FIRST_SECONDS = 0.2
# The longest wait: how late the sink may notice that ClickHouse is back. The view's minute of rule 5 includes it.
LONGEST_SECONDS = 10.0


class Backoff:
    """The earliest time of the next try. Callers pass times of a monotonic clock (s)."""

    def __init__(self, jitter: Callable[[], float] = random.random) -> None:
        self._jitter = jitter
        self._failures = 0
        self._until = 0.0

    def fail(self, now: float) -> float:
        """Note a failure; return the wait that follows (s): half to all of a bound that doubles each time."""
        bound = min(LONGEST_SECONDS, FIRST_SECONDS * 2.0 ** min(self._failures, 16))
        wait = bound * (0.5 + 0.5 * self._jitter())
        self._failures += 1
        self._until = now + wait
        return wait

    def succeed(self) -> None:
        """Note a success: the next try need not wait."""
        self._failures = 0
        self._until = 0.0

    @property
    def failing(self) -> bool:
        """Whether the last try failed."""
        return self._failures > 0

    def waits(self, now: float) -> bool:
        """Whether it is too early to try."""
        return now < self._until
