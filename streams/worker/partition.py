"""One source partition held by this worker: its producer, its state, its decider."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from streams.core.catalogue import Catalogue
from streams.core.chunk import Decider, Outputs, SourceRecord
from streams.core.judge import Rules
from streams.core.pieces import Place, from_place
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
from streams.worker.mark import Deciding
from streams.worker.poison import Suspicion
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

    1. drop what is before the position, whoever sent it again and why: it was decided before;
    2. decide the chunk in memory, against the state, while the mark on disk says so (worker/poison.py);
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
        self._suspicion: Suspicion | None = None
        # Whether the source has more partitions than the state was made with.
        self.grown = False
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
        suspicion_of: Callable[[str], Suspicion],
    ) -> Source:
        """Fence, restore, look at the source, and check that the state fits; return what was seen. Blocking.

        `suspicion_of` returns what is known of failures on the log with a topic id. Raises StateLostError if the state
        doesn't fit, BrokerAwayError if it can't be recovered now.
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
        suspicion = self._suspicion = suspicion_of(source.topic_id)
        # Users' places are those of the count that the state was made with, however many partitions there are now.
        count, swept = self.position.partitions, self.position.swept
        self._decider = Decider(
            source.topic_id, self.number, count, rules, self.state, catalogue, suspicion.lines, swept
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
        self.grown = position.partitions < source.partitions
        if self.grown:
            logger.warning(
                "source_has_grown", partition=self.number, made_with=position.partitions, now=source.partitions
            )
        if position.topic_id != source.topic_id:
            logger.warning("source_topic_is_new", partition=self.number, old=position.topic_id, new=source.topic_id)
            return replace(position, topic_id=source.topic_id, next_offset=0, line=0)
        if position.next_offset + (position.line > 0) > source.high:
            raise StateLostError(
                f"partition {self.number} ends at offset {source.high}, but was decided up to {position.next_offset}: "
                "the brokers have lost records that they had acknowledged. New ones would take the same offsets, and "
                "be dropped as decided; bring back the replica that still has the lost ones."
            )
        return position

    @property
    def place(self) -> Place:
        """The place of the next line to decide."""
        return self.position.next_offset, self.position.line

    def decide(self, records: Sequence[SourceRecord]) -> "Chunk | None":
        """Do steps 1 and 2 for consecutive records, at least one. Returns None if the position is past them."""
        taken_at = time.monotonic()
        after = records[-1].after
        if after <= self.place:
            return None
        records = from_place(records, self.place)
        started = time.perf_counter()
        outputs = self._decide_marked(records, after)
        failpoints.hit(Failpoint.WORKER_DECODED)
        position = self.position.at(*after, swept=self._decider.swept)
        changes = self.state.changes(position)
        metrics.worker_decide_seconds.observe(time.perf_counter() - started)
        return Chunk(records, outputs, changes, position, self._poisoned_in(records), taken_at)

    def _decide_marked(self, records: Sequence[SourceRecord], after: Place) -> Outputs:
        """Decide a chunk under its mark, or line by line under the mark of each if the chunk is suspected."""
        assert self._suspicion is not None, "a partition is recovered before it decides"
        mark, careful = self._suspicion.mark, self._suspicion.careful
        first, topic_id = records[0].place, self.position.topic_id

        def mark_line(offset: int, line: int) -> None:
            mark.set(topic_id, Deciding.LINE, (offset, line), max(careful, after))

        mark.set(topic_id, Deciding.CHUNK, first, after)
        try:
            return self._decider.decide(records, int(time.time() * 1000), mark_line if first < careful else None)
        finally:
            mark.clear()

    def _poisoned_in(self, records: Sequence[SourceRecord]) -> int:
        """Return how many lines of these records were rejected because deciding them failed too often."""
        first, after = records[0].place, records[-1].after
        return sum(first <= place < after for place in self._decider.poisoned)

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
        if self._decider.poisoned:  # each of them slows every line down
            self._decider.poisoned = frozenset(line for line in self._decider.poisoned if line >= self.place)
        metrics.worker_commit_seconds.observe(time.perf_counter() - started)

    def close(self) -> None:
        """Release the partition; its state stays on disk for the next assignment."""
        self._producer.close()
        self.state.store.close()
        if self._suspicion is not None:
            self._suspicion.mark.close()


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
