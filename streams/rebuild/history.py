"""What ClickHouse knows about one source partition: everything that its state is made of."""

from collections.abc import Iterator
from typing import Any

from clickhouse_connect.driver.client import Client

from streams.core import window
from streams.core.seen import Seen
from streams.core.window import Bucket

# Rows at a time: only one user's history must fit into memory, never a partition's.
STREAM_SETTINGS = {"max_block_size": 50_000}


class History:
    """Reads `impressions`, `ledger` and `artworks`. The rows' Kafka partition has the number of the source's."""

    def __init__(self, client: Client, database: str, partition: int) -> None:
        self._client, self._db, self._partition = client, database, partition

    def next_offset(self, topic_id: str) -> int:
        """Return the offset after the log's last decided record; 0 if none was decided."""
        query = (
            "SELECT if(count() = 0, 0, max(source_offset) + 1) FROM {db:Identifier}.ledger_raw"
            " WHERE kafka_partition = {p:UInt16} AND source_topic_id = {t:String}"
        )
        return int(self._one(query, t=topic_id))

    def newest_append(self) -> int:
        """Return the newest A of the partition (ms); 0 if there is none."""
        query = (
            "SELECT if(count() = 0, 0, toUnixTimestamp64Milli(max(appended_at))) FROM {db:Identifier}.ledger_raw"
            " WHERE kafka_partition = {p:UInt16}"
        )
        return int(self._one(query))

    def ordinals(self) -> dict[str, int]:
        """Return the ordinal of every artwork in the catalogue."""
        rows = self._rows("SELECT artwork_id, ordinal FROM {db:Identifier}.artworks")
        return {artwork_id: int(ordinal) for artwork_id, ordinal in rows}

    def seen(self, ordinals: dict[str, int]) -> Iterator[tuple[str, Seen]]:
        """Yield each user with all artworks that they have an accepted impression of."""
        query = (
            "SELECT user_id, groupUniqArray(artwork_id) FROM {db:Identifier}.impressions_raw"
            " WHERE kafka_partition = {p:UInt16} GROUP BY user_id"
        )
        for user_id, artworks in self._rows(query):
            seen = Seen()
            for artwork_id in artworks:
                seen.add(artwork_id, ordinals.get(artwork_id))
            yield user_id, seen

    def buckets(self, horizon: int, window_ms: int) -> Iterator[tuple[int, str, Bucket]]:
        """Yield start, user and bucket of each window that ends after `horizon` (ms)."""
        query = (
            "SELECT intDiv(seen, {w:Int64}) * {w:Int64} AS start, user_id, groupArray(artwork_id), groupArray(seen)"
            " FROM (SELECT DISTINCT user_id, artwork_id, toUnixTimestamp64Milli(seen_at) AS seen FROM"
            " {db:Identifier}.impressions_raw WHERE kafka_partition = {p:UInt16}) WHERE seen >= {h:Int64}"
            " GROUP BY start, user_id"
        )
        since = window.start_of(max(horizon, 0), window_ms)
        for start, user_id, artworks, times in self._rows(query, w=window_ms, h=since):
            bucket = Bucket()
            for artwork_id, seen_at in zip(artworks, times, strict=True):
                bucket.accept(artwork_id, seen_at - start)
            yield start, user_id, bucket

    def _one(self, query: str, **parameters: Any) -> Any:
        ((value,),) = self._rows(query, **parameters)
        return value

    def _rows(self, query: str, **parameters: Any) -> Iterator[tuple[Any, ...]]:
        known = {"db": self._db, "p": self._partition, **parameters}
        with self._client.query_rows_stream(query, parameters=known, settings=STREAM_SETTINGS) as stream:
            yield from stream
