"""A producer's buffers, one per user: impressions that wait for size or time. They have neither clock nor lock."""

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(slots=True)
class Buffer:
    """One user's impressions, as JSON, in the order they were recorded; due at `due` (the caller's clock, s)."""

    user_id: str
    due: float
    impressions: list[bytes] = field(default_factory=list)


class Buffers:
    """Buffers by user. All wait equally long, so the oldest is always due first."""

    def __init__(self, size: int, interval: float) -> None:
        self._size = size
        self._interval = interval
        self._by_user: dict[str, Buffer] = {}

    def add(self, user_id: str, impression: bytes, now: float) -> Buffer | None:
        """Put an impression into its user's buffer. If that fills the buffer, take it out and return it."""
        buffer = self._by_user.get(user_id)
        if buffer is None:
            buffer = self._by_user[user_id] = Buffer(user_id, now + self._interval)
        buffer.impressions.append(impression)
        return self._by_user.pop(user_id) if len(buffer.impressions) >= self._size else None

    def take(self, user_id: str | None = None) -> list[Buffer]:
        """Take out a user's buffer, or all of them, oldest first."""
        if user_id is not None:
            buffer = self._by_user.pop(user_id, None)
            return [] if buffer is None else [buffer]
        taken = list(self._by_user.values())
        self._by_user.clear()
        return taken

    def next_due(self) -> float | None:
        """Return when the next buffer is due."""
        return next(iter(self._by_user.values())).due if self._by_user else None

    def take_due(self, now: float) -> Iterator[Buffer]:
        """Take out the buffers that are due, oldest first."""
        while self._by_user:
            first = next(iter(self._by_user.values()))
            if first.due > now:
                return
            yield self._by_user.pop(first.user_id)
