"""Times as callers give them: ms since the epoch or a datetime, never seconds."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from impression_streams.ids import now_ms
from impression_streams.types import MAX_TIME_MS

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
# March 1973 in ms; in seconds, the year 5138. Nobody saw an artwork on a screen at either time.
FIRST_MS = 100_000_000_000
# What lies between 1973 and now, in seconds, is in this range; in ms, it is in January 1970.
FIRST_SECONDS = 100_000_000
# No clock that somebody minds is a day ahead: a wrong zone or unit is the likelier reason.
MOST_AHEAD_MS = 24 * 3600 * 1000


def seen_ms(value: object) -> object:
    """Return a time of `record` in ms; None is now. What is no time at all is left for the contract's check.

    Raises ValueError for seconds, microseconds, a datetime without a zone, and times more than a day ahead.
    """
    now = now_ms()
    if value is None:
        return now
    milliseconds = to_ms("seen_at", value)
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int) or milliseconds < 0:
        return milliseconds
    if milliseconds < FIRST_MS:
        raise ValueError(f"seen_at: {_seconds(milliseconds)}")
    if milliseconds > now + MOST_AHEAD_MS:
        raise ValueError(
            f"seen_at: {_iso(milliseconds)} is more than a day ahead of this machine's clock; the stream rejects it"
        )
    return milliseconds


def flush_times(flush: Mapping[str, Any]) -> dict[str, Any]:
    """Return a prepared flush with its datetimes in ms. Raises ValueError for seconds as `seen_at`."""
    changed = dict(flush)
    if "sent_at" in changed:
        changed["sent_at"] = to_ms("sent_at", changed["sent_at"])
    impressions = changed.get("impressions")
    if isinstance(impressions, list | tuple):
        changed["impressions"] = [_impression_times(at, each) for at, each in enumerate(impressions)]
    return changed


def to_ms(name: str, value: object) -> object:
    """Return a datetime in ms, rounded down; anything else as it is, unless it is a float or above the latest time."""
    if isinstance(value, datetime):
        if value.utcoffset() is None:
            raise ValueError(f"{name}: the datetime has no zone: use datetime.now(UTC), or .astimezone()")
        value = (value - EPOCH) // MILLISECOND
    if isinstance(value, float):
        raise ValueError(
            f"{name}: {value!r} is a float; whole ms since the epoch or a datetime are expected, not time.time()"
        )
    if isinstance(value, int) and value > MAX_TIME_MS:
        raise ValueError(f"{name}: {value} is beyond the year 2286; ms are expected, not microseconds or nanoseconds")
    return value


def _impression_times(index: int, impression: Any) -> Any:
    if not isinstance(impression, Mapping) or "seen_at" not in impression:
        return impression
    name = f"impressions.{index}.seen_at"
    value = to_ms(name, impression["seen_at"])
    if isinstance(value, int) and FIRST_SECONDS <= value < FIRST_MS:
        raise ValueError(f"{name}: {_seconds(value)}")
    return {**impression, "seen_at": value}


def _seconds(value: int) -> str:
    return (
        f"{value} is {_iso(value)} in ms since the epoch, which are expected"
        " (seconds? multiply by 1000, or pass a datetime)"
    )


def _iso(milliseconds: int) -> str:
    return (EPOCH + milliseconds * MILLISECOND).strftime("%Y-%m-%d")
