"""The real impression log, mapped to users and artworks, its time compressed and shifted to end now."""

import csv
import gzip
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

LOG = Path(__file__).parents[2] / "examples" / "open-bandit-random-all.csv.gz"
# The log's week becomes 12 hours: all of it is within the lateness, so only injected events are late.
SPAN_MS = 12 * 3_600_000


@dataclass(frozen=True, slots=True)
class Event:
    """A user saw an artwork at `seen_at` (ms since the epoch), at a position on the page."""

    user_id: str
    artwork_id: str
    seen_at: int
    position: int


def artwork_id(item: int) -> str:
    """Return the artwork id for an item of the log."""
    return f"a{item:04d}"


def load_events(now_ms: int, path: Path = LOG) -> list[Event]:
    """Return the log's events in time order, spread over the 12 hours that end at `now_ms`."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [(_milliseconds(row["timestamp"]), row) for row in csv.DictReader(file)]
    first, last = min(time for time, _ in rows), max(time for time, _ in rows)
    events = [
        Event(
            user_id=row["user"],
            artwork_id=artwork_id(int(row["item_id"])),
            seen_at=now_ms - (last - time) * SPAN_MS // (last - first),
            position=int(row["position"]),
        )
        for time, row in rows
    ]
    return sorted(events, key=lambda event: event.seen_at)


def _milliseconds(timestamp: str) -> int:
    return round(datetime.fromisoformat(timestamp).timestamp() * 1000)
