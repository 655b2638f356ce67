"""Rows vanish from ClickHouse: after a power cut, with a replica that lags, in a backup that was restored."""

from streams.clickhouse.client import connect
from tests.faults.system import System

# Where the sink writes what the worker decided.
TABLES = ("impressions_raw", "ledger_raw", "rejected_raw", "user_artworks_raw", "artwork_users_raw")


def drop_newest(system: System, table: str) -> int:
    """Drop the table's newest part; return how many rows it had, 0 if the table is empty."""
    database = system.settings.clickhouse_database
    name = f"{database}.{table}"
    newest = (
        f"SELECT name, rows FROM system.parts WHERE database = '{database}' AND table = '{table}' AND active AND rows "
        "ORDER BY max_block_number DESC LIMIT 1"
    )
    with connect(system.settings) as client:
        # A merge would replace the part before it is dropped.
        client.command(f"SYSTEM STOP MERGES {name}")
        try:
            found = client.query(newest).result_rows
            for part, _ in found:
                client.command(f"ALTER TABLE {name} DROP PART '{part}'")
        finally:
            client.command(f"SYSTEM START MERGES {name}")
    return sum(int(rows) for _, rows in found)
