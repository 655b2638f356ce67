"""An accepted impression as the reads need it: read from a record of the log, or from a row of ClickHouse."""

from msgspec import MsgspecError, Struct
from msgspec.json import Decoder

from streams.errors import Kind, KnownError

# What a row takes beside the characters of its ids, rounded up: the struct (80 bytes), its strings (49 each, and the
# event_id's 32 characters), two integers (32 each), and its places in two queues.
ROW_BYTES = 640


class UnreadableError(KnownError):
    """A record of the log isn't one of accepted impressions: a newer release wrote it, usually."""

    kind = Kind.REFUSE


class Row(Struct, gc=False, frozen=True):
    """An accepted impression; times are ms since the epoch. Other fields of the log's lines are not kept.

    `event_id` is its identity, by which ClickHouse itself collapses rows that were written twice (contract §4.4).
    """

    event_id: str
    user_id: str
    artwork_id: str
    pool_id: str  # as the impression named it; empty: it named none
    seen_at: int
    received_at: int
    surface: str
    fresh: bool

    @property
    def key(self) -> tuple[int, str]:
        """Its place in the user's timeline: the order of the table in ClickHouse."""
        return self.seen_at, self.event_id

    @property
    def size(self) -> int:
        """What it takes in memory (bytes), estimated."""
        return ROW_BYTES + len(self.user_id) + len(self.artwork_id) + len(self.pool_id) + len(self.surface)


_LINE = Decoder(Row)


def read(value: bytes | None) -> list[Row]:
    """Return the rows of a record's value, in the order of its lines. Raises UnreadableError."""
    try:
        return [_LINE.decode(line) for line in (value or b"").split(b"\n")]
    except MsgspecError as error:
        raise UnreadableError(f"a record of accepted impressions can't be read: {error}") from None
