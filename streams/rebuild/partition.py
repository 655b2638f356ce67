"""One source partition while its state is rebuilt: fenced, emptied, filled, and given its position."""

from collections.abc import Callable, Iterator

from confluent_kafka import TopicPartition

from streams.core.window import start_of
from streams.kafka.names import changelog
from streams.kafka.read import AT_ENDS, reader, up_to
from streams.kafka.transaction import PartitionProducer, ProducerRecord
from streams.provision.first_position import begin
from streams.rebuild.values import MARKS, Values, position_change
from streams.settings import Settings
from streams.state.partition_state import Change, Table
from streams.state.position import Position

# The changes of one transaction: whichever limit is reached first.
BATCH, BATCH_BYTES = 5_000, 2**20
POLL_SECONDS = 0.5


class Rebuilt:
    """A partition whose previous owner is shut out. Raises FencedError once another process takes it."""

    def __init__(self, settings: Settings, number: int, ordinal_of: Callable[[str], int | None]) -> None:
        self.number, self.values_written = number, 0
        # Where the rebuilt state will stand; set before `begin`.
        self.at: Position
        self._settings = settings
        self._producer = PartitionProducer(settings, number)
        self._values = Values(ordinal_of)
        self._batch: list[ProducerRecord] = []
        self._bytes = 0

    def fence(self) -> None:
        """Shut out whoever had the partition; what they left open is aborted. Waits for the broker."""
        self._producer.fence()

    def begin(self) -> None:
        """Remove the position, so no worker starts until `end`, and then every old value."""
        ends = begin(self._producer, self.number, None)
        for table in Table:
            for key in self._old_keys(changelog(table), ends[changelog(table)]):
                self._add(Change(table, key, None))
        self._flush()

    def user(self, user_id: str, artworks: set[str], times: list[tuple[str, int]]) -> None:
        """Write a user: all artworks seen, and artwork and `seen_at` (ms) of the impressions in living windows."""
        for change in self._values.user(user_id, artworks):
            self._put(change)
        windows: dict[int, dict[str, int]] = {}
        for artwork_id, seen_at in times:
            start = start_of(seen_at, self.at.window_ms)
            windows.setdefault(start, {})[artwork_id] = seen_at - start
        for start, entries in windows.items():
            for change in self._values.window(start, user_id, entries):
                self._put(change)

    def end(self) -> None:
        """Write what is left, and then the position: from now on a worker may start."""
        for change in self._values.ordinals():
            self._put(change)
        self._flush()
        self._add(position_change(self.at))
        self._flush()

    @property
    def place(self) -> str:
        """What the state's position is, for a person."""
        return f"offset {self.at.next_offset}" + (f", line {self.at.line}" if self.at.line else "")

    def close(self) -> None:
        """Release the client."""
        self._producer.close()

    def lives(self, seen_at: int) -> bool:
        """Return whether an impression (ms) lies in a window that the state still holds."""
        return seen_at >= self.at.swept

    def _put(self, change: Change) -> None:
        self.values_written += 1
        self._add(change)

    def _add(self, change: Change) -> None:
        self._batch.append(ProducerRecord(changelog(change.table), self.number, change.key, change.value))
        self._bytes += len(change.key) + len(change.value or b"")
        if len(self._batch) >= BATCH or self._bytes >= BATCH_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._batch:
            self._producer.commit(self._batch)
            self._batch, self._bytes = [], 0

    def _old_keys(self, topic: str, begin_offset: int) -> Iterator[bytes]:
        """Yield the keys of the values before our BEGIN, each as often as it was written."""
        consumer = reader(self._settings, **{"auto.offset.reset": "earliest"}, **AT_ENDS)
        try:
            start = TopicPartition(topic, self.number, 0)
            start.offset, _ = consumer.get_watermark_offsets(start)
            for records, _ in up_to(consumer, start, begin_offset, BATCH, POLL_SECONDS):
                for record in records:
                    key, offset = record.key(), record.offset()
                    if key is not None and key not in MARKS and offset is not None and offset < begin_offset:
                        yield key
        finally:
            consumer.close()
