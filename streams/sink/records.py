"""The records that the sink reads."""

from typing import Any, NamedTuple

Row = dict[str, Any]


class Record(NamedTuple):
    """A record of a Kafka partition; `appended_at` is the broker's time (ms since the epoch)."""

    offset: int
    appended_at: int
    key: bytes | None
    value: bytes | None


class BadRecordError(ValueError):
    """A record that does not fit its topic; the text says why."""
