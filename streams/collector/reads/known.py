"""The users that are in memory: those whose rows of both sources are joined, and those who wait for ClickHouse's.

A user is begun with a copy of the tail's rows, before ClickHouse is asked. From then on, each row that the tail takes
is theirs at once, so that none is missing whenever ClickHouse looked; what both have is the same element of a set.

When the tail begins anew, rows may have passed it by: then all users are outdated. They are kept, as the last that was
known of them, until there is no room or a newer one. Each is asked for again after a while, so that what is mended or
erased in ClickHouse shows.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any, Generic, Protocol, TypeVar

from streams.collector.reads.rows import Row

# After so long, a user is asked for again while they are answered from memory; after twice as long, before (s).
RENEW_SECONDS = 300.0
# A place in an ordered dict (about 150 bytes), the user's id, and the holder, rounded up.
HOLDER_BYTES = 300


class Joined(Protocol):
    """What is known of one user."""

    @property
    def bytes(self) -> int:
        """What it takes in memory, estimated."""
        ...

    def add(self, row: Row) -> None:
        """Take a row of the tail."""
        ...

    def merge(self, found: Any) -> None:
        """Take ClickHouse's rows."""
        ...


J = TypeVar("J", bound=Joined)


class Holder(Generic[J]):
    """A user's rows, joined at a time by the wall clock (ms) and by a monotonic one (s)."""

    __slots__ = ("at_ms", "at_seconds", "bytes", "generation", "joined")

    def __init__(self, joined: J, generation: int, at_ms: int, at_seconds: float) -> None:
        self.joined = joined
        self.generation = generation
        self.at_ms = at_ms
        self.at_seconds = at_seconds
        self.bytes = 0


class Known(Generic[J]):
    """Users by id, the least recently used first, bounded in bytes. For one thread."""

    def __init__(self, make: Callable[[], J], budget: int) -> None:
        """`budget` in bytes."""
        self._make = make
        self._budget = budget
        self._holders: OrderedDict[str, Holder[J]] = OrderedDict()
        self._begun: dict[str, Holder[J]] = {}
        self._generation = 0
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._holders)

    def get(self, user_id: str, now_seconds: float) -> J | None:
        """Return what is known of a user, exact as of the tail's last row; None if ClickHouse must be asked first."""
        holder = self._holders.get(user_id)
        if holder is None or not self._exact(holder) or now_seconds - holder.at_seconds > 2 * RENEW_SECONDS:
            return None
        self._holders.move_to_end(user_id)
        return holder.joined

    def is_old(self, user_id: str, now_seconds: float) -> bool:
        """Say whether it is time to ask for a user again."""
        holder = self._holders.get(user_id)
        return holder is not None and now_seconds - holder.at_seconds > RENEW_SECONDS

    def last(self, user_id: str) -> Holder[J] | None:
        """Return the last that was known of a user, however long ago."""
        return self._holders.get(user_id)

    def begin(self, user_id: str, rows: Iterable[Row], now_ms: int, now_seconds: float) -> None:
        """Begin a user with the tail's rows. Ask ClickHouse after this."""
        holder = Holder(self._make(), self._generation, now_ms, now_seconds)
        for row in rows:
            holder.joined.add(row)
        self._begun[user_id] = holder

    def finish(self, user_id: str, found: Any) -> J | None:
        """Join a user who was begun with what ClickHouse has; None if the tail has begun anew meanwhile."""
        holder = self._begun.pop(user_id, None)
        if holder is None or not self._exact(holder):
            return None
        holder.joined.merge(found)
        if (old := self._holders.pop(user_id, None)) is not None:
            self.bytes -= old.bytes
        self._holders[user_id] = holder
        self._weigh(holder)
        return holder.joined

    def abandon(self, user_id: str) -> None:
        """Give up a user who was begun: ClickHouse did not answer."""
        self._begun.pop(user_id, None)

    def add(self, row: Row) -> None:
        """Take a row of the tail."""
        if (holder := self._begun.get(row.user_id)) is not None:
            holder.joined.add(row)
        holder = self._holders.get(row.user_id)
        if holder is not None and self._exact(holder):
            holder.joined.add(row)
            self._weigh(holder)

    def outdate(self) -> None:
        """Take what is known for the last that was known: the tail begins anew."""
        self._generation += 1

    def forget(self, user_id: str) -> None:
        """Drop what is known of a user."""
        self._begun.pop(user_id, None)
        if (holder := self._holders.pop(user_id, None)) is not None:
            self.bytes -= holder.bytes

    def _exact(self, holder: Holder[J]) -> bool:
        return holder.generation == self._generation

    def _weigh(self, holder: Holder[J]) -> None:
        """Count what a user takes now, and drop others while all take too much. The newest one stays."""
        before, holder.bytes = holder.bytes, holder.joined.bytes + HOLDER_BYTES
        self.bytes += holder.bytes - before
        while self.bytes > self._budget and len(self._holders) > 1:
            _, dropped = self._holders.popitem(last=False)
            self.bytes -= dropped.bytes
