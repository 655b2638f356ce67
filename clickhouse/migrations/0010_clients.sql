-- Who sends: a flush's optional `client` (contract §3), in the ledger as it was given, by family in what is added up.
--
-- A client is any id that a producer chooses, so it is a plain string (as in 0007), and a group by it may have as many
-- rows as there are producers. What is added up has its family instead: what stands before the first hyphen, if it is a
-- known one. client_families is the only list of them; a later migration that replaces it adds to it. What was added up
-- until then stays `other`, as the ledger itself still has what was given.
--
-- Rows of workers before this release have no client, and those that were added up before have no family: both empty.

ALTER TABLE {database}.ledger_raw
    ADD COLUMN IF NOT EXISTS client String DEFAULT ''
        COMMENT 'browser or SDK with its version, as the producer says; empty: not given, or a line rejected whole' CODEC(ZSTD(1));
ALTER TABLE {database}.ledger_minutes_raw
    ADD COLUMN IF NOT EXISTS client_family LowCardinality(String)
        COMMENT 'of the client: one of client_families, or other; empty: not given, or a line rejected whole' AFTER tier;

CREATE OR REPLACE VIEW {database}.client_families
(
    family String COMMENT 'what stands before the first hyphen of a client',
    kind String COMMENT 'browser; app (of a device); sdk (a server''s library); or tool'
)
AS SELECT row.1 AS family, row.2 AS kind
FROM
(
    SELECT arrayJoin([
        ('chrome', 'browser'), ('chromium', 'browser'), ('edge', 'browser'), ('firefox', 'browser'),
        ('opera', 'browser'), ('safari', 'browser'), ('samsung', 'browser'), ('webkit', 'browser'),
        ('webview', 'browser'), ('android', 'app'), ('ios', 'app'), ('dotnet', 'sdk'), ('go', 'sdk'), ('java', 'sdk'),
        ('node', 'sdk'), ('php', 'sdk'), ('python', 'sdk'), ('ruby', 'sdk'), ('rust', 'sdk'), ('curl', 'tool')
    ]) AS row
)
COMMENT 'The families of clients that are counted by name; any other counts as other. A row each';

CREATE OR REPLACE VIEW {database}.ledger
(
    source_topic_id LowCardinality(String) COMMENT 'id of the log (topic) that the line is in',
    source_partition UInt16 COMMENT 'Kafka partition that the line is in [index]',
    source_offset UInt64 COMMENT 'offset of the record that holds the line [index]',
    line UInt32 COMMENT 'number of the line in the record, from 0 [index]',
    flush_id String COMMENT 'the flush, as the producer named it; empty: unknown, the line was rejected whole',
    user_id String COMMENT 'the user; empty: unknown',
    received UInt32
        COMMENT 'accepted + duplicates + rejected + forwarded; a line rejected whole counts as one [impressions]',
    accepted UInt32 COMMENT 'impressions that count, in the views of impressions too [impressions]',
    fresh UInt32 COMMENT 'of the accepted: of an artwork that the user had not seen [impressions]',
    duplicates UInt32
        COMMENT 'dropped: less than the window from an accepted one of the same user and artwork [impressions]',
    rejected UInt32 COMMENT 'refused with a reason; each is in rejected [impressions]',
    forwarded UInt32 COMMENT 'sent on to the user''s partition, where they are received and judged again [impressions]',
    transport LowCardinality(String)
        COMMENT 'how the flush was sent: fetch, beacon, keepalive, sync, sdk or replay; empty: the line was rejected whole',
    reason LowCardinality(String)
        COMMENT 'why the flush was sent: timer, size, hidden, pagehide or manual; empty: the line was rejected whole',
    tier LowCardinality(String) COMMENT 'of the user: free or pro; empty: the line was rejected whole',
    experiments Map(LowCardinality(String), String) COMMENT 'variant by experiment, as the producer gave them',
    client String
        COMMENT 'browser or SDK with its version, as the producer says; empty: not given, or a line rejected whole',
    attempts UInt64 COMMENT 'attempts to deliver the flush, by the producer''s own telemetry [attempts]',
    failures UInt64 COMMENT 'of the attempts: that failed, by its telemetry [attempts]',
    queued UInt64 COMMENT 'flushes that waited behind it, by its telemetry [flushes]',
    dropped UInt64 COMMENT 'impressions that the producer gave up on, by its telemetry [impressions]',
    bytes UInt32 COMMENT 'length of the line, or of the row''s lines with the line feeds between them [bytes]',
    sent_at DateTime64(3, 'UTC') COMMENT 'when the producer sent the flush; 1970: unknown [clock: device]',
    appended_at DateTime64(3, 'UTC') COMMENT 'when the broker appended the record (A) [clock: broker]',
    processed_at DateTime64(3, 'UTC') COMMENT 'when the worker decided the line [clock: worker]',
    lines UInt32 COMMENT 'lines, from `line` on, that the row stands for: nearly always 1 [lines]'
)
AS SELECT
    source_topic_id, source_partition, source_offset, line, flush_id, user_id, received, accepted, fresh, duplicates,
    rejected, forwarded, transport, reason, tier, experiments, client, attempts, failures, queued, dropped, bytes,
    sent_at, appended_at, processed_at, lines
FROM {database}.ledger_raw FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1
COMMENT 'What became of each line: a row for a line of a source record, or for several rejected alike';

-- As in 0007, by family of the client too.
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
        family AS client_family,
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
        SELECT
            *,
            concat(kafka_topic_id, '/', toString(kafka_partition)) AS log,
            substringIndex(client, '-', 1) AS said,
            if(client = '' OR said IN (SELECT family FROM {database}.client_families), said, 'other') AS family
        FROM {database}.ledger_raw FINAL
        WHERE kafka_offset >= done.least OR kafka_topic_id NOT IN (SELECT arrayJoin(done.topics))
    ) AS recent
    WHERE kafka_offset >= done.begin[log] AND (mapContains(done.begin, log) OR done.least = 0 OR NOT has(done.topics, toString(kafka_topic_id)))
    GROUP BY minute, transport, tier, client_family, kafka_topic_id, kafka_partition
)
SETTINGS
    do_not_merge_across_partitions_select_final = 1,
    -- An increment is one block, and so one part.
    max_insert_threads = 1, min_insert_block_size_rows = 100000000, min_insert_block_size_bytes = 4000000000;

-- Another list of columns has lost its comments.
ALTER TABLE {database}.ledger_minutes_refresh
    COMMENT COLUMN minute 'of appended_at [clock: broker]',
    COMMENT COLUMN transport
        'how the flush was sent: fetch, beacon, keepalive, sync, sdk or replay; empty: the line was rejected whole',
    COMMENT COLUMN tier 'of the user: free or pro; empty: the line was rejected whole',
    COMMENT COLUMN client_family
        'of the client: one of client_families, or other; empty: not given, or a line rejected whole',
    COMMENT COLUMN lines 'lines decided [lines]',
    COMMENT COLUMN received 'impressions received, forwarded ones included [impressions]',
    COMMENT COLUMN accepted 'impressions accepted [impressions]',
    COMMENT COLUMN fresh 'of the accepted: of an artwork that the user had not seen [impressions]',
    COMMENT COLUMN duplicates 'impressions dropped as duplicates [impressions]',
    COMMENT COLUMN rejected 'impressions rejected; a line rejected whole counts as one [impressions]',
    COMMENT COLUMN forwarded
        'impressions sent on to the user''s partition, where they are received again [impressions]',
    COMMENT COLUMN unbalanced 'lines whose received is not the sum of their outcomes: 0, or a defect [lines]',
    COMMENT COLUMN attempts 'attempts to deliver, as producers report; at most 100,000 a line [attempts]',
    COMMENT COLUMN failures 'of the attempts: that failed; at most as many as the attempts of the line [attempts]',
    COMMENT COLUMN dropped
        'impressions that producers gave up on, as they report; at most 100,000 a line [impressions]',
    COMMENT COLUMN bytes 'length of the lines [bytes]',
    COMMENT COLUMN latency
        'from append to decision, within 1 %: quantilesDDMerge(0.01, 0.5, 0.95, 0.99) [ms, clock: broker to worker]',
    COMMENT COLUMN kafka_topic_id 'id of the log that was added up',
    COMMENT COLUMN kafka_partition 'Kafka partition that was added up [index]',
    COMMENT COLUMN kafka_offset 'offset up to which the rollup holds the partition [index]',
    MODIFY COMMENT 'Adds to ledger_minutes_raw, once a minute, what came since; query ledger_minutes instead';

-- As in 0007, by family of the client too.
CREATE OR REPLACE VIEW {database}.ledger_minutes
(
    minute DateTime('UTC') COMMENT 'of appended_at; a minute may have several rows: sum them [clock: broker]',
    transport LowCardinality(String)
        COMMENT 'how the flush was sent: fetch, beacon, keepalive, sync, sdk or replay; empty: the line was rejected whole',
    tier LowCardinality(String) COMMENT 'of the user: free or pro; empty: the line was rejected whole',
    client_family LowCardinality(String)
        COMMENT 'of the client: one of client_families, or other; empty: not given, or a line rejected whole',
    lines UInt64 COMMENT 'lines decided [lines]',
    received UInt64 COMMENT 'impressions received, forwarded ones included [impressions]',
    accepted UInt64 COMMENT 'impressions accepted [impressions]',
    fresh UInt64 COMMENT 'of the accepted: of an artwork that the user had not seen [impressions]',
    duplicates UInt64 COMMENT 'impressions dropped as duplicates [impressions]',
    rejected UInt64 COMMENT 'impressions rejected; a line rejected whole counts as one [impressions]',
    forwarded UInt64
        COMMENT 'impressions sent on to the user''s partition, where they are received again [impressions]',
    unbalanced UInt64 COMMENT 'lines whose received is not the sum of their outcomes: 0, or a defect [lines]',
    attempts UInt64 COMMENT 'attempts to deliver, as producers report; at most 100,000 a line [attempts]',
    failures UInt64 COMMENT 'of the attempts: that failed; at most as many as the attempts of the line [attempts]',
    dropped UInt64
        COMMENT 'impressions that producers gave up on, as they report; at most 100,000 a line [impressions]',
    bytes UInt64 COMMENT 'length of the lines [bytes]',
    latency AggregateFunction(quantilesDD(0.01, 0.5, 0.95, 0.99), Float64)
        COMMENT 'from append to decision, within 1 %: quantilesDDMerge(0.01, 0.5, 0.95, 0.99) [ms, clock: broker to worker]'
)
AS WITH
    (SELECT position FROM {database}.ledger_minutes_position) AS done
-- No row: it meets the offsets, before either table. All increments below them, and all lines behind, are then there.
SELECT
    toDateTime(0, 'UTC') AS minute, '' AS transport, '' AS tier, '' AS client_family, done.least AS lines, 0 AS received,
    0 AS accepted, 0 AS fresh, 0 AS duplicates, 0 AS rejected, 0 AS forwarded, 0 AS unbalanced, 0 AS attempts,
    0 AS failures, 0 AS dropped, 0 AS bytes,
    arrayReduce('quantilesDDState(0.01, 0.5, 0.95, 0.99)', CAST([], 'Array(Float64)')) AS latency
WHERE 0
UNION ALL
SELECT
    minute, transport, tier, client_family, lines, received, accepted, fresh, duplicates, rejected, forwarded,
    unbalanced,
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
    family AS client_family,
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
    SELECT
        *,
        concat(kafka_topic_id, '/', toString(kafka_partition)) AS log,
        substringIndex(client, '-', 1) AS said,
        if(client = '' OR said IN (SELECT family FROM {database}.client_families), said, 'other') AS family
    FROM {database}.ledger_raw FINAL
    WHERE kafka_offset >= done.least OR kafka_topic_id NOT IN (SELECT arrayJoin(done.topics))
) AS recent
WHERE kafka_offset >= done.begin[log] AND (mapContains(done.begin, log) OR done.least = 0 OR NOT has(done.topics, toString(kafka_topic_id)))
GROUP BY minute, transport, tier, client_family
SETTINGS do_not_merge_across_partitions_select_final = 1
COMMENT 'The ledger by minute, transport, tier and family of the client, exact up to now; may have several rows for a minute: sum them';

-- Delivery by client, bounded: a family is one of a list.
CREATE OR REPLACE VIEW {database}.kpi_clients
(
    hour DateTime('UTC') COMMENT 'of appended_at [clock: broker]',
    client_family LowCardinality(String)
        COMMENT 'of the client: one of client_families, or other; empty: not given, or a line rejected whole',
    transport LowCardinality(String)
        COMMENT 'how the flush was sent: fetch, beacon, keepalive, sync, sdk or replay; empty: the line was rejected whole',
    received UInt64 COMMENT 'impressions that were judged; forwarded ones count where they are judged [impressions]',
    accepted UInt64 COMMENT 'impressions that count [impressions]',
    fresh UInt64 COMMENT 'of the accepted: of an artwork that the user had not seen [impressions]',
    duplicates UInt64 COMMENT 'impressions dropped as duplicates [impressions]',
    rejected UInt64 COMMENT 'impressions rejected; a line rejected whole counts as one [impressions]',
    attempts UInt64 COMMENT 'attempts to deliver, as producers report; at most 100,000 a line [attempts]',
    failures UInt64 COMMENT 'of the attempts: that failed [attempts]',
    dropped UInt64 COMMENT 'impressions that producers gave up on, as they report [impressions]',
    duplicate_rate Nullable(Float64)
        COMMENT 'duplicates / received: what reached the stream twice and was dropped; NULL: nothing received [share, 0 to 1]',
    batch_success Nullable(Float64) COMMENT '1 - failures / attempts; NULL: no attempts reported [share, 0 to 1]',
    hit_rate Nullable(Float64)
        COMMENT 'fresh / accepted: shown to a user for the first time; NULL: nothing accepted [share, 0 to 1]'
)
AS SELECT
    toStartOfHour(minute) AS hour,
    client_family,
    transport,
    sum(minutes.received) - sum(minutes.forwarded) AS received,
    sum(minutes.accepted) AS accepted,
    sum(minutes.fresh) AS fresh,
    sum(minutes.duplicates) AS duplicates,
    sum(minutes.rejected) AS rejected,
    sum(minutes.attempts) AS attempts,
    sum(minutes.failures) AS failures,
    sum(minutes.dropped) AS dropped,
    duplicates / nullIf(received, 0) AS duplicate_rate,
    1 - failures / nullIf(attempts, 0) AS batch_success,
    fresh / nullIf(accepted, 0) AS hit_rate
FROM {database}.ledger_minutes AS minutes
GROUP BY hour, client_family, transport
COMMENT 'Delivery by hour, family of the client and transport: outcomes, and the producers'' own telemetry';
