"""ClickHouse, as the sink uses it: insert a block, ask what the tables hold, and name failures."""

import time
from collections.abc import Callable, Collection
from typing import Any, NamedTuple, TypeVar

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from streams.clickhouse import errors
from streams.clickhouse.client import connect
from streams.errors import Kind, UserError
from streams.provision.same_window import require_same_window
from streams.settings import Settings
from streams.sink import observe
from streams.sink.blocks import TableRows
from streams.sink.feeds import Feed, Table
from streams.sink.position import Held

T = TypeVar("T")

# An error of the HTTP client repeats the request's URL with all of its settings.
LONGEST_TEXT = 300
# One insert must become one part of one table partition: these bounds, at which the server stops squashing blocks
# together, are far above the size of a sink's block, so it is never cut. None is begun when little space is left: one
# that meets a full disk while it writes may be acknowledged and yet be broken (upstream/chdb_full_disk.py).
_INSERT = {
    "min_free_disk_bytes_to_perform_insert": 128 * 2**20,
    "async_insert": 0,
    "insert_deduplicate": 1,
    "min_insert_block_size_rows": 100_000_000,
    "min_insert_block_size_bytes": 4 * 2**30,
}
# What a read decides on must include every acknowledged insert: a replica that lacks one refuses it (and the sink asks
# again) instead of answering with less. Without replicas, this changes nothing.
_READ = {"select_sequential_consistency": 1}


class InsertError(Exception):
    """A request failed. `code` is ClickHouse's error code, or `unreachable`; the text is its answer's first line.

    Its kind is REFUSE if a person must change something, DEFECT if the fault is ours: in both cases it is the trouble
    of one topic, and others go on.
    """

    def __init__(self, code: str, text: str, kind: Kind = Kind.DEFECT) -> None:
        super().__init__(text)
        self.code = code
        self.kind = kind


class UnavailableError(InsertError):
    """The request would have failed for any table: ClickHouse is down or overloaded."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(code, text, Kind.WAIT)


class CatalogueRow(NamedTuple):
    """A catalogue record as it was stored."""

    artwork_id: str
    pool_id: str
    ordinal: int
    retired: bool
    tombstone: bool
    offset: int


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

    def held(self, feed: Feed, topic_id: str, partitions: Collection[int]) -> dict[int, Held]:
        """Return what the feed's tables hold of that log, for each of the partitions. Raises InsertError.

        The position table is asked first: a live predecessor, which writes it last, then can't make a set seem to lag.
        """
        *sets, position = feed.tables
        fresh = sets[0].only if sets else None
        newest = self._newest(position, topic_id, partitions, fresh)
        others = [self._newest(table, topic_id, partitions) for table in sets]
        found: dict[int, Held] = {}
        for number in partitions:
            last, last_fresh = newest.get(number, (None, None))
            found[number] = Held(last, last_fresh, [each.get(number, (None, None))[0] for each in others])
        return found

    def catalogue(self, topic_id: str) -> list[CatalogueRow]:
        """Return the log's catalogue records, in their order. Raises InsertError."""
        return [
            CatalogueRow(*row)
            for row in self._rows(
                f"SELECT {', '.join(CatalogueRow._fields[:-1])}, kafka_offset FROM "
                f"{self._settings.clickhouse_database}.artworks_raw FINAL "
                "WHERE kafka_topic_id = {topic_id:String} ORDER BY kafka_offset",
                {"topic_id": topic_id},
            )
        ]

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _newest(
        self, table: Table, topic_id: str, partitions: Collection[int], only: str | None = None
    ) -> dict[int, tuple[int, int | None]]:
        """Return the newest offset in a table, by partition; if `only` is a column, also that of rows with it."""
        chosen = f"if(countIf({only}) = 0, NULL, maxIf(kafka_offset, {only}))" if only else "NULL"
        rows = self._rows(
            f"SELECT kafka_partition, max(kafka_offset), {chosen} "
            f"FROM {self._settings.clickhouse_database}.{table.name} WHERE kafka_topic_id = {{topic_id:String}} "
            f"AND kafka_partition IN ({', '.join(map(str, sorted(partitions)))}) GROUP BY kafka_partition",
            {"topic_id": topic_id},
        )
        return {int(number): (int(newest), None if last is None else int(last)) for number, newest, last in rows}

    def _rows(self, query: str, parameters: dict[str, Any]) -> list[Any]:
        asked = self._ask(lambda client: client.query(query, parameters=parameters, settings=_READ))
        return list(asked.result_rows)

    def _ask(self, request: Callable[[Client], T]) -> T:
        try:
            if self._client is None:
                self._client = connect(self._settings)
                require_same_window(self._client, self._settings)
            return request(self._client)
        except (ClickHouseError, UserError, OSError) as error:
            self.close()
            failure = classify(error)
            observe.failed(failure.code)
            raise failure from error


def classify(error: BaseException) -> InsertError:
    """Name what happened: a server that is down or busy, which passes, or a refused request, which someone must fix."""
    text = str(error).split("\n", 1)[0][:LONGEST_TEXT]
    kind, number = errors.kind(error), errors.code(error.__cause__ or error)
    code = errors.UNREACHABLE if number is None else str(number)
    return UnavailableError(code, text) if kind is Kind.WAIT else InsertError(code, text, kind)
