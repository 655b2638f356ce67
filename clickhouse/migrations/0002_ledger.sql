-- What became of each line of the source, and the pieces that were rejected.

CREATE TABLE IF NOT EXISTS {database}.ledger_raw
(
    source_topic_id LowCardinality(String),
    source_partition UInt16,
    source_offset UInt64 CODEC(Delta, ZSTD(1)),
    line UInt32 CODEC(ZSTD(1)),
    flush_id String COMMENT 'empty: unknown, the line was rejected whole' CODEC(ZSTD(1)),
    user_id String COMMENT 'empty: unknown' CODEC(ZSTD(1)),
    received UInt32 COMMENT 'accepted + duplicates + rejected + forwarded' CODEC(ZSTD(1)),
    accepted UInt32 CODEC(ZSTD(1)),
    fresh UInt32 COMMENT 'of the accepted: those of an artwork the user had not seen' CODEC(ZSTD(1)),
    duplicates UInt32 CODEC(ZSTD(1)),
    rejected UInt32 CODEC(ZSTD(1)),
    forwarded UInt32 COMMENT 'sent on to the user''s partition, judged and counted again there' CODEC(ZSTD(1)),
    transport LowCardinality(String),
    reason LowCardinality(String) COMMENT 'why the flush was sent',
    tier LowCardinality(String),
    experiments Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    attempts UInt64 COMMENT 'the producer''s own telemetry, as are failures, queued and dropped' CODEC(ZSTD(1)),
    failures UInt64 CODEC(ZSTD(1)),
    queued UInt64 CODEC(ZSTD(1)),
    dropped UInt64 CODEC(ZSTD(1)),
    bytes UInt32 COMMENT 'length of the line' CODEC(ZSTD(1)),
    sent_at DateTime64(3, 'UTC') COMMENT 'by the clock of the device; 1970: unknown' CODEC(Delta, ZSTD(1)),
    appended_at DateTime64(3, 'UTC') COMMENT 'when the broker appended the record (A)' CODEC(Delta, ZSTD(1)),
    processed_at DateTime64(3, 'UTC') COMMENT 'when the worker decided, by its clock' CODEC(Delta, ZSTD(1)),
    kafka_topic_id LowCardinality(String),
    kafka_partition UInt16,
    kafka_offset UInt64 CODEC(Delta, ZSTD(1)),
    -- Offsets grow with time, so that a time range is a few runs of granules.
    INDEX appended_at appended_at TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree
PARTITION BY kafka_partition
ORDER BY (source_topic_id, source_partition, source_offset, line)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'The ledger as the sink wrote it; query ledger instead';

CREATE TABLE IF NOT EXISTS {database}.rejected_raw
(
    reason LowCardinality(String) COMMENT 'malformed, oversize, invalid, future or late',
    detail String CODEC(ZSTD(1)),
    user_id String COMMENT 'empty: unknown' CODEC(ZSTD(1)),
    payload String COMMENT 'the line, or the impression''s JSON, to the byte; need not be text' CODEC(ZSTD(3)),
    source_topic_id LowCardinality(String),
    source_partition UInt16,
    source_offset UInt64 CODEC(Delta, ZSTD(1)),
    line UInt32 CODEC(ZSTD(1)),
    idx Int32 COMMENT '-1: the whole line' CODEC(ZSTD(1)),
    rejected_at DateTime64(3, 'UTC') COMMENT 'when the broker appended the record (A)' CODEC(Delta, ZSTD(1)),
    kafka_topic_id LowCardinality(String),
    kafka_partition UInt16,
    kafka_offset UInt64 CODEC(Delta, ZSTD(1)),
    INDEX rejected_at rejected_at TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree
PARTITION BY kafka_partition
ORDER BY (source_topic_id, source_partition, source_offset, line, idx)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Rejected pieces as the sink wrote them; query rejected instead';

CREATE OR REPLACE VIEW {database}.ledger AS
SELECT
    source_topic_id, source_partition, source_offset, line, flush_id, user_id, received, accepted, fresh, duplicates,
    rejected, forwarded, transport, reason, tier, experiments, attempts, failures, queued, dropped, bytes, sent_at,
    appended_at, processed_at
FROM {database}.ledger_raw FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1;

CREATE OR REPLACE VIEW {database}.rejected AS
SELECT
    reason, detail, user_id, payload, source_topic_id, source_partition, source_offset, line, idx, rejected_at
FROM {database}.rejected_raw FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1;
