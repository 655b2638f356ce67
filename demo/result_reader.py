"""What analysts see: the demo reads the views as `reader`, through clickhouse-connect's ordinary HTTP client."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import clickhouse_connect
from clickhouse_connect.driver.client import Client

from streams.settings import Settings

Row = dict[str, Any]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ResultReader:
    """Reads the database's views. Raises clickhouse-connect's errors."""

    def __init__(self, settings: Settings) -> None:
        host, port = settings.clickhouse_address
        self._client: Client = clickhouse_connect.get_client(
            host=host, port=port, username="reader", password="", database=settings.clickhouse_database
        )

    def rows(self, table: str, columns: Sequence[str]) -> list[Row]:
        """Return these columns of all rows of a view, times as ms since the epoch."""
        return self.query(f"SELECT {', '.join(columns)} FROM {table}")

    def query(self, sql: str) -> list[Row]:
        """Return a query's rows, times as ms since the epoch."""
        result = self._client.query(sql, column_formats={"payload": "bytes"} if "payload" in sql else None)
        return [
            {name: plain(value) for name, value in zip(result.column_names, row, strict=True)}
            for row in result.result_rows
        ]

    def one(self, sql: str) -> Row:
        """Return the one row of a query."""
        (row,) = self.query(sql)
        return row

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def plain(value: Any) -> Any:
    """Return a value as the recount has it: a time as ms since the epoch, an array as a tuple."""
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return (aware - _EPOCH) // timedelta(milliseconds=1)
    if isinstance(value, list):
        return tuple(value)
    return value
