"""What readers of ClickHouse see, as rows of the expected columns' form."""

import logging
from collections.abc import Sequence
from typing import Any

import clickhouse_connect
from clickhouse_connect.driver.client import Client

from oracle.rows import Accepted, Artwork, Coverage, LedgerRow, Rejected

Row = Sequence[Any]

# The client would report each of its own new attempts; an error that matters comes back as an exception.
logging.getLogger("clickhouse_connect").addHandler(logging.NullHandler())

# The longest silence within an answer: enough for a view of some million rows on a busy machine.
QUERY_SECONDS = 60
CONNECT_SECONDS = 5

_TIMES = ("seen_at", "received_at", "sent_at", "appended_at", "rejected_at", "created_at")
_COMPUTED = {
    "payload": "lower(hex(SHA256(payload)))",
    "payload_bytes": "length(payload)",
    "detail": "detail != ''",
}
# What of each table identifies a row, so that the rest is excess that a merge removes.
RAW_IDENTITY = {
    "impressions_raw": "user_id, seen_at, event_id",
    "user_artworks_raw": "user_id, artwork_id",
    "artwork_users_raw": "artwork_id, user_id",
    "ledger_raw": "source_topic_id, source_partition, source_offset, line",
    "rejected_raw": "source_topic_id, source_partition, source_offset, line, idx",
    "artworks_raw": "artwork_id, kafka_topic_id, kafka_offset",
}


class Views:
    """A reader's questions. Each raises clickhouse_connect's errors while ClickHouse does not answer."""

    def __init__(self, host: str, port: int, database: str) -> None:
        self._host, self._port, self._database = host, port, database
        self._client: Client | None = None

    def rows(self, statement: str) -> Sequence[Row]:
        """Ask; return the rows."""
        if self._client is None:
            # One session an oracle would forbid a question while an earlier one, whose answer was lost, still runs.
            self._client = clickhouse_connect.get_client(
                host=self._host,
                port=self._port,
                database=self._database,
                username="reader",
                password="",
                autogenerate_session_id=False,
                connect_timeout=CONNECT_SECONDS,
                send_receive_timeout=QUERY_SECONDS,
                query_retries=0,
            )
        rows: Sequence[Row] = self._client.query(statement).result_rows
        return rows

    def view(self, name: str, columns: Sequence[str]) -> Sequence[Row]:
        """All rows of a view: times as ms, a payload as its digest, arrays as tuples."""
        rows = self.rows(f"SELECT {', '.join(map(_expression, columns))} FROM {name}")
        if "dna" in columns:
            at = columns.index("dna")
            return [(*row[:at], tuple(row[at]), *row[at + 1 :]) for row in rows]
        return rows

    def impressions(self) -> Sequence[Row]:
        """The view of accepted impressions."""
        return self.view("impressions", Accepted._fields)

    def ledger(self) -> Sequence[Row]:
        """The view of the ledger."""
        return self.view("ledger", LedgerRow._fields)

    def rejected(self) -> Sequence[Row]:
        """The view of rejected pieces."""
        return self.view("rejected", Rejected._fields)

    def artworks(self) -> Sequence[Row]:
        """The view of the catalogue."""
        return self.view("artworks", Artwork._fields)

    def coverage(self) -> Sequence[Row]:
        """The view of what users have seen of each pool."""
        return self.view("user_coverage", Coverage._fields)

    def raw_excess(self) -> dict[str, int]:
        """Of each raw table, how many rows it holds beyond the distinct ones."""
        return {
            table: self.rows(f"SELECT count() - uniqExact({identity}) FROM {table}")[0][0]
            for table, identity in RAW_IDENTITY.items()
        }

    def close(self) -> None:
        """Forget the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None


def _expression(column: str) -> str:
    if column in _TIMES:
        return f"toUnixTimestamp64Milli({column})"
    return _COMPUTED.get(column, column)
