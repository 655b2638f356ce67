"""The sixteen settings."""

from typing import NamedTuple

BATCHES = (50, 100, 200, 500)
FLUSH_SECONDS = (0.5, 1.0, 2.0, 5.0)


class Setting(NamedTuple):
    """How many impressions are flushed at once and are the most of a flush; how long the first one waits (s)."""

    batch: int
    flush_seconds: float

    @property
    def name(self) -> str:
        """Return its key in the results."""
        return f"{self.batch} x {self.flush_seconds:g} s"


SETTINGS = tuple(Setting(batch, seconds) for batch in BATCHES for seconds in FLUSH_SECONDS)
