"""What a worker needs to go on, as its watchdog asks for it."""

from streams.kafka import probe
from streams.runtime.stall import Lag
from streams.runtime.watchdog import ANSWER_SECONDS
from streams.settings import Settings


def worker_lag(settings: Settings) -> Lag:
    """What a worker needs to go on: records, and the broker that it writes to."""
    return lambda works: probe.lag(settings, works, ANSWER_SECONDS)
