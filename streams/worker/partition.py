"""One source partition held by this worker: its producer, its state, its decider."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from streams.core.catalogue import Catalogue
from streams.core.chunk import Decider, Outputs, SourceRecord
from streams.core.judge import Rules
from streams.errors import StateLostError
from streams.kafka.transaction import PartitionProducer
from streams.metrics import catalogue as metrics
from streams.runtime import failpoints, log
from streams.runtime.failpoints import Failpoint
from streams.settings import Settings
from streams.state.checkpoint import Checkpoint
from streams.state.partition_state import Change, State, to_store
from streams.state.position import Position
from streams.state.store import Store
from streams.worker import outbox
from streams.worker.restore import restore

logger = log.get(__name__)


class Source(NamedTuple):
    """The source as the broker has it: its topic's id and partition count, and one partition's watermarks."""

    topic_id: str
    partitions: int
    low: int
    high: int


class Partition:
    """Decides and commits chunks in this order, on which the guarantee rests:

    1. drop records before the position, whoever sent them again and why: they were decided before;
    2. decide the chunk in memory, against the state;
    3. commit one transaction: changes to the changelogs, rows and forwards to their topics, the position to the
       changelog. It is committed as a whole or not at all, and never while another worker holds the partition;
    4. write one batch to the store: the same changes and position, and the checkpoint.

    Faust acknowledges a chunk when the agent takes the next one, possibly before the chunk is committed: Faust's
    offset is a hint, and the position decides. A crash before 3 leaves nothing. After 3, the store catches up from
    the changelog; after 4, the position shows what was decided.
    """

    def __init__(
        self, settings: Settings, partition: int, store: Store, progressed: Callable[[], None] = lambda: None
    ) -> None:
        """`progressed` is called after each step of the restore; what it raises ends that."""
        self.number = partition
        self._progressed = progressed
        self._settings = settings
        self._producer = PartitionProducer(settings, partition)
        self.state = State(store)
        # Steps of the restore; only a change means anything.
        self.steps = 0

    @property
    def waits(self) -> bool:
        """Whether the producer is waiting for the broker."""
        return self._producer.waits

    def recover(
        self,
        look: Callable[[], Source],
        catalogue: Catalogue,
        poisoned: Callable[[str], frozenset[tuple[int, int]]],
    ) -> Source:
        """Fence, restore, look at the source, and check that the state fits; return what was seen. Blocking.

        `poisoned` returns the lines of a topic's id that are given up on. Raises StateLostError if the state doesn't
        fit, BrokerAwayError if it can't be recovered now.
        """
        started = time.monotonic()
        self._changelog_ids = restore(self._settings, self.number, self._producer, self.state.store, self._step)
        # Not before the fence: until then the previous owner commits, which moves both its position and the log's end.
        source = look()
        self._checkpoint = Checkpoint.read(self.state.store)
        self.state.load(catalogue)
        self.position = self._fitting(source)
        self.state.position = self.position
        rules = Rules(self._settings.window_ms, self._settings.lateness_ms, self._settings.tolerance_ms)
        self._poisoned = poisoned(source.topic_id)
        # Users' places are those of the count that the state was made with, however many partitions there are now.
        count, swept = self.position.partitions, self.position.swept
        self._decider = Decider(
            source.topic_id, self.number, count, rules, self.state, catalogue, self._poisoned, swept
        )
        metrics.worker_restores.inc()
        metrics.worker_restore_seconds.observe(time.monotonic() - started)
        return source

    def _step(self) -> None:
        self.steps += 1
        self._progressed()

    def _fitting(self, source: Source) -> Position:
        position = self.state.position
        if position is None:
            raise StateLostError(
                f"partition {self.number} has no state, not even a first position: run `impressions provision` on a "
                "new installation, `impressions rebuild` where there was state before."
            )
        if position.window_ms != self._settings.window_ms or position.partitions > source.partitions:
            raise StateLostError(
                f"the state was made with a window of {position.window_ms} ms and {position.partitions} partitions, "
                f"not {self._settings.window_ms} ms and {source.partitions}: set them back, or provision a new "
                "installation."
            )
        if position.partitions < source.partitions:
            logger.warning(
                "source_has_grown", partition=self.number, made_with=position.partitions, now=source.partitions
            )
        if position.topic_id != source.topic_id:
            logger.warning("source_topic_is_new", partition=self.number, old=position.topic_id, new=source.topic_id)
            return replace(position, topic_id=source.topic_id, next_offset=0, line=0)
        if position.next_offset > source.high:
            raise StateLostError(
                f"partition {self.number} ends at offset {source.high}, but was decided up to {position.next_offset}: "
                "the brokers have lost records that they had acknowledged. New ones would take the same offsets, and "
                "be dropped as decided; bring back the replica that still has the lost ones."
            )
        return position

    def decide(self, records: Sequence[SourceRecord], next_offset: int) -> "Chunk | None":
        """Do steps 1 and 2. `next_offset` is the offset after the chunk. Returns None if the position is past it."""
        taken_at = time.monotonic()
        if next_offset <= self.position.next_offset:
            return None
        if records and records[0].offset < self.position.next_offset:
            records = [r for r in records if r.offset >= self.position.next_offset]
        started = time.perf_counter()
        outputs = self._decider.decide(records, int(time.time() * 1000))
        failpoints.hit(Failpoint.WORKER_DECODED)
        position = self.position.at(next_offset, swept=self._decider.swept)
        changes = self.state.changes(position)
        metrics.worker_decide_seconds.observe(time.perf_counter() - started)
        return Chunk(records, outputs, changes, position, self._poisoned_in(records), taken_at)

    def _poisoned_in(self, records: Sequence[SourceRecord]) -> int:
        """Return how many lines of these records were rejected because deciding them failed too often."""
        if not self._poisoned:
            return 0
        offsets = {record.offset for record in records}
        return sum(offset in offsets for offset, _ in self._poisoned)

    def commit(self, chunk: "Chunk") -> None:
        """Do steps 3 and 4. Blocking: call it from a thread. Raises FencedError if another worker has the partition."""
        started = time.perf_counter()
        records = outbox.records(self.number, chunk.outputs, chunk.changes)
        offsets = self._producer.commit(records, watch=self._changelog_ids)
        behind = {self._changelog_ids[topic]: offset + 1 for topic, offset in offsets.items()}
        self.state.store.write([*to_store(chunk.changes), self._checkpoint.advance(behind, time.time())])
        failpoints.hit(Failpoint.WORKER_STORED)
        self.state.written(chunk.position)
        self.position = chunk.position
        metrics.worker_commit_seconds.observe(time.perf_counter() - started)

    def close(self) -> None:
        """Release the partition; its state stays on disk for the next assignment."""
        self._producer.close()
        self.state.store.close()


@dataclass(frozen=True, slots=True)
class Chunk:
    """A decided chunk, ready to commit; `poisoned` counts the lines that were given up on.

    `taken_at` is a time (time.monotonic()) by which its records had arrived.
    """

    records: Sequence[SourceRecord]
    outputs: Outputs
    changes: list[Change]
    position: Position
    poisoned: int
    taken_at: float
