"""Where the source partitions end: for everyone, for readers of committed records, and beyond what was fetched.

A transaction that a producer leaves open keeps everything after its first record from being read, and no fetch shows
it: the broker then answers fetches as if the partition had ended. So the broker is asked for both ends.
"""

import threading
import time
from collections.abc import Callable, Iterable

from confluent_kafka import IsolationLevel

from streams.kafka.admin import ends
from streams.kafka.names import IMPRESSIONS
from streams.metrics import availability
from streams.metrics import catalogue as metrics
from streams.settings import Settings

# Two requests to each broker in this time. An alert waits for half a minute.
SECONDS = 5.0

OF_A_PARTITION = (
    availability.source_unreadable_offsets,
    availability.source_unreadable_seconds,
    metrics.worker_lag,
)

# Returns the ends of some partitions for readers of an isolation level; leaves out those without an answer.
Ends = Callable[[Iterable[int], IsolationLevel], dict[int, int]]
Partitions = Callable[[], Iterable[int]]
# Returns the offset after what was fetched, for each partition that is being read.
Fetched = Callable[[], dict[int, int]]


class SourceEnds:
    """Looks at the ends of the partitions that are assigned to this worker, and shows them."""

    def __init__(self, ends_of: Ends, assigned: Partitions, fetched: Fetched) -> None:
        self._ends_of, self._assigned, self._fetched = ends_of, assigned, fetched
        # Since when (monotonic, s) each partition has been readable up to the same offset, and no further.
        self._blocked: dict[int, tuple[int, float]] = {}
        self._shown: set[int] = set()

    def look(self, now: float) -> None:
        """Take one look, at `now` of a monotonic clock (s)."""
        assigned = set(self._assigned())
        for number in self._shown - assigned:
            metrics.forget((str(number),), *OF_A_PARTITION)
        self._shown = assigned
        fetched = self._fetched()
        # In this order, what is committed in between doesn't look unreadable.
        high = self._ends_of(assigned, IsolationLevel.READ_UNCOMMITTED)
        stable = self._ends_of(assigned, IsolationLevel.READ_COMMITTED)
        # One without an answer stays as it was.
        self._blocked = {number: block for number, block in self._blocked.items() if number in assigned}
        for number in high.keys() & stable.keys():
            unreadable, since = max(0, high[number] - stable[number]), now
            offset, began = self._blocked.pop(number, (-1, now))
            if unreadable:
                since = began if offset == stable[number] else now
                self._blocked[number] = (stable[number], since)
            availability.source_unreadable_offsets.labels(str(number)).set(unreadable)
            availability.source_unreadable_seconds.labels(str(number)).set(now - since)
            if number in fetched:
                metrics.worker_lag.labels(str(number)).set(max(0, high[number] - fetched[number]))

    def watch(self, failed: Callable[[BaseException], object]) -> None:
        """Look regularly in a thread of its own; call `failed` with what ends it."""

        def run() -> None:
            never = threading.Event()
            try:
                while not never.wait(SECONDS):
                    self.look(time.monotonic())
            except BaseException as error:
                failed(error)

        threading.Thread(target=run, name="source-ends", daemon=True).start()


def of_broker(settings: Settings) -> Ends:
    """Return what asks the broker."""
    return lambda partitions, isolation: ends(settings, IMPRESSIONS, partitions, isolation)
