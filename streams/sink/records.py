"""What the sink reads, in its own terms."""

from typing import Any, NamedTuple

Row = dict[str, Any]


class Record(NamedTuple):
    """A record of a Kafka partition; `appended_at` is the broker's time (ms since the epoch)."""

    offset: int
    appended_at: int
    key: bytes | None
    value: bytes | None


class BadRecordError(ValueError):
    """A record that is not what its topic holds; the text says why."""
