"""Whether the tail has all that was committed: the logs' ends are asked for, and then each must be read up to there.

An end is where readers of committed records stop. What is before it may be the mark of a transaction, which nobody is
given; so a log is read up to an end once a record at or after it has come, or the client has said that it is there.
"""

from collections.abc import Hashable, Iterable, Mapping
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Ends(Generic[K]):
    """The logs of a reader. Callers pass times of a monotonic clock (s)."""

    def __init__(self, logs: Iterable[K]) -> None:
        """None has been read yet."""
        self._read = dict.fromkeys(logs, 0)
        self._asked: tuple[float, Mapping[K, int]] | None = None
        self._never = set(self._read)

    def read(self, reached: Mapping[K, int]) -> None:
        """Note up to which offset logs were read."""
        for log, offset in reached.items():
            self._read[log] = max(offset, self._read[log])

    def ask(self, ends: Mapping[K, int], now: float) -> None:
        """Take ends, perhaps not all, that were asked for at `now`, unless earlier ones have not been reached yet."""
        if self._unreached() is None:
            self._asked = now, ends

    def reached(self) -> bool:
        """Say whether an end of each log was reached at some time."""
        self._unreached()
        return not self._never

    def behind_seconds(self, now: float) -> float:
        """Return how long ago the ends were asked for that have not been reached yet (s); 0 if all have."""
        asked = self._unreached()
        return 0.0 if asked is None else now - asked

    def _unreached(self) -> float | None:
        """Return when the ends were asked for that have not been reached; None if there are none."""
        if self._asked is not None:
            at, ends = self._asked
            if any(self._read[log] < end for log, end in ends.items()):
                return at
            self._never -= ends.keys()
            self._asked = None
        return None
