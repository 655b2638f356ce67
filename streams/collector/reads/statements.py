"""The SQL of the reads, and what it answers.

Each statement of users names their Kafka partition, which is the table's partition, and `user_id`, with which the
sorting key begins: so that ClickHouse reads the granules (8,192 rows) that hold them in that partition, and no others.
None uses FINAL: rows that were written twice are told apart by who joins them, or by LIMIT BY.

`{db}` is the database. Values go as parameters.
"""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from msgspec import MsgspecError
from msgspec.json import Decoder

from streams.collector.reads.errors import AwayError
from streams.collector.reads.rows import Row
from streams.collector.reads.seen import SeenRows, seen_rows
from streams.collector.reads.timeline import MOST, Key, Rows

Parameters = dict[str, str]

_USERS = "kafka_partition = {partition:UInt16} AND user_id IN {users:Array(String)}"
# What users have seen, and their events of the last hour: a row for a user and each. By the collector's clock, since
# it is that which the answers use; what is ahead of it will be within the hour later.
SEEN = f"""
SELECT user_id, groupArray(artwork_id) AS artworks, groupArray(toUnixTimestamp64Milli(received_at)) AS times,
    CAST([], 'Array(String)') AS events
FROM {{db}}.user_artworks_raw
WHERE {_USERS}
GROUP BY user_id
UNION ALL
SELECT user_id, groupArray(artwork_id), groupArray(toUnixTimestamp64Milli(seen_at)), groupArray(event_id)
FROM {{db}}.impressions_raw
WHERE {_USERS} AND seen_at > fromUnixTimestamp64Milli({{since:Int64}}, 'UTC')
GROUP BY user_id
"""
_ROW = "event_id, user_id, artwork_id, pool_id, toUnixTimestamp64Milli(seen_at), toUnixTimestamp64Milli(received_at)"
# The newest rows of users, which may come twice.
NEWEST = f"""
SELECT {_ROW}, surface, fresh
FROM {{db}}.impressions_raw
WHERE {_USERS}
ORDER BY user_id DESC, seen_at DESC, event_id DESC
LIMIT {{most:UInt32}} BY user_id
"""
# A page of one user's rows: the newest below a key, each once.
PAGE = f"""
SELECT {_ROW}, surface, fresh
FROM {{db}}.impressions_raw
WHERE kafka_partition = {{partition:UInt16}} AND user_id = {{user:String}}
    AND seen_at <= fromUnixTimestamp64Milli({{seen_at:Int64}}, 'UTC')
    AND (seen_at, event_id) < (fromUnixTimestamp64Milli({{seen_at:Int64}}, 'UTC'), {{event:String}})
ORDER BY user_id DESC, seen_at DESC, event_id DESC
LIMIT 1 BY event_id
LIMIT {{most:UInt32}}
"""
# The newest offset of a partition; an index finds the granules with offsets from `known` on.
_POSITION = """
SELECT {number} AS number, max(kafka_offset) AS newest, count() AS rows
FROM {{db}}.impressions_raw
WHERE kafka_partition = {number} AND kafka_topic_id = {{topic_id:String}} AND kafka_offset >= {known}
"""
# Servers differ in whether they quote 64-bit numbers.
_SEEN_ROWS = Decoder(tuple[str, list[str], list[int], list[str]], strict=False)
_ROWS = Decoder(tuple[str, str, str, str, int, int, str, bool], strict=False)
_POSITIONS = Decoder(tuple[int, int, int], strict=False)
T = TypeVar("T")
# Above every row's: times are at most 9,999,999,999,999 ms.
TOP: Key = (10_000_000_000_000, "")


def users(partition: int, user_ids: Iterable[str]) -> Parameters:
    """Return the parameters that name users, whose ids hold no character that would need escaping (contract §3)."""
    return {"partition": str(partition), "users": "[" + ",".join(f"'{each}'" for each in user_ids) + "]"}


def page(partition: int, user_id: str, before: Key, most: int) -> Parameters:
    """Return PAGE's parameters."""
    seen_at, event_id = before
    return {
        "partition": str(partition),
        "user": user_id,
        "seen_at": str(seen_at),
        "event": event_id,
        "most": str(most),
    }


def positions(known: Mapping[int, int]) -> str:
    """Return the statement for the newest offsets of partitions, of which each is known to have one before `known`."""
    parts = (_POSITION.format(number=int(number), known=max(0, at - 1)) for number, at in sorted(known.items()))
    return "UNION ALL".join(parts)


def read_seen(answer: bytes) -> dict[str, SeenRows]:
    """Read what SEEN answers. Raises AwayError, as the others do."""
    return seen_rows(_lines(_SEEN_ROWS, answer))


def read_newest(answer: bytes) -> dict[str, Rows]:
    """Read what NEWEST answers, with MOST rows at most of each user."""
    found: dict[str, list[Row]] = {}
    for row in read_rows(answer):
        found.setdefault(row.user_id, []).append(row)
    return {user_id: Rows(rows, len(rows) >= MOST) for user_id, rows in found.items()}


def read_rows(answer: bytes) -> list[Row]:
    """Read what PAGE answers."""
    return [Row(*values) for values in _lines(_ROWS, answer)]


def read_positions(answer: bytes) -> dict[int, int]:
    """Read what `positions` asks for: the offset after the newest, by partition; 0 where there is none."""
    return {number: newest + 1 if rows else 0 for number, newest, rows in _lines(_POSITIONS, answer)}


def _lines(decoder: Decoder[T], answer: bytes) -> list[T]:
    """Decode JSONCompactEachRow."""
    try:
        return decoder.decode_lines(answer)
    except MsgspecError as error:
        raise AwayError(f"ClickHouse's answer can't be read: {error}") from None
