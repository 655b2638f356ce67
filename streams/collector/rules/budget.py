"""One budget for everything that the collector holds for requests: bodies being read, and lines waiting for acks.

No address may hold all of it: whoever sends many large bodies slowly would otherwise keep everybody else out.
"""

from types import TracebackType
from typing import Self

# New requests are turned away from here on, so that those already admitted can grow.
MARK = 0.7


class Budget:
    """Counts bytes against a limit, and each address's against its own. Not for several threads: the loop alone takes
    and gives."""

    def __init__(self, limit: int, mark: float = MARK, of_address: int | None = None) -> None:
        """`of_address` is the most that one address may hold (bytes); None is as much as all of them."""
        self.limit, self.used, self.peak = limit, 0, 0
        self.mark = int(limit * mark)
        self.of_address = limit if of_address is None else min(of_address, limit)
        # Only of addresses that hold something.
        self._held: dict[str, int] = {}

    def admits(self, declared: int | None = None) -> bool:
        """Say whether a request may begin, by the Content-Length that it declared (bytes; None if it has none)."""
        return self.used < self.mark and self.used + (declared or 0) <= self.limit

    def share(self, address: str = "") -> "Share":
        """Return the share of a request of an address, which holds nothing yet."""
        return Share(self, address)

    def held_by(self, address: str) -> int:
        """Return what all requests of an address hold (bytes)."""
        return self._held.get(address, 0)

    def _take(self, address: str, size: int) -> None:
        self.used += size
        self.peak = max(self.peak, self.used)
        if held := self.held_by(address) + size:
            self._held[address] = held
        else:
            self._held.pop(address, None)


class Share:
    """What one request holds of the budget. As a context manager, it gives everything back at its end."""

    __slots__ = ("_address", "_budget", "used")

    def __init__(self, budget: Budget, address: str) -> None:
        self._budget, self._address, self.used = budget, address, 0

    def fits(self, size: int = 0) -> bool:
        """Say whether the address may hold `size` bytes more, 0 for any at all; what others hold doesn't matter."""
        return self._budget.held_by(self._address) + max(size, 1) <= self._budget.of_address

    def grow(self, size: int) -> bool:
        """Take `size` bytes more; False, and nothing is taken, if the budget or the address's part has no room."""
        budget = self._budget
        if budget.used + size > budget.limit or (size and not self.fits(size)):
            return False
        budget._take(self._address, size)
        self.used += size
        return True

    def release(self) -> None:
        """Give everything back; harmless when repeated."""
        self._budget._take(self._address, -self.used)
        self.used = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
