-- The KPIs, each by its definition; docs/kpis.md says the same in words, with targets and what each leaves out.

CREATE TABLE IF NOT EXISTS {database}.prices_raw
(
    item LowCardinality(String),
    usd Float64 COMMENT 'price of a unit',
    unit LowCardinality(String),
    valid_from Date COMMENT 'until the next row of the item',
    note String,
    set_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(set_at)
ORDER BY (item, valid_from)
SETTINGS non_replicated_deduplication_window = 100
COMMENT 'What things cost: insert a row with a new valid_from to change a price; query prices instead';

-- A start that everyone should replace by his own. Inserted once: the token is remembered, and the same row collapses.
INSERT INTO {database}.prices_raw (item, usd, unit, valid_from, note, set_at)
SETTINGS insert_deduplication_token = '0006_kpis', async_insert = 0
VALUES
    ('platform', 850, 'month', '1970-01-01', 'brokers, workers, sink, database and what else runs, 10,000 users at once', '1970-01-01 00:00:00'),
    ('artwork', 0.002, 'artwork', '1970-01-01', 'credits that making an artwork takes', '1970-01-01 00:00:00');

CREATE OR REPLACE VIEW {database}.prices AS
SELECT item, usd, unit, valid_from, note
FROM {database}.prices_raw FINAL;

-- Where a rate has no events it is NULL: neither good nor bad.
CREATE OR REPLACE VIEW {database}.kpi_delivery
(
    hour DateTime('UTC') COMMENT 'of appended_at',
    transport LowCardinality(String),
    tier LowCardinality(String),
    received UInt64 COMMENT 'impressions; those sent on to their partition are counted there',
    accepted UInt64,
    fresh UInt64,
    duplicates UInt64,
    rejected UInt64,
    attempts UInt64 COMMENT 'to deliver, by the producers'' telemetry',
    failures UInt64 COMMENT 'of the attempts',
    dropped UInt64 COMMENT 'impressions that producers gave up on, by their telemetry',
    duplicate_rate Nullable(Float64) COMMENT 'duplicates / received: what reached the stream twice',
    batch_success Nullable(Float64) COMMENT '1 - failures / attempts',
    hit_rate Nullable(Float64) COMMENT 'fresh / accepted: shown to a user for the first time'
)
AS SELECT
    toStartOfHour(minute) AS hour,
    transport,
    tier,
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
GROUP BY hour, transport, tier;

CREATE OR REPLACE VIEW {database}.kpi_latency
(
    hour DateTime('UTC') COMMENT 'of appended_at',
    lines UInt64,
    p50_ms Float64 COMMENT 'from the broker''s append to the decision, within 1 %',
    p95_ms Float64,
    p99_ms Float64
)
AS SELECT
    toStartOfHour(minute) AS hour,
    sum(minutes.lines) AS lines,
    quantilesDDMerge(0.01, 0.5, 0.95, 0.99)(minutes.latency) AS percentiles,
    percentiles[1] AS p50_ms,
    percentiles[2] AS p95_ms,
    percentiles[3] AS p99_ms
FROM {database}.ledger_minutes AS minutes
GROUP BY hour;

CREATE OR REPLACE VIEW {database}.kpi_freshness
(
    pool_id LowCardinality(String),
    pool_size UInt64 COMMENT 'active artworks now',
    users UInt64 COMMENT 'who have seen something of the pool',
    active_users UInt64 COMMENT 'those with an accepted impression, of any pool, in the last 24 hours',
    freshness_mean Nullable(Float64) COMMENT 'of active users: the share of the pool that is new to them',
    share_below_50 Nullable(Float64) COMMENT 'of active users: share whose freshness is below 0.5',
    share_above_90 Nullable(Float64) COMMENT 'of active users: share whose freshness is above 0.9',
    users_above_85 UInt64 COMMENT 'of all users: coverage at least 0.85, where new artworks are ordered',
    users_above_95 UInt64 COMMENT 'of all users: coverage at least 0.95, exhausted',
    exhausted_share Nullable(Float64) COMMENT 'users_above_95 / users'
)
AS SELECT
    pool_id,
    max(latest.pool_size) AS pool_size,
    count() AS users,
    countIf(active) AS active_users,
    sumIf(latest.freshness, active) / nullIf(active_users, 0) AS freshness_mean,
    countIf(active AND latest.freshness < 0.5) / nullIf(active_users, 0) AS share_below_50,
    countIf(active AND latest.freshness > 0.9) / nullIf(active_users, 0) AS share_above_90,
    countIf(latest.coverage >= 0.85) AS users_above_85,
    countIf(latest.coverage >= 0.95) AS users_above_95,
    users_above_95 / nullIf(users, 0) AS exhausted_share
FROM
(
    SELECT pool_id, pool_size, coverage, freshness, last_received_at > now64(3, 'UTC') - INTERVAL 1 DAY AS active
    FROM {database}.coverage_latest
) AS latest
GROUP BY pool_id;

-- What readers see twice. The worker drops duplicates, so that anything but 0 is a defect.
CREATE OR REPLACE VIEW {database}.kpi_duplicates_seen
(
    users UInt64,
    impressions UInt64,
    duplicates UInt64 COMMENT 'accepted impressions less than the dedupe window after another of their user and artwork',
    duplicate_rate Nullable(Float64) COMMENT 'duplicates / impressions'
)
AS SELECT
    countIf(user.doubled > 0) AS users,
    sum(user.impressions) AS impressions,
    sum(user.doubled) AS duplicates,
    duplicates / nullIf(impressions, 0) AS duplicate_rate
FROM {database}.users_raw AS user FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1;

CREATE OR REPLACE VIEW {database}.kpi_cost
(
    day Date COMMENT 'of appended_at',
    impressions UInt64 COMMENT 'accepted',
    artworks UInt64 COMMENT 'made on the day, by created_at',
    platform_usd Float64 COMMENT 'the month''s price by the days of the month; of today the part that is over',
    artworks_usd Float64,
    usd_per_impression Nullable(Float64) COMMENT 'platform and artworks / impressions'
)
AS SELECT
    day,
    sum(counted.impressions) AS impressions,
    sum(counted.artworks) AS artworks,
    any(platform.usd) / toDayOfMonth(toLastDayOfMonth(day))
        * if(day = toDate(now('UTC')), (toUnixTimestamp(now('UTC')) - toUnixTimestamp(toDateTime(day, 'UTC'))) / 86400, 1) AS platform_usd,
    any(artwork.usd) * artworks AS artworks_usd,
    (platform_usd + artworks_usd) / nullIf(impressions, 0) AS usd_per_impression
FROM
(
    SELECT toDate(minute) AS day, 'platform' AS item, 'artwork' AS made, sum(accepted) AS impressions, 0 AS artworks
    FROM {database}.ledger_minutes
    GROUP BY day
    UNION ALL
    SELECT toDate(created_at) AS day, 'platform' AS item, 'artwork' AS made, 0 AS impressions, count() AS artworks
    FROM {database}.artworks
    WHERE created_at > 0
    GROUP BY day
) AS counted
ASOF LEFT JOIN {database}.prices AS platform ON counted.item = platform.item AND counted.day >= platform.valid_from
ASOF LEFT JOIN {database}.prices AS artwork ON counted.made = artwork.item AND counted.day >= artwork.valid_from
GROUP BY day;

-- All of them at once, of the last 24 hours, beside their targets.
CREATE OR REPLACE VIEW {database}.kpis
(
    kpi LowCardinality(String),
    value Nullable(Float64) COMMENT 'NULL: nothing to count',
    target Float64,
    met Nullable(Bool),
    unit LowCardinality(String),
    definition String
)
AS SELECT
    fact.1 AS kpi,
    fact.2 AS value,
    fact.3 AS target,
    multiIf(fact.4 = '<', value < target, fact.4 = '>', value > target, value = target) AS met,
    fact.5 AS unit,
    fact.6 AS definition
FROM
(
    SELECT arrayJoin([
        ('duplicate rate', doubled.duplicate_rate, 0., '=', 'share', 'accepted impressions less than the window after another of their user and artwork, of all that readers see'),
        ('lines out of balance', toNullable(toFloat64(delivery.unbalanced)), 0., '=', 'lines', 'received is not accepted + duplicates + rejected + forwarded'),
        ('batch success', delivery.batch_success, 1., '=', 'share', '1 - failed attempts of all attempts to deliver, by the producers\' telemetry'),
        ('P95 latency', delivery.p95_ms, 100., '<', 'ms', 'from the broker\'s append to the decision'),
        ('freshness', freshness.mean, 0.9, '>', 'share', 'mean share of the pool that is new to a user who was active in the last 24 hours'),
        ('pool exhaustion', freshness.exhausted, 0.01, '<', 'share', 'users and pools at 95 % coverage, of all'),
        ('freshness hit rate', delivery.hit_rate, 1., '=', 'share', 'fresh of accepted: the promise never to repeat'),
        ('cost per impression', cost.usd_per_impression, 0.001, '<', 'USD', 'platform and artworks of today by the price table, of accepted impressions')
    ]) AS fact
    FROM
    (
        SELECT
            sum(fresh) / nullIf(sum(accepted), 0) AS hit_rate,
            1 - sum(failures) / nullIf(sum(attempts), 0) AS batch_success,
            if(sum(lines) = 0, NULL, quantilesDDMerge(0.01, 0.5, 0.95, 0.99)(latency)[2]) AS p95_ms,
            sum(unbalanced) AS unbalanced
        FROM {database}.ledger_minutes
        WHERE minute > now('UTC') - INTERVAL 1 DAY
    ) AS delivery
    CROSS JOIN
    (
        SELECT
            sum(freshness_mean * active_users) / nullIf(sum(active_users), 0) AS mean,
            sum(users_above_95) / nullIf(sum(users), 0) AS exhausted
        FROM {database}.kpi_freshness
    ) AS freshness
    CROSS JOIN {database}.kpi_duplicates_seen AS doubled
    CROSS JOIN
    (
        SELECT sum(platform_usd + artworks_usd) / nullIf(sum(impressions), 0) AS usd_per_impression
        FROM {database}.kpi_cost
        WHERE day = toDate(now('UTC'))
    ) AS cost
);
