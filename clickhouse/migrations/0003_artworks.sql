-- The catalogue: every record of artworks.v1 that was not refused, and the latest of each artwork.

CREATE TABLE IF NOT EXISTS {database}.artworks_raw
(
    artwork_id String CODEC(ZSTD(1)),
    pool_id LowCardinality(String) COMMENT 'of a tombstone: the pool that the artwork was in',
    ordinal UInt32 COMMENT 'the artwork''s own for ever' CODEC(ZSTD(1)),
    created_at DateTime64(3, 'UTC') COMMENT '1970: unknown' CODEC(ZSTD(1)),
    retired Bool COMMENT 'as the record said; true for a tombstone',
    dna Array(Float64) COMMENT 'feature vector' CODEC(ZSTD(1)),
    tombstone Bool COMMENT 'a record without a value: it says neither created_at nor dna',
    appended_at DateTime64(3, 'UTC') COMMENT 'when the broker appended the record' CODEC(Delta, ZSTD(1)),
    kafka_topic_id LowCardinality(String),
    kafka_partition UInt16,
    kafka_offset UInt64 CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY kafka_partition
-- The one table whose rows are records of the log itself, so that their place in it is their identity.
ORDER BY (artwork_id, kafka_topic_id, kafka_offset)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Catalogue records as the sink wrote them; query artworks instead';

-- The catalogue is what one log says. When artworks.v1 was deleted and made again, that is the newest one, as it is for
-- the worker, who reads the topic as it is. Rows written twice are the same record, so that argMax needs no FINAL.
CREATE OR REPLACE VIEW {database}.artworks
(
    artwork_id String,
    pool_id LowCardinality(String) COMMENT 'of the latest record',
    ordinal UInt32 COMMENT 'the artwork''s own for ever',
    created_at DateTime64(3, 'UTC') COMMENT '1970: unknown',
    retired Bool COMMENT 'no longer shown: said so by its latest record, or that was a tombstone',
    dna Array(Float64) COMMENT 'feature vector',
    updated_at DateTime64(3, 'UTC') COMMENT 'when the broker appended the latest record'
)
AS SELECT
    artwork_id,
    argMax(record.pool_id, record.kafka_offset) AS pool_id,
    argMax(record.ordinal, record.kafka_offset) AS ordinal,
    argMaxIf(record.created_at, record.kafka_offset, NOT record.tombstone) AS created_at,
    argMax(record.retired, record.kafka_offset) AS retired,
    argMaxIf(record.dna, record.kafka_offset, NOT record.tombstone) AS dna,
    argMax(record.appended_at, record.kafka_offset) AS updated_at
FROM {database}.artworks_raw AS record
WHERE record.kafka_topic_id = (
    SELECT argMax(kafka_topic_id, (appended_at, kafka_offset)) FROM {database}.artworks_raw
)
GROUP BY artwork_id;
