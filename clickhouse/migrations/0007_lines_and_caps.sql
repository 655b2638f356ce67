-- A row of the ledger may stand for several lines, what producers report is capped where it is added up, and ids that
-- producers choose are plain strings.
--
-- `lines`: consecutive lines of a record that are rejected for the same reason may share a row, which then says how many
-- they are. Rows that were written before stand for one line each.
--
-- The cap: a line's telemetry is what its producer says, up to 2^53 - 1 of each, and 2,100 such lines wrap a UInt64. In
-- sums and rates a line therefore counts for at most 100,000 attempts, failures, queued flushes or dropped impressions.
-- Honest ones stay below it: a day of attempts, one a second, is 86,400, and the SDK's buffer holds 100,000
-- impressions. A failure is one of the attempts, so a line has at most as many. The ledger keeps what was said.
--
-- LowCardinality: 200,000 rows with as many surfaces take 1.4 times the time to insert and twice the disk that they take
-- as String. For the keys of `experiments` it makes no difference, so they stay. Columns are rewritten in the
-- background; until then parts are converted as they are read.

ALTER TABLE {database}.ledger_raw
    ADD COLUMN IF NOT EXISTS lines UInt32 DEFAULT 1 COMMENT 'lines, from `line` on, that the row stands for';
ALTER TABLE {database}.rejected_raw
    ADD COLUMN IF NOT EXISTS lines UInt32 DEFAULT 1 COMMENT 'lines, from `line` on, that the row stands for';

ALTER TABLE {database}.impressions_raw
    MODIFY COLUMN pool_id String COMMENT 'as the impression said; empty: it said none' CODEC(ZSTD(1))
    SETTINGS alter_sync = 0;
ALTER TABLE {database}.impressions_raw MODIFY COLUMN surface String CODEC(ZSTD(1)) SETTINGS alter_sync = 0;

CREATE OR REPLACE VIEW {database}.impressions AS
SELECT
    event_id, user_id, artwork_id, pool_id, impression_id, flush_id, session_id, seen_at, received_at, fresh, dwell_ms,
    visible, position, surface, transport, reason, tier, experiments, source_topic_id, source_partition, source_offset,
    line, idx
FROM {database}.impressions_raw FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1;

CREATE OR REPLACE VIEW {database}.ledger AS
SELECT
    source_topic_id, source_partition, source_offset, line, flush_id, user_id, received, accepted, fresh, duplicates,
    rejected, forwarded, transport, reason, tier, experiments, attempts, failures, queued, dropped, bytes, sent_at,
    appended_at, processed_at, lines
FROM {database}.ledger_raw FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1;

CREATE OR REPLACE VIEW {database}.rejected AS
SELECT
    reason, detail, user_id, payload, source_topic_id, source_partition, source_offset, line, idx, rejected_at, lines
FROM {database}.rejected_raw FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1;

-- As in 0005, with lines and caps. A row of several lines is one observation of latency: they are decided together.
ALTER TABLE {database}.ledger_minutes_refresh MODIFY QUERY
WITH
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
        sum(recent.lines) AS lines,
        sum(recent.received) AS received,
        sum(recent.accepted) AS accepted,
        sum(recent.fresh) AS fresh,
        sum(recent.duplicates) AS duplicates,
        sum(recent.rejected) AS rejected,
        sum(recent.forwarded) AS forwarded,
        sumIf(recent.lines, recent.received != recent.accepted + recent.duplicates + recent.rejected + recent.forwarded)
            AS unbalanced,
        sum(least(recent.attempts, 100000)) AS attempts,
        sum(least(recent.failures, recent.attempts, 100000)) AS failures,
        sum(least(recent.dropped, 100000)) AS dropped,
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

-- As in 0005. Minutes that were added up before there was a cap are capped by their lines when they are read.
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
    attempts UInt64 COMMENT 'as producers report; at most 100,000 a line, as are failures and dropped',
    failures UInt64 COMMENT 'at most as many as the attempts of the line',
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
    minute, transport, tier, lines, received, accepted, fresh, duplicates, rejected, forwarded, unbalanced,
    least(old.attempts, old.lines * 100000) AS attempts,
    least(old.failures, old.attempts, old.lines * 100000) AS failures,
    least(old.dropped, old.lines * 100000) AS dropped,
    bytes, latency
FROM {database}.ledger_minutes_raw AS old
WHERE kafka_offset < done.begin[concat(kafka_topic_id, '/', toString(kafka_partition))]
UNION ALL
SELECT
    toStartOfMinute(appended_at) AS minute,
    transport,
    tier,
    sum(recent.lines) AS lines,
    sum(recent.received) AS received,
    sum(recent.accepted) AS accepted,
    sum(recent.fresh) AS fresh,
    sum(recent.duplicates) AS duplicates,
    sum(recent.rejected) AS rejected,
    sum(recent.forwarded) AS forwarded,
    sumIf(recent.lines, recent.received != recent.accepted + recent.duplicates + recent.rejected + recent.forwarded)
        AS unbalanced,
    sum(least(recent.attempts, 100000)) AS attempts,
    sum(least(recent.failures, recent.attempts, 100000)) AS failures,
    sum(least(recent.dropped, 100000)) AS dropped,
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
