"""One partition assigned to the sink: its position, and the records that were read but not yet inserted."""

import secrets
import time
from collections.abc import Callable, Collection
from concurrent.futures import Executor, Future
from functools import partial
from threading import Lock

from confluent_kafka import TopicPartition

from streams.runtime.backoff import Backoff
from streams.runtime.stall import Work
from streams.sink import observe
from streams.sink.backlog import Backlog
from streams.sink.blocks import Block, Source, build
from streams.sink.feeds import Feed
from streams.sink.position import Committed, Start
from streams.sink.read_rows import Parse
from streams.sink.records import Record

# A block of this size is full, however few its rows: a rejected line alone may be 1 MiB. Some 30,000 accepted
# impressions have this size, and half of it as columns. Under a backlog each partition holds one such block, so this
# bounds the sink's memory.
BLOCK_BYTES = 16 * 2**20
# The share of a full block from which a block is soon full.
SOON_FULL = 0.5


class AssignedPartition:
    """A partition between its assignment and its revocation. Unplaced until its start position is known."""

    def __init__(self, feed: Feed, partition: int) -> None:
        self.feed = feed
        self.partition = partition
        self.topic_id = ""
        self.next_offset: int | None = None
        self.committed: int | None = None
        # The log has no record at the position: it is a different log, or has lost its beginning. The records held were
        # read before that and are inserted first.
        self.misplaced = False
        # Why a person must look, in a sentence; empty if all is well.
        self.refused = ""
        # The record at the position can't be read by this program.
        self.unreadable = False
        # After failures of this topic alone; those of ClickHouse as a whole are counted elsewhere.
        self.backoff = Backoff()
        # The labels of its metrics.
        self.labels = (feed.topic, str(partition))
        self._parse: Parse | None = None
        self._backlog = Backlog()
        # Two threads show the gauges, and none may after they were dropped.
        self._showing, self._gone = Lock(), False
        self._placing = ""
        self._floor = self._cut = 0
        self._records: list[Record] = []
        self._rows = 0
        self._bytes = 0
        self._oldest = 0.0
        # The block being inserted: its first offset, the task that builds it, and the block itself once it is built.
        self._first: int | None = None
        self._first_appended_at = self._making_records = 0
        self._making: Future[Block] | None = None
        self._block: Block | None = None

    @property
    def key(self) -> tuple[str, int]:
        """Topic and partition."""
        return self.feed.topic, self.partition

    @property
    def held(self) -> bool:
        """Whether records were read and not yet inserted."""
        return self._first is not None or bool(self._records)

    @property
    def to_place(self) -> bool:
        """Whether a start position must be found."""
        return self.next_offset is None or (self.misplaced and not self.held)

    @property
    def readable(self) -> bool:
        """Whether records should be read now."""
        return self.next_offset is not None and not (self.misplaced or self.unreadable or self.backoff.failing)

    @property
    def ready(self) -> bool:
        """Whether records are read, and nobody must look."""
        return self.readable and not self.refused

    def at(self, offset: int) -> TopicPartition:
        """Return the partition with an offset, for Kafka's client."""
        return TopicPartition(self.feed.topic, self.partition, offset)

    def commit_at(self, offset: int) -> TopicPartition:
        """Return the partition with an offset to commit, and metadata that names the log."""
        metadata = Committed(offset, self.topic_id, self._floor, self._cut).metadata
        return TopicPartition(self.feed.topic, self.partition, offset, metadata)

    def place(self, topic_id: str, start: Start, parse: Parse) -> None:
        """Start in the log with that id."""
        self.unplace()
        self.refuse("")
        self.topic_id, self.next_offset, self._parse = topic_id, start.offset, parse
        self._floor, self._cut = start.floor, start.cut
        self._backlog = Backlog(start.offset)
        self._placing = secrets.token_hex(8)

    def arrives(self) -> None:
        """Note that Kafka sends what is asked for."""
        if self.refused and self.readable:
            self.refuse("")

    def reached(self, end: int) -> None:
        """Note that everything before that offset is read, markers of transactions included."""
        self._backlog.reached(end)

    def refuse(self, why: str) -> bool:
        """Show that a person must look, and why; return whether the reason is a new one."""
        new, self.refused = why != self.refused, why
        observe.set_aside(self.labels, bool(why))
        return new

    def unplace(self) -> None:
        """Forget what was read and not inserted: it will be read again."""
        self._parse = None
        self._forget_block()
        self.next_offset = self.committed = None
        self.misplaced = self.unreadable = False
        self._empty()

    def add(self, record: Record, now: float) -> bool:
        """Add the next record of a placed partition; False if it comes before the expected one: no log goes back."""
        if self.next_offset is None or record.offset < self.next_offset:
            return False
        assert not self.unreadable, "what comes after an unreadable record is not read"
        if not self._records:
            self._oldest = now
        self.next_offset = record.offset + 1
        self._backlog.read(self.next_offset)
        self._records.append(record)
        value = record.value or b""
        self._rows += 1 + (value.count(b"\n") if self.feed.lines else 0)
        self._bytes += len(value)
        observe.buffered(self.labels, self._rows)
        return True

    def due(self, now: float, rows: int, seconds: float, share: float = 1.0) -> bool:
        """Return whether there is a block to insert: one that failed, is filled to `share`, or has waited `seconds`."""
        if self.backoff.waits(now):
            return False
        filled = self.filled(rows) >= share
        return self._first is not None or filled or (bool(self._records) and now - self._oldest >= seconds)

    def filled(self, rows: int) -> float:
        """Return how full the next block is; 1 or more is full. A full block has `rows` rows."""
        return max(self._rows / rows, self._bytes / BLOCK_BYTES)

    def deadline(self, seconds: float) -> float | None:
        """Return when the block being filled is due by its age; None while it is empty."""
        return self._oldest + seconds if self._records else None

    def prepare(self, maker: Executor) -> None:
        """Have another thread build the block to insert, unless there is one."""
        if self._first is None:
            self._making = maker.submit(self._begin())

    def block(self) -> Block:
        """Return the block to insert: the same one until `inserted`, since its token stands for exactly its records."""
        if self._block is None:
            self._block = self._making.result() if self._making is not None else self._begin()()
            self._making = None
        return self._block

    def inserted(self) -> TopicPartition:
        """Note that the block is in ClickHouse; return what to commit.

        If the record after it can't be read, the partition is set aside there.
        """
        assert self._block is not None, "nothing was being inserted"
        block = self._block
        self._forget_block()
        observe.progressed(self.labels)
        self.backoff.succeed()
        if block.unreadable is None:
            self.refuse("")
        else:
            self._empty()
            self.next_offset, self.unreadable = block.next, True
            self._backlog.back_to(block.next)
            self.refuse(
                f"the record at offset {block.unreadable.offset} can't be read ({block.unreadable.why}): a newer "
                "release may have written it, so run that release's sink; or give the record up: stop the sinks, and "
                f"set the offset of group impressions-sink by hand to {block.unreadable.offset + 1}"
            )
        return self.commit_at(block.next)

    def work(self, waits: bool, flushed: int) -> Work:
        """Return the work in progress, for the watchdog, from any thread. `flushed` counts inserts of the flush."""
        inserted = None if self.next_offset is None else self._inserted_up_to()
        moved = (self.topic_id, inserted, self.next_offset, flushed)
        return Work(self.key, inserted, moved, waits or self.backoff.failing or bool(self.refused))

    def show(self, high: int) -> None:
        """Update the gauges, from any thread; `high` is the partition's end, negative if it isn't known."""
        now = time.time()
        with self._showing:
            if self._gone:
                return
            if self.committed is not None:
                observe.committed(self.labels, self.committed)
            if self.next_offset is None:
                return
            self._backlog.look(high, now)
            held = len(self._records) + self._making_records
            observe.lag(self.labels, held + self._backlog.unread(), self._waited(now))

    def forget(self) -> None:
        """Drop the gauges: another sink has the partition now."""
        with self._showing:
            self._gone = True
            observe.forget(self.labels)

    def _begin(self) -> Callable[[], Block]:
        """Begin a block of the records held; return its builder, which depends on nothing that changes from now on."""
        assert self._parse is not None, "records are added to a placed partition only"
        self._first, self._first_appended_at = self._records[0].offset, self._records[0].appended_at
        self._making_records = len(self._records)
        source = Source(self.feed, self.topic_id, self.partition, self._placing)
        make = partial(build, source, self._records, self._parse)
        self._empty()
        return make

    def _forget_block(self) -> None:
        self._first = self._making = self._block = None
        self._making_records = 0

    def _waited(self, now: float) -> float:
        """Return how long the oldest record has waited (s), read or not; 0 if there is none.

        Of one that isn't read, the append is not known: it has waited at least since it was first seen to be there.
        """
        records = self._records
        if self._first is not None:
            return max(0.0, now - self._first_appended_at / 1000)
        return max(0.0, now - records[0].appended_at / 1000) if records else self._backlog.waited(now)

    def _inserted_up_to(self) -> int:
        first, records = self._first, self._records  # another thread may call this; they are replaced, never changed
        if first is not None:
            return first
        return records[0].offset if records else self.next_offset or 0

    def _empty(self) -> None:
        self._records = []
        self._rows = self._bytes = 0
        observe.buffered(self.labels, 0)


def due(partitions: Collection[AssignedPartition], now: float, rows: int, seconds: float) -> list[AssignedPartition]:
    """Return the partitions whose block is due; if one is full, also those that will soon be full.

    Under a backlog all fill at the same pace; if they are flushed together, one is built while another is inserted.
    """
    found = [each for each in partitions if each.due(now, rows, seconds)]
    if any(each.filled(rows) >= 1 for each in found):
        return [each for each in partitions if each.due(now, rows, seconds, SOON_FULL)]
    return found


def by_topic(partitions: Collection[AssignedPartition]) -> list[list[AssignedPartition]]:
    """Return the partitions of each topic."""
    topics: dict[str, list[AssignedPartition]] = {}
    for each in partitions:
        topics.setdefault(each.feed.topic, []).append(each)
    return list(topics.values())


def names_of(partitions: list[TopicPartition]) -> list[str]:
    """Return the partitions' names for a log event."""
    return [f"{tp.topic}-{tp.partition}" for tp in partitions]
