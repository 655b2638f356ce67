"""Python's garbage, collected when nobody waits.

A full collection walks every object: with ten thousand connections that takes tens of milliseconds, and by itself it
comes while requests are being answered. What is there after the start stays for ever, and is left out of it; most of
what requests leave behind has no cycles, and is freed at once.
"""

import gc

# Objects that were made and not freed since the last collection: only cycles stay, a few for each connection.
MANY = 200_000
# So many, and it no longer waits for an idle moment.
TOO_MANY = 2_000_000
# Between two collections while little is made.
IDLE_SECONDS = 60.0


class Garbage:
    """When to collect. Times are from a monotonic clock (s)."""

    def __init__(self) -> None:
        self._last: float | None = None
        self.collections = 0

    def begin(self) -> None:
        """Leave out what exists now, and collect only in `tick` from now on."""
        gc.collect()
        gc.freeze()
        gc.disable()

    def tick(self, now: float, idle: bool) -> bool:
        """Collect if this is the moment; return whether it was. `idle` says that no request is being answered."""
        made = gc.get_count()[0]
        self._last = now if self._last is None else self._last
        due = made >= TOO_MANY or (idle and (made >= MANY or (made and now - self._last >= IDLE_SECONDS)))
        if due:
            self._last = now
            self.collections += 1
            gc.collect()
        return bool(due)
