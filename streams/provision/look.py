"""Gathers the evidence for `judge`, and changes nothing.

ClickHouse is read before Kafka: whatever a running worker decides meanwhile then shows in the positions, so a row that
is ahead of its position shows that the changelog has lost its end.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from streams.clickhouse.ask import Asking
from streams.provision.evidence import Accepted, Evidence, Tables
from streams.provision.look_logs import look_at_logs
from streams.settings import Settings

HISTORY = ("impressions_raw", "ledger_raw", "user_artworks_raw")
# Some rows, in whose event_ids the window shows.
SAMPLE_QUERY = (
    "SELECT event_id, user_id, artwork_id, toUnixTimestamp64Milli(seen_at)"
    " FROM {db:Identifier}.impressions_raw LIMIT 200"
)


def look(settings: Settings, declared: int) -> Evidence:
    """Look at ClickHouse and Kafka; `declared` is the source's partition count if it doesn't exist.

    Raises UserError that says which of the two doesn't answer, or what it refuses.
    """
    with Asking(settings) as ask:
        tables = look_at_tables(ask)
    return look_at_logs(settings, declared, tables)


def look_at_tables(ask: Asking) -> Tables:
    """Look at ClickHouse. Raises UserError as `Asking.rows` does."""
    existing = {name for (name,) in ask.rows("SELECT name FROM system.tables WHERE database = {db:String}")}
    rows = {name: int(ask.one(f"SELECT count() FROM {{db:Identifier}}.{name}")) for name in HISTORY if name in existing}
    return Tables(
        rows,
        decided(ask) if rows.get("ledger_raw") else {},
        accepted(ask.rows(SAMPLE_QUERY)) if rows.get("impressions_raw") else (),
    )


def accepted(rows: Iterable[Sequence[Any]]) -> tuple[Accepted, ...]:
    """Return the rows of SAMPLE_QUERY."""
    return tuple(Accepted(event, user, artwork, int(seen_at)) for event, user, artwork, seen_at in rows)


def decided(ask: Asking) -> dict[tuple[str, int], tuple[int, int]]:
    """Return offset and line of the last line that has a ledger row, by source topic id and partition."""
    counted = ask.one(
        "SELECT count() FROM system.columns WHERE database = {db:String} AND table = 'ledger_raw' AND name = 'lines'"
    )
    # A row may stand for several lines; a schema of the last release doesn't know that yet.
    last = "line + lines - 1" if counted else "line"
    found = ask.rows(
        f"SELECT source_topic_id, source_partition, max((source_offset, {last})) AS last"
        " FROM {db:Identifier}.ledger_raw GROUP BY source_topic_id, source_partition"
    )
    return {(topic_id, int(number)): (int(last[0]), int(last[1])) for topic_id, number, last in found}
