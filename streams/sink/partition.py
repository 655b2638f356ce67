"""What the sink holds of one assigned partition: where it stands, and what it has read and not yet inserted."""

import time
from collections.abc import Callable, Collection
from concurrent.futures import Executor, Future
from functools import partial

from confluent_kafka import TopicPartition

from streams.runtime.backoff import Backoff
from streams.runtime.stall import Work
from streams.sink import observe
from streams.sink.blocks import Block, build
from streams.sink.feeds import Feed
from streams.sink.read_rows import Parse
from streams.sink.records import Record

# A block is full at this size too, whatever its rows: a rejected line may be 1 MiB by itself. Some 30,000 accepted
# impressions have this size, and half of it as columns. Under a backlog each partition holds one, so that it bounds the
# sink's memory.
BLOCK_BYTES = 16 * 2**20
# Of a full block.
SOON_FULL = 0.5


class AssignedPartition:
    """A partition between its assignment and its revocation. Unplaced until it is known where to start."""

    def __init__(self, feed: Feed, partition: int) -> None:
        self.feed = feed
        self.partition = partition
        self.topic_id = ""
        self.next_offset: int | None = None
        # End of the partition, when it was last reached by reading.
        self.end: int | None = None
        self.committed: int | None = None
        # The log has no record where it was read: it is another one than before, or lost its beginning. What is held
        # was read before that and is inserted first.
        self.misplaced = False
        # Of failures that are this topic's own; those of ClickHouse as a whole are counted elsewhere.
        self.backoff = Backoff()
        # As metrics name it.
        self.labels = (feed.topic, str(partition))
        self._parse: Parse | None = None
        self._records: list[Record] = []
        self._rows = 0
        self._bytes = 0
        self._oldest = 0.0
        # The block that is being inserted: its first offset, what makes it elsewhere, and itself once it is made.
        self._first: int | None = None
        self._first_appended_at = 0
        self._making: Future[Block] | None = None
        self._block: Block | None = None

    @property
    def key(self) -> tuple[str, int]:
        """Topic and partition."""
        return self.feed.topic, self.partition

    @property
    def held(self) -> bool:
        """Whether something was read and is not inserted yet."""
        return self._first is not None or bool(self._records)

    @property
    def to_place(self) -> bool:
        """Whether it must be found out where to read."""
        return self.next_offset is None or (self.misplaced and not self.held)

    @property
    def readable(self) -> bool:
        """Whether records are wanted now."""
        return self.next_offset is not None and not self.misplaced and not self.backoff.failing

    def at(self, offset: int) -> TopicPartition:
        """Return the partition with an offset, as Kafka's client takes it."""
        return TopicPartition(self.feed.topic, self.partition, offset)

    def commit_at(self, offset: int) -> TopicPartition:
        """Return the partition with an offset to commit, and the log's id as its metadata."""
        return TopicPartition(self.feed.topic, self.partition, offset, self.topic_id)

    def place(self, topic_id: str, offset: int, parse: Parse) -> None:
        """Start at an offset of the log with that id."""
        self.unplace()
        self.topic_id, self.next_offset, self._parse = topic_id, offset, parse

    def unplace(self) -> None:
        """Forget what was read and not inserted: it will be read again."""
        self._parse = None
        self._forget_block()
        self.next_offset = self.end = self.committed = None
        self.misplaced = False
        self._empty()

    def add(self, record: Record, now: float) -> bool:
        """Take the next record of a placed partition; False if it lies before the expected one: no log goes back."""
        if self.next_offset is None or record.offset < self.next_offset:
            return False
        if not self._records:
            self._oldest = now
        self.next_offset = record.offset + 1
        self._records.append(record)
        value = record.value or b""
        self._rows += 1 + (value.count(b"\n") if self.feed.lines else 0)
        self._bytes += len(value)
        observe.buffered(self.labels, self._rows)
        return True

    def due(self, now: float, rows: int, seconds: float, share: float = 1.0) -> bool:
        """Say whether there is a block to insert: a failed one, one that is filled to that share, or has waited."""
        if self.backoff.waits(now):
            return False
        filled = self.filled(rows) >= share
        return self._first is not None or filled or (bool(self._records) and now - self._oldest >= seconds)

    def filled(self, rows: int) -> float:
        """How full the next block is; 1 and more is full. `rows` are those of a full one."""
        return max(self._rows / rows, self._bytes / BLOCK_BYTES)

    def deadline(self, seconds: float) -> float | None:
        """When the block being filled is due by its age; None while it is empty."""
        return self._oldest + seconds if self._records else None

    def prepare(self, maker: Executor) -> None:
        """Have the block to insert made by another thread, unless there is one."""
        if self._first is None:
            self._making = maker.submit(self._begin())

    def block(self) -> Block:
        """Return the block to insert: the same one until `inserted`, since its token stands for exactly its records."""
        if self._block is None:
            self._block = self._making.result() if self._making is not None else self._begin()()
            self._making = None
        return self._block

    def inserted(self) -> TopicPartition:
        """Note that the block is in ClickHouse; return what to commit."""
        assert self._block is not None, "nothing was being inserted"
        offset = self._block.last + 1
        self._forget_block()
        observe.progressed(self.labels)
        self.backoff.succeed()
        return self.commit_at(offset)

    def work(self, waits: bool, flushed: int) -> Work:
        """What is in hand, as a watchdog looks at it: from any thread. `flushed` counts what else is being done."""
        inserted = None if self.next_offset is None else self._inserted_up_to()
        moved = (self.topic_id, inserted, self.next_offset, flushed)
        return Work(self.key, inserted, moved, waits or self.backoff.failing)

    def show(self, high: int) -> None:
        """Update the gauges; `high` is the partition's end as the client last heard of it, negative if it didn't."""
        if self.committed is not None:
            observe.committed(self.labels, self.committed)
        if self.next_offset is None:
            return
        # At the end of the log there may be markers of transactions, which are no records: the lag is 0 there.
        at_end = self.end is not None and self.end >= high and not self.held
        behind = 0 if at_end else max(0, high - self._inserted_up_to())
        observe.lag(self.labels, behind, self._waited(time.time()))

    def _begin(self) -> Callable[[], Block]:
        """Begin a block of what is held; return what makes it, which depends on nothing that changes from now on."""
        assert self._parse is not None, "records are added to a placed partition only"
        self._first, self._first_appended_at = self._records[0].offset, self._records[0].appended_at
        make = partial(build, self.feed, self.topic_id, self.partition, self._records, self._parse)
        self._empty()
        return make

    def _forget_block(self) -> None:
        self._first = self._making = self._block = None

    def _waited(self, now: float) -> float:
        """How long the oldest record that is held has waited since its append (s); 0 when none is held."""
        if not self.held:
            return 0.0
        oldest = self._records[0].appended_at if self._first is None else self._first_appended_at
        return max(0.0, now - oldest / 1000)

    def _inserted_up_to(self) -> int:
        first, records = self._first, self._records  # another thread may look, and they are replaced, never changed
        if first is not None:
            return first
        return records[0].offset if records else self.next_offset or 0

    def _empty(self) -> None:
        self._records = []
        self._rows = self._bytes = 0
        observe.buffered(self.labels, 0)


def due(partitions: Collection[AssignedPartition], now: float, rows: int, seconds: float) -> list[AssignedPartition]:
    """Return those whose block is due, and with a full one all that will soon be full.

    Under a backlog all fill alike; together, one's block is made while another's is inserted.
    """
    found = [each for each in partitions if each.due(now, rows, seconds)]
    if any(each.filled(rows) >= 1 for each in found):
        return [each for each in partitions if each.due(now, rows, seconds, SOON_FULL)]
    return found


def names_of(partitions: list[TopicPartition]) -> list[str]:
    """The partitions as a log names them."""
    return [f"{tp.topic}-{tp.partition}" for tp in partitions]
