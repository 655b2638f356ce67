"""Impressions as the sink would have written them, made inside ClickHouse: of users in their own partitions."""

from collections.abc import Callable

from clickhouse_connect.driver.client import Client

PARTITIONS = 4
POOL, ARTWORKS = "main", 20_000
# 100,000 a minute.
MS_BETWEEN = 0.6
# Rows made by one statement: some seconds of work.
STEP = 2_000_000

# The n-th impression is of user n % users. A user sees artworks that nobody else sees in that order, each once.
_COMMON = """
    number % {users} AS user,
    concat('r', toString(user)) AS user_id,
    concat('a', toString((user * 37 + intDiv(number, {users})) % {artworks})) AS artwork_id,
    fromUnixTimestamp64Milli({end} - toInt64(({impressions} - number) * {ms})) AS at,
    'filled' AS kafka_topic_id,
    toUInt16(bitAnd(kafkaMurmurHash(user_id), 2147483647) % {partitions}) AS kafka_partition,
    number AS kafka_offset
"""
_EVENTS = """
INSERT INTO {database}.impressions_raw (event_id, user_id, artwork_id, pool_id, impression_id, flush_id, session_id,
    seen_at, received_at, fresh, dwell_ms, visible, position, surface, transport, reason, tier, source_topic_id,
    source_partition, source_offset, line, idx, kafka_topic_id, kafka_partition, kafka_offset)
SELECT lower(hex(sipHash128(number))), user_id, artwork_id, '{pool}', hex(number), hex(number), hex(user),
    at - INTERVAL 1500 MILLISECOND, at, true, number % 5000, (number % 11) / 10, number % 20, 'gallery', 'fetch',
    'timer', if(user % 5 = 0, 'pro', 'free'), 'source', kafka_partition, kafka_offset, 0, 0, kafka_topic_id,
    kafka_partition, kafka_offset
FROM (SELECT number, {common} FROM numbers({first}, {count}))
"""
_SETS = """
INSERT INTO {database}.user_artworks_raw (user_id, artwork_id, first_seen_at, received_at, kafka_topic_id,
    kafka_partition, kafka_offset)
SELECT user_id, artwork_id, at - INTERVAL 1500 MILLISECOND, at, kafka_topic_id, kafka_partition, kafka_offset
FROM (SELECT number, {common} FROM numbers({first}, {count}))
"""


def make(client: Client, database: str, impressions: int, users: int, end_ms: int, done: Callable[[str], None]) -> None:
    """Fill the two tables that reads use with `impressions` of `users`, up to `end_ms`; print each step.

    The rows are of a log of their own, so that the tail reads its topic from the beginning.
    """
    values = {
        "database": database,
        "pool": POOL,
        "impressions": impressions,
        "users": users,
        "end": end_ms,
        "ms": MS_BETWEEN,
        "partitions": PARTITIONS,
        "artworks": ARTWORKS,
    }
    common = _COMMON.format(**values)
    for name, statement in (("user_artworks_raw", _SETS), ("impressions_raw", _EVENTS)):
        for first in range(0, impressions, STEP):
            count = min(STEP, impressions - first)
            client.command(statement.format(**values, common=common, first=first, count=count))
            done(f"  {name}: {first + count:,} of {impressions:,}")
