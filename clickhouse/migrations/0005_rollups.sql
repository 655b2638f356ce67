-- Two rollups that grow with minutes and users instead of with impressions. ClickHouse keeps them by itself, once a
-- minute, from what came since the last time.
--
-- A rollup's rows carry the kafka_offset up to which they hold their Kafka partition. The sink inserts a partition's rows
-- in the order of their offsets, so that a rollup holds all rows up to there and none behind. What is inserted again
-- later, by a sink that doesn't know it was replaced, lies before them, and is not counted again.
--
-- Rows come while a query runs. A query sees each table as it was when the analyzer met its name, and evaluates a scalar
-- subquery, once, when it meets that; so a query that needs an offset first and then the table meets them in this order.

-- Which granules hold rows behind an offset: few, because parts that were merged earlier hold none. And which hold a user:
-- the primary key finds a granule in each part, and he is in the parts of one partition only.
ALTER TABLE {database}.ledger_raw
    ADD INDEX IF NOT EXISTS kafka_position (kafka_topic_id, kafka_offset) TYPE minmax GRANULARITY 1;
ALTER TABLE {database}.ledger_raw MATERIALIZE INDEX kafka_position;
ALTER TABLE {database}.impressions_raw
    ADD INDEX IF NOT EXISTS kafka_position (kafka_topic_id, kafka_offset) TYPE minmax GRANULARITY 1;
ALTER TABLE {database}.impressions_raw MATERIALIZE INDEX kafka_position;
ALTER TABLE {database}.impressions_raw ADD INDEX IF NOT EXISTS user_id user_id TYPE bloom_filter(0.001) GRANULARITY 1;
ALTER TABLE {database}.impressions_raw MATERIALIZE INDEX user_id;
ALTER TABLE {database}.user_artworks_raw ADD INDEX IF NOT EXISTS user_id user_id TYPE bloom_filter(0.001) GRANULARITY 1;
ALTER TABLE {database}.user_artworks_raw MATERIALIZE INDEX user_id;

CREATE TABLE IF NOT EXISTS {database}.ledger_minutes_raw
(
    minute DateTime('UTC') COMMENT 'of appended_at' CODEC(DoubleDelta, ZSTD(1)),
    transport LowCardinality(String),
    tier LowCardinality(String),
    lines UInt64 CODEC(T64, ZSTD(1)),
    received UInt64 CODEC(T64, ZSTD(1)),
    accepted UInt64 CODEC(T64, ZSTD(1)),
    fresh UInt64 CODEC(T64, ZSTD(1)),
    duplicates UInt64 CODEC(T64, ZSTD(1)),
    rejected UInt64 CODEC(T64, ZSTD(1)),
    forwarded UInt64 CODEC(T64, ZSTD(1)),
    unbalanced UInt64 COMMENT 'lines whose received is not the sum of their outcomes' CODEC(T64, ZSTD(1)),
    attempts UInt64 CODEC(T64, ZSTD(1)),
    failures UInt64 CODEC(T64, ZSTD(1)),
    dropped UInt64 CODEC(T64, ZSTD(1)),
    bytes UInt64 CODEC(T64, ZSTD(1)),
    latency AggregateFunction(quantilesDD(0.01, 0.5, 0.95, 0.99), Float64)
        COMMENT 'from append to decision (ms), within 1 %; forwarded lines left out' CODEC(ZSTD(1)),
    kafka_topic_id LowCardinality(String),
    kafka_partition UInt16,
    kafka_offset UInt64 COMMENT 'the rollup holds the partition up to here' CODEC(ZSTD(1))
)
-- Rows are never replaced, so that a reader can leave out what came while he read. An increment is one part, there as a
-- whole or not at all.
ENGINE = MergeTree
ORDER BY (minute, transport, tier)
COMMENT 'The ledger by minute, as it was added up; query ledger_minutes instead';

-- Up to where the rollup holds each log (a topic's id and a partition), behind which offset all lies that it lacks of the
-- topics that it knows, and which those are. Where a log of them is not in it yet, that offset is 0; one that appears
-- after this was asked waits for the next time. One value, so that a query that uses it twice goes by one state.
CREATE OR REPLACE VIEW {database}.ledger_minutes_position AS
SELECT
    CAST(
        (
            CAST((groupArray(log), groupArray(upto)), 'Map(String, UInt64)'),
            if(
                count() < uniqExact(topic)
                    * (SELECT count() FROM (SELECT kafka_partition FROM {database}.ledger_raw GROUP BY kafka_partition)),
                0, min(upto)
            ),
            groupUniqArray(topic)
        ),
        'Tuple(begin Map(String, UInt64), least UInt64, topics Array(String))'
    ) AS position
FROM
(
    SELECT
        toString(kafka_topic_id) AS topic,
        concat(topic, '/', toString(kafka_partition)) AS log,
        max(kafka_offset) + 1 AS upto
    FROM {database}.ledger_minutes_raw
    GROUP BY topic, log
);

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.ledger_minutes_refresh
REFRESH EVERY 1 MINUTE APPEND TO {database}.ledger_minutes_raw
AS WITH
    (SELECT position FROM {database}.ledger_minutes_position) AS done
SELECT
    * EXCEPT newest,
    -- Of what was read, so that nothing that came meanwhile is taken for held.
    max(newest) OVER (PARTITION BY kafka_topic_id, kafka_partition) AS kafka_offset
FROM
(
    SELECT
        toStartOfMinute(appended_at) AS minute,
        transport,
        tier,
        count() AS lines,
        sum(recent.received) AS received,
        sum(recent.accepted) AS accepted,
        sum(recent.fresh) AS fresh,
        sum(recent.duplicates) AS duplicates,
        sum(recent.rejected) AS rejected,
        sum(recent.forwarded) AS forwarded,
        countIf(recent.received != recent.accepted + recent.duplicates + recent.rejected + recent.forwarded) AS unbalanced,
        sum(recent.attempts) AS attempts,
        sum(recent.failures) AS failures,
        sum(recent.dropped) AS dropped,
        sum(recent.bytes) AS bytes,
        quantilesDDStateIf(0.01, 0.5, 0.95, 0.99)(
            toFloat64(greatest(0, dateDiff('millisecond', appended_at, processed_at))), recent.forwarded = 0) AS latency,
        kafka_topic_id,
        kafka_partition,
        max(recent.kafka_offset) AS newest
    FROM
    (
        SELECT *, concat(kafka_topic_id, '/', toString(kafka_partition)) AS log
        FROM {database}.ledger_raw FINAL
        WHERE kafka_offset >= done.least OR kafka_topic_id NOT IN (SELECT arrayJoin(done.topics))
    ) AS recent
    WHERE kafka_offset >= done.begin[log] AND (mapContains(done.begin, log) OR done.least = 0 OR NOT has(done.topics, toString(kafka_topic_id)))
    GROUP BY minute, transport, tier, kafka_topic_id, kafka_partition
)
SETTINGS
    do_not_merge_across_partitions_select_final = 1,
    -- An increment is one block, and so one part.
    max_insert_threads = 1, min_insert_block_size_rows = 100000000, min_insert_block_size_bytes = 4000000000;

-- Exact for every minute, the current one included: what the rollup holds, and what came since.
CREATE OR REPLACE VIEW {database}.ledger_minutes
(
    minute DateTime('UTC') COMMENT 'of appended_at; a minute may have several rows: sum them',
    transport LowCardinality(String) COMMENT 'empty: unknown, the line was rejected whole',
    tier LowCardinality(String) COMMENT 'empty: unknown, the line was rejected whole',
    lines UInt64,
    received UInt64,
    accepted UInt64,
    fresh UInt64,
    duplicates UInt64,
    rejected UInt64,
    forwarded UInt64,
    unbalanced UInt64 COMMENT 'lines whose received is not the sum of their outcomes',
    attempts UInt64,
    failures UInt64,
    dropped UInt64,
    bytes UInt64,
    latency AggregateFunction(quantilesDD(0.01, 0.5, 0.95, 0.99), Float64)
        COMMENT 'from append to decision (ms), within 1 %; forwarded lines left out: quantilesDDMerge(0.01, 0.5, 0.95, 0.99)'
)
AS WITH
    (SELECT position FROM {database}.ledger_minutes_position) AS done
-- No row: it meets the offsets, before either table. All increments below them, and all lines behind, are then there.
SELECT
    toDateTime(0, 'UTC') AS minute, '' AS transport, '' AS tier, done.least AS lines, 0 AS received, 0 AS accepted,
    0 AS fresh, 0 AS duplicates, 0 AS rejected, 0 AS forwarded, 0 AS unbalanced, 0 AS attempts, 0 AS failures,
    0 AS dropped, 0 AS bytes,
    arrayReduce('quantilesDDState(0.01, 0.5, 0.95, 0.99)', CAST([], 'Array(Float64)')) AS latency
WHERE 0
UNION ALL
SELECT
    minute, transport, tier, lines, received, accepted, fresh, duplicates, rejected, forwarded, unbalanced, attempts,
    failures, dropped, bytes, latency
FROM {database}.ledger_minutes_raw
WHERE kafka_offset < done.begin[concat(kafka_topic_id, '/', toString(kafka_partition))]
UNION ALL
SELECT
    toStartOfMinute(appended_at) AS minute,
    transport,
    tier,
    count() AS lines,
    sum(recent.received) AS received,
    sum(recent.accepted) AS accepted,
    sum(recent.fresh) AS fresh,
    sum(recent.duplicates) AS duplicates,
    sum(recent.rejected) AS rejected,
    sum(recent.forwarded) AS forwarded,
    countIf(recent.received != recent.accepted + recent.duplicates + recent.rejected + recent.forwarded) AS unbalanced,
    sum(recent.attempts) AS attempts,
    sum(recent.failures) AS failures,
    sum(recent.dropped) AS dropped,
    sum(recent.bytes) AS bytes,
    quantilesDDStateIf(0.01, 0.5, 0.95, 0.99)(
        toFloat64(greatest(0, dateDiff('millisecond', appended_at, processed_at))), recent.forwarded = 0) AS latency
FROM
(
    SELECT *, concat(kafka_topic_id, '/', toString(kafka_partition)) AS log
    FROM {database}.ledger_raw FINAL
    WHERE kafka_offset >= done.least OR kafka_topic_id NOT IN (SELECT arrayJoin(done.topics))
) AS recent
WHERE kafka_offset >= done.begin[log] AND (mapContains(done.begin, log) OR done.least = 0 OR NOT has(done.topics, toString(kafka_topic_id)))
GROUP BY minute, transport, tier
SETTINGS do_not_merge_across_partitions_select_final = 1;

-- What all users have seen, a row a user, for questions over many of them: user_coverage would read every impression.
-- A user is worked out again, whole, when something of his came, and when the catalogue changed an artwork he has seen.
CREATE TABLE IF NOT EXISTS {database}.users_raw
(
    user_id String CODEC(ZSTD(1)),
    pools Map(LowCardinality(String), UInt32) COMMENT 'of each pool: distinct artworks that are active and seen',
    impressions UInt64 COMMENT 'accepted' CODEC(ZSTD(1)),
    last_received_at DateTime64(3, 'UTC') COMMENT 'of his newest accepted impression' CODEC(ZSTD(1)),
    closest_ms Nullable(Int64) COMMENT 'least time between two accepted impressions of one artwork; NULL: none came back'
        CODEC(ZSTD(1)),
    doubled UInt64 COMMENT 'accepted impressions less than the dedupe window after another of the artwork: 0, or a defect'
        CODEC(ZSTD(1)),
    computed_at DateTime64(3, 'UTC') CODEC(ZSTD(1)),
    catalogue_topic_id LowCardinality(String) COMMENT 'of the catalogue that it was worked out with',
    catalogue_offset UInt64 COMMENT 'up to which that catalogue was known' CODEC(ZSTD(1)),
    kafka_topic_id LowCardinality(String),
    kafka_partition UInt16,
    kafka_offset UInt64 COMMENT 'the rollup holds the partition up to here' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(computed_at)
ORDER BY user_id
-- One user is a granule, and so is what is read of him.
SETTINGS index_granularity = 1024
COMMENT 'What each user has seen, as it was worked out; query coverage_latest instead';

CREATE OR REPLACE VIEW {database}.users_position AS
SELECT
    CAST(
        (
            CAST((groupArray(log), groupArray(upto)), 'Map(String, UInt64)'),
            if(
                count() < uniqExact(topic)
                    * (SELECT count() FROM (SELECT kafka_partition FROM {database}.impressions_raw GROUP BY kafka_partition)),
                0, min(upto)
            ),
            groupUniqArray(topic)
        ),
        'Tuple(begin Map(String, UInt64), least UInt64, topics Array(String))'
    ) AS position
FROM
(
    SELECT
        toString(kafka_topic_id) AS topic,
        concat(topic, '/', toString(kafka_partition)) AS log,
        max(kafka_offset) + 1 AS upto
    FROM {database}.users_raw
    GROUP BY topic, log
);

-- Histories are read in the order of the primary key, user by user, so that the first time takes time, not memory.
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.users_refresh
REFRESH EVERY 1 MINUTE APPEND TO {database}.users_raw
AS WITH
    (SELECT position FROM {database}.users_position) AS done,
    (
        SELECT CAST((groupArray(log), groupArray(upto)), 'Map(String, UInt64)')
        FROM
        (
            SELECT concat(kafka_topic_id, '/', toString(kafka_partition)) AS log, max(kafka_offset) + 1 AS upto
            FROM {database}.impressions_raw
            WHERE (kafka_offset >= done.least OR kafka_topic_id NOT IN (SELECT arrayJoin(done.topics)))
                AND (mapContains(done.begin, log) OR done.least = 0 OR NOT has(done.topics, toString(kafka_topic_id)))
            GROUP BY log
        )
    ) AS end,
    (SELECT argMax(kafka_topic_id, (appended_at, kafka_offset)) FROM {database}.artworks_raw) AS catalogue,
    (SELECT max(kafka_offset) FROM {database}.artworks_raw WHERE kafka_topic_id = catalogue) AS catalogue_end,
    (
        SELECT CAST((groupArray(kafka_partition), groupArray(upto)), 'Map(UInt16, UInt64)')
        FROM
        (
            SELECT kafka_partition, maxIf(catalogue_offset + 1, catalogue_topic_id = catalogue) AS upto
            FROM {database}.users_raw
            GROUP BY kafka_partition
        )
    ) AS known,
    changed AS
    (
        SELECT artwork_id, max(kafka_offset) AS changed_at
        FROM {database}.artworks_raw
        WHERE kafka_topic_id = catalogue AND kafka_offset >= arrayMin(mapValues(known))
        GROUP BY artwork_id
    ),
    touched AS
    (
        SELECT user_id
        FROM
        (
            SELECT user_id, kafka_offset, concat(kafka_topic_id, '/', toString(kafka_partition)) AS log
            FROM {database}.impressions_raw
            WHERE kafka_offset >= done.least OR kafka_topic_id NOT IN (SELECT arrayJoin(done.topics))
        )
        WHERE kafka_offset >= done.begin[log] AND kafka_offset < end[log]
        UNION ALL
        SELECT user_id
        FROM {database}.artwork_users_raw AS viewer
        INNER JOIN changed ON viewer.artwork_id = changed.artwork_id
        WHERE viewer.artwork_id IN (SELECT artwork_id FROM changed)
            AND mapContains(known, viewer.kafka_partition) AND changed.changed_at >= known[viewer.kafka_partition]
    )
SELECT
    history.user_id AS user_id,
    covered.pools AS pools,
    history.impressions AS impressions,
    history.last_received_at AS last_received_at,
    history.closest_ms AS closest_ms,
    history.doubled AS doubled,
    now64(3, 'UTC') AS computed_at,
    catalogue AS catalogue_topic_id,
    catalogue_end AS catalogue_offset,
    history.kafka_topic_id AS kafka_topic_id,
    history.kafka_partition AS kafka_partition,
    if(mapContains(end, history.log), end[history.log], done.begin[history.log]) - 1 AS kafka_offset
-- It meets the offsets, before the tables that are to hold all up to there.
FROM (SELECT length(done.begin) + length(end) + length(known) + catalogue_end AS met) AS marks
CROSS JOIN
(
    SELECT
        user_id,
        sum(times) AS impressions,
        max(newest) AS last_received_at,
        min(gap) AS closest_ms,
        sum(close) AS doubled,
        argMax(topic_id, newest) AS kafka_topic_id,
        any(partition) AS kafka_partition,
        concat(kafka_topic_id, '/', toString(kafka_partition)) AS log
    FROM
    (
        SELECT
            user_id,
            count() AS times,
            max(received_at) AS newest,
            argMax(kafka_topic_id, received_at) AS topic_id,
            any(kafka_partition) AS partition,
            arrayPopFront(arrayDifference(arraySort(groupArray(toUnixTimestamp64Milli(seen_at))))) AS gaps,
            if(empty(gaps), NULL, arrayMin(gaps)) AS gap,
            arrayCount(one -> one < {dedupe_window_ms}, gaps) AS close
        FROM {database}.impressions_raw FINAL
        WHERE user_id IN (SELECT user_id FROM touched)
        GROUP BY user_id, artwork_id
    )
    GROUP BY user_id
) AS history
LEFT JOIN
(
    SELECT user_id, CAST((groupArray(pool_id), groupArray(toUInt32(seen))), 'Map(LowCardinality(String), UInt32)') AS pools
    FROM {database}.user_coverage
    WHERE user_id IN (SELECT user_id FROM touched)
    GROUP BY user_id
) AS covered ON history.user_id = covered.user_id
SETTINGS
    do_not_merge_across_partitions_select_final = 1, optimize_aggregation_in_order = 1,
    max_insert_threads = 1, min_insert_block_size_rows = 100000000, min_insert_block_size_bytes = 4000000000;

CREATE OR REPLACE VIEW {database}.coverage_latest
(
    user_id String,
    pool_id LowCardinality(String),
    seen UInt64 COMMENT 'distinct artworks that the user has seen and that were active in the pool at computed_at',
    pool_size UInt64 COMMENT 'artworks that are active in the pool now',
    coverage Float64 COMMENT 'seen / pool_size; 0 when pool_size is 0',
    freshness Float64 COMMENT '1 - coverage',
    impressions UInt64 COMMENT 'accepted impressions of the user, of all pools',
    last_received_at DateTime64(3, 'UTC') COMMENT 'of the user''s newest accepted impression',
    computed_at DateTime64(3, 'UTC') COMMENT 'at most a minute or so after what it does not show'
)
AS SELECT
    user.user_id AS user_id,
    user.pool_id AS pool_id,
    toUInt64(user.seen) AS seen,
    pool.size AS pool_size,
    if(pool_size = 0, 0., least(1., user.seen / pool_size)) AS coverage,
    1 - coverage AS freshness,
    user.impressions AS impressions,
    user.last_received_at AS last_received_at,
    user.computed_at AS computed_at
FROM
(
    SELECT user_id, pool_id, seen, impressions, last_received_at, computed_at
    FROM {database}.users_raw FINAL
    ARRAY JOIN mapKeys(pools) AS pool_id, mapValues(pools) AS seen
) AS user
LEFT JOIN
(
    SELECT pool_id, countIf(NOT retired) AS size
    FROM {database}.artworks
    GROUP BY pool_id
) AS pool ON user.pool_id = pool.pool_id
SETTINGS do_not_merge_across_partitions_select_final = 1;
