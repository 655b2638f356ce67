"""One budget for everything that the collector holds for requests: bodies being read, and lines waiting for acks."""

from types import TracebackType
from typing import Self

# New requests are turned away from here on, so that those already admitted can grow.
MARK = 0.7


class Budget:
    """Counts bytes against a limit. Not for several threads: the loop alone takes and gives."""

    def __init__(self, limit: int, mark: float = MARK) -> None:
        self.limit, self.used, self.peak = limit, 0, 0
        self.mark = int(limit * mark)

    def admits(self, declared: int | None = None) -> bool:
        """Say whether a request may begin, by the Content-Length that it declared (bytes; None if it has none)."""
        return self.used < self.mark and self.used + (declared or 0) <= self.limit

    def share(self) -> "Share":
        """Return a request's share, which holds nothing yet."""
        return Share(self)


class Share:
    """What one request holds of the budget. As a context manager, it gives everything back at its end."""

    __slots__ = ("_budget", "used")

    def __init__(self, budget: Budget) -> None:
        self._budget, self.used = budget, 0

    def grow(self, size: int) -> bool:
        """Take `size` bytes more; False, and nothing is taken, if that would exceed the limit."""
        budget = self._budget
        if budget.used + size > budget.limit:
            return False
        budget.used += size
        budget.peak = max(budget.peak, budget.used)
        self.used += size
        return True

    def release(self) -> None:
        """Give everything back; harmless when repeated."""
        self._budget.used -= self.used
        self.used = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
