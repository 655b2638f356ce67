"""Chunks that were fetched and not yet committed: enough of each to show how long the oldest record has waited."""

import asyncio
from collections import deque
from typing import NamedTuple

from streams.core.pieces import Place


class _Chunk(NamedTuple):
    after: Place
    appended_at: int  # A of its first record (ms)
    gone: asyncio.Event


class InFlight:
    """Chunks by partition, in the order in which they were fetched. `seconds` may be called from any thread."""

    def __init__(self) -> None:
        self._chunks: dict[int, deque[_Chunk]] = {}

    def fetched(self, partition: int, after: Place, appended_at: int) -> asyncio.Event:
        """Note a chunk, by the place after it; a chunk that is fetched again after a seek is noted again.

        Returns an event that is set when the chunk is dropped from here.
        """
        chunk = _Chunk(after, appended_at, asyncio.Event())
        self._chunks.setdefault(partition, deque()).append(chunk)
        return chunk.gone

    def done(self, partition: int, place: Place) -> None:
        """Drop the chunks before that place: they are committed."""
        chunks = self._chunks.get(partition)
        while chunks and chunks[0].after <= place:
            chunks.popleft().gone.set()

    def forget(self, partition: int) -> None:
        """Drop the chunks of a partition that changed hands, or is read again."""
        for chunk in self._chunks.pop(partition, ()):
            chunk.gone.set()

    def seconds(self, partition: int, now: float) -> float:
        """Return how long the oldest record has waited since its append, at `now` (s since the epoch); 0 if none."""
        try:
            appended_at = self._chunks[partition][0].appended_at
        except (KeyError, IndexError):
            return 0.0
        return max(0.0, now - appended_at / 1000)
