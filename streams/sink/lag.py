"""What a sink needs to make progress, as its watchdog asks."""

from streams.clickhouse.client import answers
from streams.kafka import probe
from streams.runtime.stall import Key, Lag, Work
from streams.runtime.watchdog import ANSWER_SECONDS
from streams.settings import Settings


def sink_lag(settings: Settings) -> Lag:
    """Return the check of what a sink needs to make progress: records, and a ClickHouse that answers."""

    def lag(works: list[Work]) -> dict[Key, bool]:
        found = probe.lag(settings, works, ANSWER_SECONDS)
        in_need = any(found.get(each.key) or each.position is None for each in works)
        return {} if in_need and not answers(settings, ANSWER_SECONDS) else found

    return lag
