"""How many records of a partition a sink has not read, and since when.

Kafka numbers what ends a transaction like a record, so offsets alone count markers as lag: with a record in each
transaction, every other one. A reader of committed records passes markers without seeing them, and so learns how many
of the offsets behind it were records; as many are expected of those before it.
"""


class Backlog:
    """What is not read of a partition. The sink's loop reads; any thread may look and ask."""

    def __init__(self, offset: int = 0) -> None:
        """Begin to read at an offset."""
        self._first = self._next = offset
        self._records = 0
        # How many offsets were passed, and how many of them were records. What comes right after the last record is not
        # known yet: it may be a marker.
        self._offsets_passed = self._records_passed = 0
        self._end = -1
        self._since: float | None = None

    def read(self, after: int) -> None:
        """Note that a record was read; `after` is the offset after it."""
        self._offsets_passed, self._records_passed = after - 1 - self._first, self._records
        self._records += 1
        self._next = after
        # What is next has not waited since another one was seen to be there.
        self._since = None

    def reached(self, end: int) -> None:
        """Note that everything before `end` is read: the offsets after the last record are no records."""
        if end > self._next:
            self._next = end
            self._offsets_passed, self._records_passed = end - self._first, self._records

    def back_to(self, offset: int) -> None:
        """Note that reading stopped at an offset before others that were read."""
        self._next = offset

    def look(self, end: int, now: float) -> None:
        """Note where the partition ends (negative: unknown) at `now` (s)."""
        self._end = max(self._end, end)
        if not self.unread():
            self._since = None
        elif self._since is None:
            self._since = now

    def unread(self) -> int:
        """Return how many records are expected before the end: of one offset perhaps none, of several at least one."""
        offsets = max(0, self._end - self._next)
        if not self._records_passed:
            return offsets
        return max(int(offsets * min(1.0, self._records_passed / self._offsets_passed)), int(offsets > 1))

    def waited(self, now: float) -> float:
        """Return for how long there have been records to read (s); 0 if there are none."""
        since = self._since
        return 0.0 if since is None else max(0.0, now - since)
