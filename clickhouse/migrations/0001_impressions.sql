-- Accepted impressions, and what each user has seen.
--
-- The sink writes a block of one Kafka partition first to user_artworks_raw and artwork_users_raw, which are sets (a row
-- written twice is the same element), then to impressions_raw, whose newest kafka_offset is the sink's position.
--
-- All tables of the sink
--   * are partitioned by kafka_partition: a block is then in one table partition, and its insert is atomic;
--   * have a sorting key made of the row's identity alone, which includes neither kafka_offset nor the time of the
--     insert: rows written again, by a sink that doesn't know it was replaced, collapse. A user, and so every identity,
--     always has the same Kafka partition, so that nothing needs to be merged across table partitions;
--   * remember the tokens of their last 1,000 blocks, so that an insert sent again after a lost answer is not written
--     again. A retry follows at once; 1,000 blocks of a partition are minutes.

CREATE DATABASE IF NOT EXISTS {database};

CREATE TABLE IF NOT EXISTS {database}.impressions_raw
(
    event_id String COMMENT 'identity: user, artwork and window, hashed; 32 hex digits' CODEC(ZSTD(1)),
    user_id String CODEC(ZSTD(1)),
    artwork_id String CODEC(ZSTD(1)),
    pool_id LowCardinality(String) COMMENT 'as the impression said; empty: it said none',
    impression_id String CODEC(ZSTD(1)),
    flush_id String CODEC(ZSTD(1)),
    session_id String COMMENT 'empty: the flush named none' CODEC(ZSTD(1)),
    seen_at DateTime64(3, 'UTC') COMMENT 'by the clock of the device' CODEC(Delta, ZSTD(1)),
    received_at DateTime64(3, 'UTC') COMMENT 'when the broker appended the record (A)' CODEC(Delta, ZSTD(1)),
    fresh Bool COMMENT 'the first accepted impression of the artwork by the user, in log order',
    dwell_ms Nullable(UInt64) CODEC(ZSTD(1)),
    visible Nullable(Float64) COMMENT 'share of the artwork that was on screen, 0 to 1' CODEC(ZSTD(1)),
    position Nullable(UInt64) CODEC(ZSTD(1)),
    surface LowCardinality(String),
    transport LowCardinality(String),
    reason LowCardinality(String) COMMENT 'why the flush was sent',
    tier LowCardinality(String),
    experiments Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    source_topic_id LowCardinality(String),
    source_partition UInt16,
    source_offset UInt64 CODEC(Delta, ZSTD(1)),
    line UInt32 CODEC(ZSTD(1)),
    idx UInt16 CODEC(ZSTD(1)),
    kafka_topic_id LowCardinality(String),
    kafka_partition UInt16,
    kafka_offset UInt64 CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY kafka_partition
-- A user's history is one range, in the order of the timeline.
ORDER BY (user_id, seen_at, event_id)
PRIMARY KEY (user_id, seen_at)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Accepted impressions as the sink wrote them; query impressions instead';

-- The covering order of "what has this user seen", and of "what has he not": fresh impressions only, so that a user and
-- artwork stand here once however often the artwork came back.
CREATE TABLE IF NOT EXISTS {database}.user_artworks_raw
(
    user_id String CODEC(ZSTD(1)),
    artwork_id String CODEC(ZSTD(1)),
    first_seen_at DateTime64(3, 'UTC') COMMENT 'seen_at of the fresh impression' CODEC(ZSTD(1)),
    received_at DateTime64(3, 'UTC') COMMENT 'received_at of the fresh impression' CODEC(ZSTD(1)),
    kafka_topic_id LowCardinality(String),
    kafka_partition UInt16,
    kafka_offset UInt64 CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY kafka_partition
ORDER BY (user_id, artwork_id)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'What each user has seen, as the sink wrote it; query user_artworks instead';

-- The same rows in the covering order of "who has seen this artwork".
CREATE TABLE IF NOT EXISTS {database}.artwork_users_raw
(
    artwork_id String CODEC(ZSTD(1)),
    user_id String CODEC(ZSTD(1)),
    first_seen_at DateTime64(3, 'UTC') COMMENT 'seen_at of the fresh impression' CODEC(ZSTD(1)),
    received_at DateTime64(3, 'UTC') COMMENT 'received_at of the fresh impression' CODEC(ZSTD(1)),
    kafka_topic_id LowCardinality(String),
    kafka_partition UInt16,
    kafka_offset UInt64 CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY kafka_partition
ORDER BY (artwork_id, user_id)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Who has seen each artwork, as the sink wrote it; query artwork_users instead';

-- The views are exact at the first read after an insert: FINAL collapses what no merge has collapsed yet. An identity is
-- in one table partition, so that each partition is collapsed by itself, in parallel.
CREATE OR REPLACE VIEW {database}.impressions AS
SELECT
    event_id, user_id, artwork_id, pool_id, impression_id, flush_id, session_id, seen_at, received_at, fresh, dwell_ms,
    visible, position, surface, transport, reason, tier, experiments, source_topic_id, source_partition, source_offset,
    line, idx
FROM {database}.impressions_raw FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1;

CREATE OR REPLACE VIEW {database}.user_artworks AS
SELECT user_id, artwork_id, first_seen_at, received_at
FROM {database}.user_artworks_raw FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1;

CREATE OR REPLACE VIEW {database}.artwork_users AS
SELECT artwork_id, user_id, first_seen_at, received_at
FROM {database}.artwork_users_raw FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1;
