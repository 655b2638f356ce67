-- For analysts: one name for the append time in every view, and views of users, cohorts and days of artworks.
--
-- A (when the broker appended the record) is received_at, appended_at, rejected_at or updated_at, depending on the topic
-- that a view is made from. Each view now also knows it as appended_at. The new name is an ALIAS, so `SELECT *` gives
-- what it gave before, and gives no moment twice.
--
-- Comments end in the unit of a number and in whose clock a time is by: 0009_comments.sql says which there are.

CREATE OR REPLACE VIEW {database}.impressions
(
    event_id String COMMENT 'identity of the accepted impression: user, artwork and window, hashed; 32 hex digits',
    user_id String COMMENT 'the user',
    artwork_id String COMMENT 'the artwork',
    pool_id String COMMENT 'the pool that the impression named; empty: none. An artwork''s pool is that of artworks',
    impression_id String COMMENT 'as the producer gave it',
    flush_id String COMMENT 'the flush that it came in, as the producer named it',
    session_id String COMMENT 'as the producer gave it; empty: none',
    seen_at DateTime64(3, 'UTC') COMMENT 'when the user saw the artwork [clock: device]',
    received_at DateTime64(3, 'UTC') COMMENT 'the same moment as appended_at [clock: broker]',
    fresh Bool COMMENT 'whether it is the user''s first accepted impression of the artwork, in log order',
    dwell_ms Nullable(UInt64) COMMENT 'how long the artwork was on screen; NULL: not given [ms, clock: device]',
    visible Nullable(Float64) COMMENT 'how much of the artwork was on screen; NULL: not given [share, 0 to 1]',
    position Nullable(UInt64)
        COMMENT 'place of the artwork in what was shown, as the producer counts; NULL: not given [index]',
    surface String COMMENT 'part of the app that showed it; empty: not given',
    transport LowCardinality(String) COMMENT 'how the flush was sent: fetch, beacon, keepalive, sync, sdk or replay',
    reason LowCardinality(String) COMMENT 'why the flush was sent: timer, size, hidden, pagehide or manual',
    tier LowCardinality(String) COMMENT 'of the user: free or pro',
    experiments Map(LowCardinality(String), String) COMMENT 'variant by experiment, as the producer gave them',
    source_topic_id LowCardinality(String) COMMENT 'id of the log (topic) that the line is in',
    source_partition UInt16 COMMENT 'Kafka partition that the line is in [index]',
    source_offset UInt64 COMMENT 'offset of the record that holds the line [index]',
    line UInt32 COMMENT 'number of the line in the record, from 0 [index]',
    idx UInt16 COMMENT 'number of the impression in its line, from 0 [index]',
    appended_at DateTime64(3, 'UTC') ALIAS received_at COMMENT 'when the broker appended the record (A) [clock: broker]'
)
AS SELECT
    event_id, user_id, artwork_id, pool_id, impression_id, flush_id, session_id, seen_at, received_at, fresh, dwell_ms,
    visible, position, surface, transport, reason, tier, experiments, source_topic_id, source_partition, source_offset,
    line, idx
FROM {database}.impressions_raw FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1
COMMENT 'Accepted impressions, a row each';

CREATE OR REPLACE VIEW {database}.user_artworks
(
    user_id String COMMENT 'the user',
    artwork_id String COMMENT 'the artwork',
    first_seen_at DateTime64(3, 'UTC')
        COMMENT 'seen_at of the fresh impression: when the user first saw the artwork [clock: device]',
    received_at DateTime64(3, 'UTC') COMMENT 'the same moment as appended_at [clock: broker]',
    appended_at DateTime64(3, 'UTC') ALIAS received_at
        COMMENT 'when the broker appended the fresh impression (A) [clock: broker]'
)
AS SELECT user_id, artwork_id, first_seen_at, received_at
FROM {database}.user_artworks_raw FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1
COMMENT 'What each user has seen: a row for a user and artwork, in the order of users';

CREATE OR REPLACE VIEW {database}.artwork_users
(
    artwork_id String COMMENT 'the artwork',
    user_id String COMMENT 'the user',
    first_seen_at DateTime64(3, 'UTC')
        COMMENT 'seen_at of the fresh impression: when the user first saw the artwork [clock: device]',
    received_at DateTime64(3, 'UTC') COMMENT 'the same moment as appended_at [clock: broker]',
    appended_at DateTime64(3, 'UTC') ALIAS received_at
        COMMENT 'when the broker appended the fresh impression (A) [clock: broker]'
)
AS SELECT artwork_id, user_id, first_seen_at, received_at
FROM {database}.artwork_users_raw FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1
COMMENT 'Who has seen each artwork: the rows of user_artworks in the order of artworks';

CREATE OR REPLACE VIEW {database}.rejected
(
    reason LowCardinality(String) COMMENT 'malformed, oversize, invalid, future or late',
    detail String COMMENT 'what exactly is wrong, in words',
    user_id String COMMENT 'the user; empty: unknown',
    payload String COMMENT 'the line, the lines, or the impression''s JSON, to the byte; need not be text',
    source_topic_id LowCardinality(String) COMMENT 'id of the log (topic) that the line is in',
    source_partition UInt16 COMMENT 'Kafka partition that the line is in [index]',
    source_offset UInt64 COMMENT 'offset of the record that holds the line [index]',
    line UInt32 COMMENT 'number of the line in the record, from 0 [index]',
    idx Int32 COMMENT 'number of the impression in its line, from 0; -1: the whole line [index]',
    rejected_at DateTime64(3, 'UTC') COMMENT 'the same moment as appended_at [clock: broker]',
    lines UInt32 COMMENT 'lines, from `line` on, that the row stands for: nearly always 1 [lines]',
    appended_at DateTime64(3, 'UTC') ALIAS rejected_at COMMENT 'when the broker appended the record (A) [clock: broker]'
)
AS SELECT
    reason, detail, user_id, payload, source_topic_id, source_partition, source_offset, line, idx, rejected_at, lines
FROM {database}.rejected_raw FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1
COMMENT 'What was refused, with its bytes: a row for a line or impression, or for several lines rejected alike';

-- As in 0003.
CREATE OR REPLACE VIEW {database}.artworks
(
    artwork_id String COMMENT 'the artwork',
    pool_id LowCardinality(String) COMMENT 'the artwork''s pool, by its latest record',
    ordinal UInt32 COMMENT 'the artwork''s number, its own for ever [index]',
    created_at DateTime64(3, 'UTC')
        COMMENT 'when the artwork was made, as the catalogue says; 1970: unknown [clock: author]',
    retired Bool COMMENT 'whether it is shown no more: its latest record says so, or is a tombstone',
    dna Array(Float64) COMMENT 'feature vector, as the catalogue gives it',
    updated_at DateTime64(3, 'UTC') COMMENT 'the same moment as appended_at [clock: broker]',
    appended_at DateTime64(3, 'UTC') ALIAS updated_at
        COMMENT 'when the broker appended the artwork''s latest catalogue record [clock: broker]'
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
GROUP BY artwork_id
COMMENT 'The catalogue: a row for an artwork, by its latest record';

-- As in 0005.
CREATE OR REPLACE VIEW {database}.coverage_latest
(
    user_id String COMMENT 'the user',
    pool_id LowCardinality(String) COMMENT 'pool of the artworks'' latest catalogue records',
    seen UInt64 COMMENT 'distinct artworks that the user has seen and that were active at computed_at [artworks]',
    pool_size UInt64 COMMENT 'artworks that are active in the pool now [artworks]',
    coverage Float64 COMMENT 'seen / pool_size; 0 when pool_size is 0 [share, 0 to 1]',
    freshness Float64 COMMENT '1 - coverage: how much of the pool is new to the user [share, 0 to 1]',
    impressions UInt64 COMMENT 'accepted impressions of the user, of all pools [impressions]',
    last_received_at DateTime64(3, 'UTC') COMMENT 'the same moment as last_appended_at [clock: broker]',
    computed_at DateTime64(3, 'UTC')
        COMMENT 'when it was worked out: impressions that came later are not in it yet [clock: ClickHouse]',
    last_appended_at DateTime64(3, 'UTC') ALIAS last_received_at
        COMMENT 'appended_at of the user''s newest accepted impression, of any pool [clock: broker]'
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
SETTINGS do_not_merge_across_partitions_select_final = 1
COMMENT 'How much of each pool each user has seen, as of a minute or so ago: a row for a user and pool';

-- The three views below count accepted impressions, each once, and go by seen_at: when the user looked, not when it
-- arrived. So what a device delivers late still changes a day or a week that is over.

-- A user and artwork have exactly one fresh impression, so that counting the fresh ones counts artworks. A condition on
-- user_id reaches the primary key.
CREATE OR REPLACE VIEW {database}.users
(
    user_id String COMMENT 'the user',
    first_seen_at DateTime64(3, 'UTC') COMMENT 'earliest seen_at [clock: device]',
    last_seen_at DateTime64(3, 'UTC') COMMENT 'latest seen_at [clock: device]',
    first_appended_at DateTime64(3, 'UTC') COMMENT 'earliest appended_at [clock: broker]',
    last_appended_at DateTime64(3, 'UTC') COMMENT 'latest appended_at [clock: broker]',
    days UInt64 COMMENT 'UTC days with an impression, by seen_at [days, clock: device]',
    impressions UInt64 COMMENT 'accepted impressions: fresh + repeats [impressions]',
    fresh UInt64 COMMENT 'of the impressions: those of an artwork new to the user, so distinct artworks [impressions]',
    repeats UInt64 COMMENT 'of the impressions: those of an artwork that the user had seen [impressions]',
    pools_seen UInt64 COMMENT 'pools of which the user has seen something [pools]',
    top_pool LowCardinality(String)
        COMMENT 'pool with most of the impressions, the first by name of several; empty: no artwork is catalogued',
    top_pool_seen UInt64 COMMENT 'distinct artworks that the user has seen and that are active in top_pool [artworks]',
    top_pool_size UInt64 COMMENT 'artworks that are active in top_pool now [artworks]',
    top_pool_coverage Float64 COMMENT 'coverage of top_pool: top_pool_seen / top_pool_size, 0 when it is empty [share, 0 to 1]'
)
AS SELECT
    user_id,
    min(of_pool.first_seen_at) AS first_seen_at,
    max(of_pool.last_seen_at) AS last_seen_at,
    min(of_pool.first_appended_at) AS first_appended_at,
    max(of_pool.last_appended_at) AS last_appended_at,
    uniqExactMerge(of_pool.days) AS days,
    sum(of_pool.impressions) AS impressions,
    sum(of_pool.fresh) AS fresh,
    impressions - fresh AS repeats,
    countIf(pool_id != '') AS pools_seen,
    argMinIf((pool_id, seen, pool_size), (-toInt64(of_pool.impressions), pool_id), pool_id != '') AS top,
    top.1 AS top_pool,
    top.2 AS top_pool_seen,
    top.3 AS top_pool_size,
    if(top_pool_size = 0, 0., top_pool_seen / top_pool_size) AS top_pool_coverage
FROM
(
    SELECT
        looked.user_id AS user_id,
        -- Empty where no artwork is catalogued.
        artwork.pool_id AS pool_id,
        min(looked.seen_at) AS first_seen_at,
        max(looked.seen_at) AS last_seen_at,
        min(looked.received_at) AS first_appended_at,
        max(looked.received_at) AS last_appended_at,
        uniqExactState(toDate(looked.seen_at)) AS days,
        count() AS impressions,
        countIf(looked.fresh) AS fresh,
        countIf(looked.fresh AND NOT artwork.retired) AS seen,
        max(artwork.active) AS pool_size
    FROM
    (
        SELECT user_id, artwork_id, seen_at, received_at, fresh
        FROM {database}.impressions_raw FINAL
    ) AS looked
    LEFT JOIN
    (
        SELECT artwork_id, pool_id, retired, countIf(NOT retired) OVER (PARTITION BY pool_id) AS active
        FROM {database}.artworks
    ) AS artwork ON looked.artwork_id = artwork.artwork_id
    GROUP BY user_id, pool_id
) AS of_pool
GROUP BY user_id
SETTINGS do_not_merge_across_partitions_select_final = 1
COMMENT 'Users, exact now: a row for a user with an accepted impression';

-- Weeks are sets, in which a row that is there twice counts once.
CREATE OR REPLACE VIEW {database}.cohorts
(
    cohort Date COMMENT 'the users'' first week by seen_at: its Monday, UTC [clock: device]',
    weeks_later UInt64 COMMENT 'weeks after cohort: 0 is the first week itself; up to the current week [weeks]',
    users UInt64 COMMENT 'users of the cohort [users]',
    active UInt64 COMMENT 'of the users: those with an accepted impression in that week, by seen_at [users, clock: device]',
    retention Float64 COMMENT 'active / users [share, 0 to 1]',
    complete Bool COMMENT 'whether that week is over, UTC [clock: ClickHouse]'
)
AS SELECT
    cohort,
    weeks_later,
    users,
    active_by_week[weeks_later] AS active,
    active / users AS retention,
    weeks_later < until_now AS complete
FROM
(
    SELECT
        cohort,
        count() AS users,
        sumMap(of_user.later, arrayMap(week -> toUInt64(1), of_user.later)) AS found,
        CAST(found, 'Map(UInt64, UInt64)') AS active_by_week,
        toUInt64(greatest(0, intDiv(toMonday(now('UTC')) - cohort, 7))) AS until_now
    FROM
    (
        SELECT
            groupUniqArray(toMonday(seen_at)) AS weeks,
            arrayMin(weeks) AS cohort,
            arrayMap(week -> toUInt64(intDiv(week - cohort, 7)), weeks) AS later
        FROM {database}.impressions_raw
        GROUP BY user_id
    ) AS of_user
    GROUP BY cohort
) AS of_cohort
-- A clock that is minutes ahead may be in the next week already.
ARRAY JOIN range(greatest(until_now, arrayMax(mapKeys(active_by_week))) + 1) AS weeks_later
COMMENT 'Retention: a row for a cohort (the users of one first week) and each of its weeks until now';

CREATE OR REPLACE VIEW {database}.daily_artworks
(
    day Date COMMENT 'UTC day of seen_at [clock: device]',
    artwork_id String COMMENT 'the artwork',
    pool_id LowCardinality(String) COMMENT 'the artwork''s pool, by its latest catalogue record; empty: uncatalogued',
    impressions UInt64 COMMENT 'accepted impressions: fresh + repeats [impressions]',
    viewers UInt64 COMMENT 'distinct users; of several days they may be the same: don''t add them up [users]',
    fresh UInt64 COMMENT 'of the impressions: those of users who had not seen the artwork [impressions]',
    repeats UInt64 COMMENT 'of the impressions: those of users who had seen it, on the same day or before [impressions]',
    mean_dwell_ms Nullable(Float64) COMMENT 'of those with a dwell time; NULL: none has one [ms, clock: device]'
)
AS SELECT
    of_day.day AS day,
    of_day.artwork_id AS artwork_id,
    artwork.pool_id AS pool_id,
    of_day.impressions AS impressions,
    of_day.viewers AS viewers,
    of_day.fresh AS fresh,
    of_day.impressions - of_day.fresh AS repeats,
    of_day.mean_dwell_ms AS mean_dwell_ms
FROM
(
    SELECT
        toDate(seen_at) AS day,
        artwork_id,
        count() AS impressions,
        uniqExact(user_id) AS viewers,
        countIf(looked.fresh) AS fresh,
        avg(dwell_ms) AS mean_dwell_ms
    FROM {database}.impressions_raw AS looked FINAL
    GROUP BY day, artwork_id
) AS of_day
LEFT JOIN
(
    SELECT artwork_id, pool_id
    FROM {database}.artworks
) AS artwork ON of_day.artwork_id = artwork.artwork_id
SETTINGS do_not_merge_across_partitions_select_final = 1
COMMENT 'Artworks by day: a row for a UTC day and an artwork that someone saw';
