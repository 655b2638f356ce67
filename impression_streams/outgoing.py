"""A record that is being sent to the broker."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from impression_streams import encode
from impression_streams.buffers import Buffer
from impression_streams.delivery import Delivery
from impression_streams.flush import Flush

# An impression takes 200 to 700 bytes, so a raw record weighs one impression for each RAW_BYTES begun.
RAW_BYTES = 512


@dataclass(slots=True, eq=False)
class Outgoing:
    """A flush, or a raw record (no ids, no impressions). Times are monotonic (s).

    While `open`, `line` still lacks the telemetry (encode.open_line), which each attempt fills in.
    """

    flush_id: str
    user_id: str
    impressions: int
    weight: int  # its share of `max_buffered`
    line: bytes | None
    key: str | None
    open: bool = False
    partition: int | None = None
    started: float = 0.0
    give_up_at: float = 0.0
    attempts: int = 0
    dropped: int = 0
    done: Callable[[Delivery], None] | None = None  # for a caller that waits for this record

    @classmethod
    def of_buffer(cls, buffer: Buffer, header: dict[str, Any]) -> Self:
        """Return the flush of a header and a buffer's impressions."""
        count, line = len(buffer.impressions), encode.open_line(header, buffer.impressions)
        return cls(header["flush_id"], buffer.user_id, count, count, line, buffer.user_id, open=True)

    @classmethod
    def of_flush(cls, flush: Flush) -> Self:
        """Return a prepared flush, with its own telemetry."""
        count = len(flush.impressions)
        return cls(flush.flush_id, flush.user_id, count, count, encode.flush_json(flush), flush.user_id)

    @classmethod
    def of_raw(cls, value: bytes | None, key: str | None, partition: int | None) -> Self:
        """Return a raw record. Raises ValueError for one that a broker refuses."""
        size = len(value or b"")
        encode.check_record(size, key)
        return cls("", "", 0, max(1, -(-size // RAW_BYTES)), value, key, partition=partition)

    def value(self, queued: int) -> bytes | None:
        """Return the record's value for this attempt, with `queued` records waiting after it."""
        if not self.open or self.line is None:
            return self.line
        return encode.close_line(self.line, attempts=max(1, self.attempts), queued=queued, dropped=self.dropped)
