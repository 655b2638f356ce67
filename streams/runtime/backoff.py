"""Waiting between tries: longer each time, up to a bound, and never in step with others."""

import random
from collections.abc import Callable

# The first wait is short, since most failures are a restart's few seconds.
FIRST_SECONDS = 0.2
# The longest: what a repaired ClickHouse may wait for the sink to notice. The view's minute of rule 5 includes it.
LONGEST_SECONDS = 10.0


class Backoff:
    """The time before which nothing is tried again. Times are of a monotonic clock (s), passed in."""

    def __init__(self, jitter: Callable[[], float] = random.random) -> None:
        self._jitter = jitter
        self._failures = 0
        self._until = 0.0

    def fail(self, now: float) -> float:
        """Note a failure; return how long is waited now: half to all of twice the wait before."""
        bound = min(LONGEST_SECONDS, FIRST_SECONDS * 2.0 ** min(self._failures, 16))
        wait = bound * (0.5 + 0.5 * self._jitter())
        self._failures += 1
        self._until = now + wait
        return wait

    def succeed(self) -> None:
        """Note that it works: nothing is waited for any more."""
        self._failures = 0
        self._until = 0.0

    @property
    def failing(self) -> bool:
        """Whether the last try failed."""
        return self._failures > 0

    def waits(self, now: float) -> bool:
        """Whether it is too early to try."""
        return now < self._until
