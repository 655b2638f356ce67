"""What readers of ClickHouse see, as rows in the form of the expected ones."""

import logging
from collections.abc import Sequence
from typing import Any

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.httputil import get_pool_manager

from oracle.rows import Accepted, Artwork, Coverage, LedgerRow, Rejected

Row = Sequence[Any]

# The client would log each of its retries; an error that matters is raised as an exception.
logging.getLogger("clickhouse_connect").addHandler(logging.NullHandler())

# The longest pause within a response (s): enough for a view of a few million rows on a busy machine.
QUERY_SECONDS = 60
CONNECT_SECONDS = 5
_DIRECT = get_pool_manager()

_TIMES = ("seen_at", "received_at", "sent_at", "appended_at", "rejected_at", "created_at")
_COMPUTED = {
    "payload": "lower(hex(SHA256(payload)))",
    "payload_bytes": "length(payload)",
    "detail": "detail != ''",
}
# The columns that identify a row of each table: other rows with the same values are excess that a merge removes.
RAW_IDENTITY = {
    "impressions_raw": "user_id, seen_at, event_id",
    "user_artworks_raw": "user_id, artwork_id",
    "artwork_users_raw": "artwork_id, user_id",
    "ledger_raw": "source_topic_id, source_partition, source_offset, line",
    "rejected_raw": "source_topic_id, source_partition, source_offset, line, idx",
    "artworks_raw": "artwork_id, kafka_topic_id, kafka_offset",
}


class Views:
    """The queries of a reader. Each raises clickhouse_connect's errors while ClickHouse does not answer."""

    def __init__(self, host: str, port: int, database: str) -> None:
        self._host, self._port, self._database = host, port, database
        self._client: Client | None = None

    def rows(self, statement: str) -> Sequence[Row]:
        """Run a query; return its rows."""
        if self._client is None:
            # No session: it would refuse a query while an earlier one, whose response was lost, still runs.
            self._client = clickhouse_connect.get_client(
                host=self._host,
                # Past the proxies that HTTP_PROXY may name: they don't know this machine's own addresses.
                pool_mgr=_DIRECT,
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
        """Return all rows of a view: times in ms, a payload as its digest, arrays as tuples."""
        rows = self.rows(f"SELECT {', '.join(map(_expression, columns))} FROM {name}")
        if "dna" in columns:
            at = columns.index("dna")
            return [(*row[:at], tuple(row[at]), *row[at + 1 :]) for row in rows]
        return rows

    def impressions(self) -> Sequence[Row]:
        """Return the view of accepted impressions."""
        return self.view("impressions", Accepted._fields)

    def ledger(self) -> Sequence[Row]:
        """Return the view of the ledger."""
        return self.view("ledger", LedgerRow._fields)

    def rejected(self) -> Sequence[Row]:
        """Return the view of rejected lines and impressions."""
        return self.view("rejected", Rejected._fields)

    def artworks(self) -> Sequence[Row]:
        """Return the view of the catalogue."""
        return self.view("artworks", Artwork._fields)

    def coverage(self) -> Sequence[Row]:
        """Return the view of how much of each pool users have seen."""
        return self.view("user_coverage", Coverage._fields)

    def raw_excess(self) -> dict[str, int]:
        """Return how many rows each raw table holds beyond the distinct ones."""
        return {
            table: self.rows(f"SELECT count() - uniqExact({identity}) FROM {table}")[0][0]
            for table, identity in RAW_IDENTITY.items()
        }

    def close(self) -> None:
        """Close the connection. The next query opens another one."""
        if self._client is not None:
            self._client.close()
            self._client = None


def _expression(column: str) -> str:
    if column in _TIMES:
        return f"toUnixTimestamp64Milli({column})"
    return _COMPUTED.get(column, column)
