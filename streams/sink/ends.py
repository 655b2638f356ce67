"""Where the partitions end, asked of the broker in a thread of its own.

The consumer knows an end only from its fetches, and fetches nothing while ClickHouse is away; and the loop shows
nothing while it waits for ClickHouse's answer, for up to a minute. The lag must grow in both cases: it is there for
them.
"""

import threading
from collections.abc import Callable, Iterable

from confluent_kafka import IsolationLevel

from streams.kafka.admin import ends
from streams.settings import Settings
from streams.sink.partition import AssignedPartition, by_topic

# A request for each topic in this time; Prometheus asks every 15 s.
SECONDS = 5.0

# Returns the ends of some partitions of a topic; leaves out those without an answer.
EndsOf = Callable[[str, Iterable[int]], dict[int, int]]


class Ends:
    """Looks at the ends of the partitions that are assigned to this sink, and shows how far away they are."""

    def __init__(self, ends_of: EndsOf, assigned: Callable[[], list[AssignedPartition]]) -> None:
        self._ends_of, self._assigned = ends_of, assigned

    def look(self) -> None:
        """Take one look. A partition without an answer is shown with the end that was known last."""
        for partitions in by_topic(self._assigned()):
            found = self._ends_of(partitions[0].feed.topic, [each.partition for each in partitions])
            for each in partitions:
                each.show(found.get(each.partition, -1))

    def watch(self, failed: Callable[[BaseException], object]) -> None:
        """Look regularly, until the process ends; call `failed` with what ends it sooner."""

        def run() -> None:
            never = threading.Event()
            try:
                while not never.wait(SECONDS):
                    self.look()
            except BaseException as error:
                failed(error)

        threading.Thread(target=run, name="ends", daemon=True).start()


def of_broker(settings: Settings) -> EndsOf:
    """Return what asks the broker. What an open transaction hides can't be read by anyone, and is no lag."""
    return lambda topic, partitions: ends(settings, topic, partitions, IsolationLevel.READ_COMMITTED)
