"""When standing still is a stall: a pure decision, fed by looks at what a process has in hand."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

Key = tuple[str, int]


class Work(NamedTuple):
    """A partition in the hands of a process, as it stands at one moment."""

    key: Key
    """Topic and partition."""
    position: int | None
    """The next offset to be done; None while the partition is made ready, which is work for certain."""
    moved: Hashable
    """Another value than before whenever something was done."""
    waits: bool
    """Whether the process knows that it waits for a server: a restart would only wait again."""


# Says of each partition whether there is work at its position; leaves out those of which nobody could tell.
Lag = Callable[[list[Work]], Mapping[Key, bool]]


@dataclass
class _Still:
    """How long a partition has been seen to have work and not to move (s); `lags` at the last look."""

    moved: Hashable
    seconds: float = 0.0
    lags: bool = False


class Stalls:
    """Counts the time that passes between looks which find work at the place where the last one found it.

    Offsets alone don't tell: behind the last record of a partition there may be markers of transactions, which nobody
    is ever shown. Therefore `lag` is asked about what has not moved. Work that was not seen before may have arrived
    just now, so that time counts from the look that saw it first.
    """

    def __init__(self, seconds: float, longest_step: float) -> None:
        """`seconds` is what makes a stall. No two looks count for more than `longest_step` seconds: a process that
        was stopped, or a machine that slept, missed its looks, and stood still for no reason of its own."""
        self._seconds = seconds
        self._longest_step = longest_step
        self._last: float | None = None
        self._partitions: dict[Key, _Still] = {}

    def look(self, now: float, works: Iterable[Work], lag: Lag) -> None:
        """Take a look; `now` is a monotonic clock's (s). What `lag` raises passes through."""
        step = 0.0 if self._last is None else min(now - self._last, self._longest_step)
        self._last = now
        before, self._partitions, unmoved = self._partitions, {}, []
        for work in works:
            known = before.get(work.key)
            if known is None or known.moved != work.moved or work.waits:
                self._partitions[work.key] = _Still(work.moved)
            else:
                self._partitions[work.key] = known
                unmoved.append(work)
        found = lag(unmoved) if unmoved else {}
        for work in unmoved:
            still = self._partitions[work.key]
            # Of a partition that is made ready the answer only tells that there is a broker to make it ready with.
            lags = work.key in found and (found[work.key] or work.position is None)
            still.seconds = still.seconds + step if lags and still.lags else 0.0
            still.lags = lags

    def stalled(self, times: float = 1.0) -> list[Key]:
        """The partitions that have stood still for so many times the seconds, in order."""
        limit = times * self._seconds
        return sorted(key for key, still in self._partitions.items() if still.lags and still.seconds >= limit)
