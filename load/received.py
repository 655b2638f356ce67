"""What ClickHouse has received from the users of one run."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from confluent_kafka import IsolationLevel

from load.check import Line, Row
from streams.clickhouse.client import connect
from streams.errors import UserError
from streams.kafka.admin import describe, ends
from streams.kafka.names import IMPRESSIONS
from streams.settings import Settings

# If nothing arrives for this long, nothing will.
STALLED_SECONDS = 60.0
LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Packing:
    """How the collector has packed the flushes."""

    lines: int
    records: int

    @property
    def flushes_a_record(self) -> float:
        """Flushes a record on average."""
        return self.lines / self.records if self.records else 0.0


class Received:
    """Asks the engine, and the broker for how far it should be. Close it."""

    def __init__(self, settings: Settings) -> None:
        """Raises UserError if ClickHouse doesn't answer."""
        self._settings, self._client = settings, connect(settings)

    def wait(self, update: Callable[[int, int], None], alive: Callable[[], None]) -> None:
        """Return once each record of the source is in the ledger, and each accepted impression of it is a row.

        `update` is called with how many records are there, and of how many; an error of `alive` ends the wait. Raises
        UserError if nothing more arrives.
        """
        partitions = describe(self._settings, IMPRESSIONS).partitions
        most, deadline = -1, time.monotonic() + STALLED_SECONDS
        while True:
            alive()
            end = ends(self._settings, IMPRESSIONS, range(partitions), IsolationLevel.READ_UNCOMMITTED)
            upto = {int(number): int(offset) + 1 for number, offset in self._ask(
                "SELECT source_partition, max(source_offset) FROM {database}.ledger_raw GROUP BY source_partition"
            )}  # fmt: skip
            ((accepted,),) = self._ask("SELECT sum(accepted) FROM {database}.ledger")
            ((rows,),) = self._ask("SELECT count() FROM {database}.impressions")
            total, here = sum(end.values()), sum(min(upto.get(number, 0), offset) for number, offset in end.items())
            update(here, total)
            if len(end) == partitions and here == total and int(accepted) == int(rows):
                return
            if here + int(rows) > most:
                most, deadline = here + int(rows), time.monotonic() + STALLED_SECONDS
            if time.monotonic() > deadline:
                raise UserError(
                    f"Nothing has reached ClickHouse for {STALLED_SECONDS:.0f} s, and {total - here:,} of {total:,} "
                    "records are missing; see the worker's and the sink's log."
                )
            time.sleep(LOOK_SECONDS)

    def rows(self, prefix: str) -> list[Row]:
        """Return the accepted impressions of the users whose ids begin so."""
        query = """SELECT impression_id, user_id, artwork_id, toUnixTimestamp64Milli(seen_at)
            FROM {database}.impressions WHERE startsWith(user_id, %(prefix)s)"""
        return [Row(str(one), str(user), str(artwork), int(at)) for one, user, artwork, at in self._ask(query, prefix)]

    def lines(self, prefix: str) -> list[Line]:
        """Return their lines of the ledger."""
        query = """SELECT flush_id, received, accepted, duplicates, rejected, forwarded
            FROM {database}.ledger WHERE startsWith(user_id, %(prefix)s)"""
        return [Line(str(flush), *map(int, numbers)) for flush, *numbers in self._ask(query, prefix)]

    def seen(self, prefix: str) -> dict[str, int]:
        """Return how many artworks each of them has seen, as their coverage says."""
        query = (
            "SELECT user_id, sum(seen) FROM {database}.user_coverage WHERE startsWith(user_id, %(prefix)s) GROUP BY 1"
        )
        return {str(user): int(seen) for user, seen in self._ask(query, prefix)}

    def packing(self, prefix: str) -> Packing:
        """Return how their flushes came."""
        query = """SELECT count(), uniqExact(source_partition, source_offset)
            FROM {database}.ledger WHERE startsWith(user_id, %(prefix)s)"""
        ((lines, records),) = self._ask(query, prefix)
        return Packing(int(lines), int(records))

    def close(self) -> None:
        """Disconnect."""
        with suppress(OSError):
            self._client.close()

    def _ask(self, query: str, prefix: str = "") -> Sequence[Sequence[Any]]:
        text = query.format(database=self._settings.clickhouse_database)
        return self._client.query(text, parameters={"prefix": prefix} if prefix else None).result_rows
