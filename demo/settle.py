"""The oracle of an installation, and the wait until all that the log holds is in ClickHouse."""

from collections.abc import Callable

from oracle import Oracle, Rules
from streams.errors import UserError
from streams.settings import Settings

# Without any row more for this long it will not come: a killed worker's partitions are given back within seconds.
STALLED_SECONDS = 60.0


def oracle_of(settings: Settings) -> Oracle:
    """The oracle that these settings' brokers and ClickHouse are held against."""
    rules = Rules(settings.window_ms, settings.lateness_ms, settings.tolerance_ms)
    return Oracle(settings.kafka_bootstrap, *settings.clickhouse_address, rules, settings.clickhouse_database)


def settle(oracle: Oracle, progress: Callable[[int, int], None]) -> None:
    """Return once each line of the log is in the ledger, and all that the ledger counts is in its view.

    `progress` is told how many lines of how many are there. Raises UserError when nothing has come for a minute.
    """
    stored = total = 0

    def update(done: int, of: int) -> None:
        nonlocal stored, total
        stored, total = done, of
        progress(done, of)

    if not oracle.wait(STALLED_SECONDS, progress=update):
        raise UserError(
            f"Nothing has reached ClickHouse for {STALLED_SECONDS:.0f} s, and {total - stored} of {total} lines "
            f"are missing; see the worker's and the sink's log."
        )
