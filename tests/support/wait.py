"""Wait for a condition with a deadline: the only way a test may pass time."""

import time
from collections.abc import Callable
from threading import Event
from typing import TypeVar

T = TypeVar("T")

# Short enough that a test hardly waits longer than it must; long enough not to load two cores.
POLL_SECONDS = 0.05


def until(condition: Callable[[], T], seconds: float, what: str) -> T:
    """Return the condition's first truthy value. Raises AssertionError naming `what` after `seconds`.

    Sleeps for as long as the check took, so an expensive check does not hold up what it waits for.
    """
    deadline = time.monotonic() + seconds
    while (looked := time.monotonic()) < deadline:
        value = condition()
        if value:
            return value
        time.sleep(max(POLL_SECONDS, time.monotonic() - looked))
    raise AssertionError(f"not within {seconds} s: {what}")


def let_pass(seconds: float) -> None:
    """Return after this time: only for faults that consist in their duration, which nothing else shows, and for
    visitors, who record now and then and not all at once."""
    Event().wait(seconds)
