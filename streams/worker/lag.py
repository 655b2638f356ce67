"""What a worker needs to make progress, as its watchdog asks."""

from streams.kafka import probe
from streams.runtime.stall import Lag
from streams.runtime.watchdog import ANSWER_SECONDS
from streams.settings import Settings


def worker_lag(settings: Settings) -> Lag:
    """Return the check of what a worker needs to make progress: records, and the broker that it writes to."""
    return lambda works: probe.lag(settings, works, ANSWER_SECONDS)
