"""ClickHouse, as the sink uses it: insert a block, query a position, and classify failures."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, Error

from streams.clickhouse.client import connect
from streams.errors import UserError
from streams.settings import Settings
from streams.sink import observe
from streams.sink.blocks import TableRows
from streams.sink.feeds import Feed

T = TypeVar("T")

UNREACHABLE = "unreachable"
# An error of the HTTP client repeats the request's URL with all of its settings.
LONGEST_TEXT = 300
# Codes of a server that is up but can't serve any table now: timeouts, too many queries, network, memory,
# read-only (no Keeper), too many parts, shutting down, Keeper, starting up.
_BUSY = {159, 160, 202, 209, 210, 241, 242, 243, 252, 394, 425, 999, 1001}

# One insert must become one part of one table partition: these bounds, at which the server stops squashing blocks
# together, are far above the size of a sink's block, so it is never cut.
_INSERT = {
    "async_insert": 0,
    "insert_deduplicate": 1,
    "min_insert_block_size_rows": 100_000_000,
    "min_insert_block_size_bytes": 4 * 2**30,
}


class InsertError(Exception):
    """A request failed. `code` is ClickHouse's error code, or `unreachable`; the text is its answer's first line."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class UnavailableError(InsertError):
    """The request would have failed for any table: ClickHouse is down or overloaded."""


class Writer:
    """Inserts the sink's blocks. It connects on first use, and again after each failure."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: Client | None = None

    def insert(self, part: TableRows, token: str) -> None:
        """Insert a part of a block. However often it is repeated with the same token and table, its rows exist once.

        Raises InsertError; the rows may exist nevertheless.
        """
        started = time.monotonic()
        self._ask(
            lambda client: client.raw_insert(
                f"{self._settings.clickhouse_database}.{part.table.name}",
                part.data.column_names,
                part.stream(),
                settings=_INSERT | {"insert_deduplication_token": token},
                fmt="ArrowStream",
            )
        )
        observe.inserted(part.table.name, part.rows, time.monotonic() - started)

    def newest_offsets(self, feed: Feed, topic_id: str) -> dict[int, int]:
        """Return the largest offset of that log in the position table, by partition. Raises InsertError."""
        rows = self._rows(
            "SELECT kafka_partition, max(kafka_offset) "
            f"FROM {self._settings.clickhouse_database}.{feed.position_table.name} "
            "WHERE kafka_topic_id = {topic_id:String} GROUP BY kafka_partition",
            {"topic_id": topic_id},
        )
        return {int(partition): int(newest) for partition, newest in rows}

    def catalogue(self, topic_id: str) -> list[tuple[str, str, int, bool, bool]]:
        """Return (artwork_id, pool_id, ordinal, retired, tombstone) of the log's records, in their order.

        Raises InsertError.
        """
        return self._rows(
            f"SELECT artwork_id, pool_id, ordinal, retired, tombstone FROM "
            f"{self._settings.clickhouse_database}.artworks_raw FINAL "
            "WHERE kafka_topic_id = {topic_id:String} ORDER BY kafka_offset",
            {"topic_id": topic_id},
        )

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _rows(self, query: str, parameters: dict[str, Any]) -> list[Any]:
        return list(self._ask(lambda client: client.query(query, parameters=parameters)).result_rows)

    def _ask(self, request: Callable[[Client], T]) -> T:
        try:
            if self._client is None:
                self._client = connect(self._settings)
            return request(self._client)
        except (ClickHouseError, UserError, OSError) as error:
            self.close()
            failure = classify(error)
            observe.failed(failure.code)
            raise failure from error


def classify(error: BaseException) -> InsertError:
    """Distinguish a server that is down or busy, which passes, from a refused request, which someone must fix."""
    text = str(error).split("\n", 1)[0][:LONGEST_TEXT]
    code = error.code if isinstance(error, Error) else None
    if code is None:
        return UnavailableError(UNREACHABLE, text)
    return UnavailableError(str(code), text) if code in _BUSY else InsertError(str(code), text)
