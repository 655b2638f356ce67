"""A hundred million impressions, made inside ClickHouse as the sink would have written them, to query KPIs."""

from collections.abc import Callable

from clickhouse_connect.driver.client import Client

PARTITIONS = 16
ARTWORKS, SMALL_POOL = 1_000, 200
# Every twentieth user looks at the small pool and has seen nearly all of it; the others see a quarter of theirs.
SMALL_EVERY, REPEAT_EVERY = 20, 20
# 100,000 a minute.
MS_BETWEEN = 0.6
# Rows made by one statement: some seconds of work.
STEP = 5_000_000

# The n-th impression is of user n % users, in their round n / users. Users are a multiple of the partitions, so each
# user has one partition, and offsets grow with time. A repeat is of the artwork three rounds before.
_COMMON = """
    number % {users} AS user,
    intDiv(number, {users}) AS round,
    round % {repeat_every} = {repeat_every} - 1 AS again,
    user % {small_every} = 0 AS small,
    round - 3 * again AS shown,
    if(small, shown % {small}, {small} + (user * 37 + shown) % ({artworks} - {small})) AS artwork,
    concat('u', toString(user)) AS user_id,
    concat('a', leftPad(toString(artwork), 4, '0')) AS artwork_id,
    fromUnixTimestamp64Milli({end} - toInt64(({impressions} - number) * {ms})) AS at,
    'bench' AS kafka_topic_id,
    user % {partitions} AS kafka_partition,
    intDiv(number, {partitions}) AS kafka_offset
"""
_IMPRESSIONS = """
INSERT INTO {database}.{table} (event_id, user_id, artwork_id, pool_id, impression_id, flush_id, session_id, seen_at,
    received_at, fresh, dwell_ms, visible, position, surface, transport, reason, tier, source_topic_id,
    source_partition, source_offset, line, idx, kafka_topic_id, kafka_partition, kafka_offset)
SELECT lower(hex(sipHash128(number))), user_id, artwork_id, if(small, 'small', 'main'), hex(number), hex(number),
    hex(user), at - INTERVAL 1500 MILLISECOND, at, NOT again, number % 5000, (number % 11) / 10, number % 20, 'gallery',
    ['fetch', 'beacon', 'keepalive', 'sync', 'sdk', 'replay'][number % 6 + 1], 'timer', if(user % 5 = 0, 'pro', 'free'),
    'source', kafka_partition, kafka_offset, 0, 0, kafka_topic_id, kafka_partition, kafka_offset
FROM (SELECT number, {common} FROM numbers({first}, {count}))
"""
_SEEN = """
INSERT INTO {database}.{table} (user_id, artwork_id, first_seen_at, received_at, kafka_topic_id, kafka_partition,
    kafka_offset)
SELECT user_id, artwork_id, at - INTERVAL 1500 MILLISECOND, at, kafka_topic_id, kafka_partition, kafka_offset
FROM (SELECT number, {common} FROM numbers({first}, {count})) WHERE NOT again
"""
_LEDGER = """
INSERT INTO {database}.{table} (source_topic_id, source_partition, source_offset, line, flush_id, user_id, received,
    accepted, fresh, duplicates, rejected, forwarded, transport, reason, tier, attempts, failures, queued, dropped,
    bytes, sent_at, appended_at, processed_at, kafka_topic_id, kafka_partition, kafka_offset)
SELECT 'source', kafka_partition, kafka_offset, 0, hex(number), user_id, 1 + (number % 5 = 0), 1, NOT again,
    number % 5 = 0, 0, 0, ['fetch', 'beacon', 'keepalive', 'sync', 'sdk', 'replay'][number % 6 + 1], 'timer',
    if(user % 5 = 0, 'pro', 'free'), 1 + (number % 97 = 0), number % 97 = 0, 0, 0, 250 + number % 100,
    at - INTERVAL 900 MILLISECOND, at, at + toIntervalMillisecond(5 + intHash32(number) % 50 * (1 + number % 3)),
    kafka_topic_id, kafka_partition, kafka_offset
FROM (SELECT number, {common} FROM numbers({first}, {count}))
"""
_CATALOGUE = """
INSERT INTO {database}.artworks_raw (artwork_id, pool_id, ordinal, created_at, retired, dna, tombstone, appended_at,
    kafka_topic_id, kafka_partition, kafka_offset)
SELECT concat('a', leftPad(toString(number), 4, '0')), if(number < {small}, 'small', 'main'), number, now64(3), false,
    [], false, now64(3), 'catalogue', 0, number
FROM numbers({artworks})
"""
TABLES = {
    "ledger_raw": _LEDGER,
    "user_artworks_raw": _SEEN,
    "artwork_users_raw": _SEEN,
    "impressions_raw": _IMPRESSIONS,
}


def make(client: Client, database: str, impressions: int, users: int, end_ms: int, done: Callable[[str], None]) -> None:
    """Fill the base tables with `impressions`, of a log that ends at `end_ms` (ms since the epoch); print each step.

    `users` must be a multiple of the partitions.
    """
    values = {
        "database": database,
        "impressions": impressions,
        "users": users,
        "end": end_ms,
        "ms": MS_BETWEEN,
        "partitions": PARTITIONS,
        "artworks": ARTWORKS,
        "small": SMALL_POOL,
        "small_every": SMALL_EVERY,
        "repeat_every": REPEAT_EVERY,
    }
    client.command(_CATALOGUE.format(**values))
    for table, statement in TABLES.items():
        for first in range(0, impressions, STEP):
            count = min(STEP, impressions - first)
            common = _COMMON.format(**values)
            client.command(statement.format(**values, table=table, common=common, first=first, count=count))
            done(f"{table}: {first + count:,} of {impressions:,}")
