"""Chunks that were fetched and not yet committed: enough of each to show how long the oldest record has waited."""

from collections import deque


class InFlight:
    """Chunks by partition, in the order in which they were fetched. Read from any thread."""

    def __init__(self) -> None:
        # (the offset after the chunk, A of its first record in ms)
        self._chunks: dict[int, deque[tuple[int, int]]] = {}

    def fetched(self, partition: int, next_offset: int, appended_at: int) -> None:
        """Note a chunk; a chunk that is fetched again after a seek is noted again."""
        self._chunks.setdefault(partition, deque()).append((next_offset, appended_at))

    def done(self, partition: int, next_offset: int) -> None:
        """Drop the chunks before that offset: they are committed."""
        chunks = self._chunks.get(partition)
        while chunks and chunks[0][0] <= next_offset:
            chunks.popleft()

    def forget(self, partition: int) -> None:
        """Drop the chunks of a partition that changed hands."""
        self._chunks.pop(partition, None)

    def seconds(self, partition: int, now: float) -> float:
        """Return how long the oldest record has waited since its append, at `now` (s since the epoch); 0 if none."""
        try:
            _, appended_at = self._chunks[partition][0]
        except (KeyError, IndexError):
            return 0.0
        return max(0.0, now - appended_at / 1000)
