"""The end of `impressions.accepted.v1`, in memory: the rows that ClickHouse may not have yet.

A record is kept from when it was read until ClickHouse shows its offset, or a later one of its partition: the sink
writes a partition's records in their order, a block at a time. So at any moment, what ClickHouse has and what is here
are together all that was read, and whoever takes a copy of a user's rows *before* asking ClickHouse misses nothing.

A partition's records come once and in order: what is before the next offset is passed over. The tail is for one thread,
the event loop's.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence

from streams.collector.reads.errors import RowsGoneError
from streams.collector.reads.rows import Row

# Counters of changes; users that share one only make each other's answers look changed.
COUNTERS = 1 << 16


class _Log:
    """A partition: the next offset to take, up to where ClickHouse has it, and the records between."""

    def __init__(self, position: int) -> None:
        self.next = position
        self.shown = position
        self.records: deque[tuple[int, Sequence[Row]]] = deque()


class Tail:
    """Rows by user, in log order, bounded in bytes: `full` says that its source must wait."""

    def __init__(self, budget: int) -> None:
        """`budget` in bytes."""
        self.listener: Callable[[Row], None] = lambda row: None
        self.bytes = 0
        self.rows = 0
        self._budget = budget
        self._logs: dict[int, _Log] = {}
        self._users: dict[str, deque[Row]] = {}
        self._changes = [0] * COUNTERS

    @property
    def full(self) -> bool:
        """Whether no more should be read until ClickHouse has more."""
        return self.bytes >= self._budget

    @property
    def positions(self) -> dict[int, int]:
        """The offset after the newest that ClickHouse has shown, by partition."""
        return {partition: log.shown for partition, log in self._logs.items()}

    def begin(self, positions: Mapping[int, int]) -> None:
        """Forget everything, and go on with the record at each partition's position."""
        self._logs = {partition: _Log(position) for partition, position in positions.items()}
        self._users.clear()
        self.bytes = self.rows = 0

    def append(self, partition: int, offset: int, rows: Sequence[Row]) -> None:
        """Take a record's rows, and tell the listener of each."""
        log = self._logs[partition]
        if offset < log.next:
            return
        log.next = offset + 1
        log.records.append((offset, rows))
        for row in rows:
            queue = self._users.get(row.user_id)
            if queue is None:
                queue = self._users[row.user_id] = deque()
            queue.append(row)
            self.bytes += row.size
            self._changes[hash(row.user_id) % COUNTERS] += 1
            self.listener(row)
        self.rows += len(rows)

    def forget(self, positions: Mapping[int, int]) -> None:
        """Drop what ClickHouse has: the records before each partition's position, which is an offset.

        Raises RowsGoneError if ClickHouse had more before, since that was dropped here.
        """
        for partition, position in positions.items():
            log = self._logs[partition]
            if position < log.shown:
                raise RowsGoneError(f"ClickHouse had partition {partition} up to {log.shown}, and now up to {position}")
            log.shown = position
            while log.records and log.records[0][0] < position:
                self._drop(log.records.popleft()[1])

    def lacks(self, positions: Mapping[int, int]) -> bool:
        """Say whether ClickHouse has records that have not come here yet."""
        return any(position > self._logs[partition].next for partition, position in positions.items())

    def of(self, user_id: str) -> list[Row]:
        """Return a user's rows, in log order."""
        return list(self._users.get(user_id, ()))

    def changes(self, user_id: str) -> int:
        """Return a number that is another one whenever a row of the user came since."""
        return self._changes[hash(user_id) % COUNTERS]

    def _drop(self, rows: Sequence[Row]) -> None:
        for row in rows:
            # A user is in one partition, so that their oldest row here is the partition's next one.
            queue = self._users[row.user_id]
            queue.popleft()
            if not queue:
                del self._users[row.user_id]
            self.bytes -= row.size
        self.rows -= len(rows)
