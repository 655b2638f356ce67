"""Decides when missing progress is a stall: pure, fed by regular looks at the partitions that a process holds."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

Key = tuple[str, int]


class Work(NamedTuple):
    """A partition held by a process, as seen at one moment."""

    key: Key
    """Topic and partition."""
    position: int | None
    """The next offset to process; None while the partition is being restored, which always counts as work."""
    moved: Hashable
    """A value that changes with every progress."""
    waits: bool
    """Whether the process knows that it waits for a server: after a restart it would only wait again."""


# Returns for each partition whether there is work at its position; leaves out partitions without an answer.
Lag = Callable[[list[Work]], Mapping[Key, bool]]


@dataclass
class _Still:
    """How long a partition has had work without progress (s); `lags`: whether it had work at the last look."""

    moved: Hashable
    seconds: float = 0.0
    lags: bool = False


class Stalls:
    """Adds up the time between looks that find work at the same position as the look before.

    Offsets alone don't show whether there is work: the last record of a partition may be followed by transaction
    markers, which consumers never see. So `lag` is asked about partitions that haven't moved. Work found for the first
    time may have just arrived, so the time counts from that look on.
    """

    def __init__(self, seconds: float, longest_step: float) -> None:
        """A stall takes `seconds`. The time between two looks counts as at most `longest_step` seconds: a process that
        was stopped, or a machine that slept, missed its looks and was not stalled by itself."""
        self._seconds = seconds
        self._longest_step = longest_step
        self._last: float | None = None
        self._partitions: dict[Key, _Still] = {}

    def look(self, now: float, works: Iterable[Work], lag: Lag) -> None:
        """Take a look; `now` is from a monotonic clock (s). Exceptions of `lag` propagate."""
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
            # For a partition that is being restored, the answer only shows that there is a broker to restore it from.
            lags = work.key in found and (found[work.key] or work.position is None)
            still.seconds = still.seconds + step if lags and still.lags else 0.0
            still.lags = lags

    def stalled(self, times: float = 1.0) -> list[Key]:
        """Return the partitions that have been stalled for `times` the limit, in order."""
        limit = times * self._seconds
        return sorted(key for key, still in self._partitions.items() if still.lags and still.seconds >= limit)
