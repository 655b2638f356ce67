"""The oracle of an installation, and the wait until everything in the log is in ClickHouse."""

from collections.abc import Callable
from contextlib import closing

from oracle import Oracle, Rules
from streams.clickhouse.client import connect
from streams.errors import UserError
from streams.settings import Settings

# If no row arrives for this long, none will: a killed worker's partitions are assigned again within seconds.
STALLED_SECONDS = 60.0
ROLLUPS = ("ledger_minutes_refresh", "users_refresh")


def oracle_of(settings: Settings) -> Oracle:
    """Return the oracle for the Kafka and ClickHouse of these settings."""
    rules = Rules(settings.window_ms, settings.lateness_ms, settings.tolerance_ms)
    return Oracle(settings.kafka_bootstrap, *settings.clickhouse_address, rules, settings.clickhouse_database)


def settle(oracle: Oracle, progress: Callable[[int, int], None]) -> None:
    """Return once each line of the log is in the ledger, and the views have everything that the ledger counts.

    `progress` is called with the number of lines that have arrived, and of all lines. Raises UserError if nothing has
    arrived for a minute.
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


def roll_up(settings: Settings) -> None:
    """Let ClickHouse update its rollups, of which KPIs are made, now instead of at the minute's end."""
    with closing(connect(settings)) as client:
        for view in ROLLUPS:
            for verb in ("REFRESH", "WAIT"):
                client.command(f"SYSTEM {verb} VIEW {settings.clickhouse_database}.{view}")
