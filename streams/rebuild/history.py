"""What ClickHouse knows of earlier work: everything that the state is made of.

Rows are read page by page in the order of their table's key, so neither ClickHouse nor this process ever holds more
than a page: no aggregation over all users, whatever their number.
"""

from collections.abc import Iterator, Mapping
from heapq import merge
from operator import itemgetter
from typing import Any, NamedTuple

from streams.clickhouse.ask import Asking
from streams.provision.look import decided

PAGE = 50_000
# In the key's order, the server reads a few granules of each part, and stops after the page.
IN_ORDER = {"optimize_read_in_order": 1, "max_threads": 1, "max_block_size": 8_192}


class Seen(NamedTuple):
    """A user has seen an artwork: `seen_at` (ms) of an accepted impression, or None where only the fact is known."""

    user_id: str
    artwork_id: str
    seen_at: int | None


class Held(NamedTuple):
    """The offsets of one output log that a table has rows of: the first and the last."""

    first: int
    last: int


class History:
    """Reads `impressions_raw`, `user_artworks_raw` and `ledger_raw`, which may hold a row twice until it is merged."""

    def __init__(self, ask: Asking) -> None:
        self._ask = ask

    def seen(self) -> Iterator[Seen]:
        """Yield everything that any user has seen, ordered by user; the same fact may come several times.

        Both tables are read: either may lack rows that the other still has.
        """
        return merge(self._impressions(), self._user_artworks(), key=itemgetter(0))

    def decided(self) -> Mapping[tuple[str, int], tuple[int, int]]:
        """Return offset and line of the last decided line, by source topic id and partition."""
        return decided(self._ask)

    def newest_appends(self) -> Mapping[tuple[str, int], int]:
        """Return the newest A (ms) of the decided lines, by source topic id and partition."""
        found = self._ask.rows(
            "SELECT source_topic_id, source_partition, toUnixTimestamp64Milli(max(appended_at))"
            " FROM {db:Identifier}.ledger_raw GROUP BY source_topic_id, source_partition"
        )
        return {(topic_id, int(partition)): int(newest) for topic_id, partition, newest in found}

    def held(self, table: str, topic_id: str) -> Mapping[int, Held]:
        """Return which offsets of the log with that id a table has rows of, by partition."""
        found = self._ask.rows(
            f"SELECT kafka_partition, min(kafka_offset), max(kafka_offset) FROM {{db:Identifier}}.{table}"
            " WHERE kafka_topic_id = {topic_id:String} GROUP BY kafka_partition",
            topic_id=topic_id,
        )
        return {int(partition): Held(int(first), int(last)) for partition, first, last in found}

    def _impressions(self) -> Iterator[Seen]:
        query = (
            "SELECT user_id, artwork_id, toUnixTimestamp64Milli(seen_at) AS seen_ms, event_id"
            " FROM {db:Identifier}.impressions_raw"
            " WHERE user_id >= {u:String} AND (user_id, seen_ms, event_id) > ({u:String}, {s:Int64}, {e:String})"
            " ORDER BY user_id, seen_at, event_id LIMIT {n:UInt32}"
        )
        last: dict[str, Any] = {"u": "", "s": -1, "e": ""}
        while page := self._ask.rows(query, IN_ORDER, n=PAGE, **last):
            for user_id, artwork_id, seen_at, _ in page:
                yield Seen(user_id, artwork_id, int(seen_at))
            last = {"u": page[-1][0], "s": int(page[-1][2]), "e": page[-1][3]}

    def _user_artworks(self) -> Iterator[Seen]:
        query = (
            "SELECT user_id, artwork_id FROM {db:Identifier}.user_artworks_raw"
            " WHERE user_id >= {u:String} AND (user_id, artwork_id) > ({u:String}, {a:String})"
            " ORDER BY user_id, artwork_id LIMIT {n:UInt32}"
        )
        last = {"u": "", "a": ""}
        while page := self._ask.rows(query, IN_ORDER, n=PAGE, **last):
            for user_id, artwork_id in page:
                yield Seen(user_id, artwork_id, None)
            last = {"u": page[-1][0], "a": page[-1][1]}
