-- How much of each pool each user has seen, computed when it is read: from what he has seen and the catalogue as it is
-- now, so that a changed catalogue changes it at once, for users who do nothing too.
--
-- Both sources may hold a row twice before a merge, so they are only aggregated as sets: bitmaps of ordinals, distinct
-- event_ids, a maximum. A condition on user_id reaches both of their primary keys.

CREATE OR REPLACE VIEW {database}.user_coverage
(
    user_id String,
    pool_id LowCardinality(String) COMMENT 'pool of the artwork''s latest catalogue record, whatever the impression said',
    seen UInt64 COMMENT 'distinct artworks that the user has seen and that are active in the pool now',
    pool_size UInt64 COMMENT 'artworks that are active in the pool now',
    coverage Float64 COMMENT 'seen / pool_size; 0 when pool_size is 0',
    freshness Float64 COMMENT '1 - coverage: the share of the pool that is new to the user',
    impressions_1h UInt64 COMMENT 'accepted impressions, repeats included, of the pool''s artworks with seen_at in the hour before the query: when the user looked, not when it arrived, so that a week offline that is delivered at once is no burst',
    updated_at DateTime64(3, 'UTC') COMMENT 'received_at of the newest fresh impression of an artwork of the pool'
)
AS SELECT
    looked.user_id AS user_id,
    artwork.pool_id AS pool_id,
    groupBitmapIf(artwork.ordinal, NOT artwork.retired AND looked.event_id = '') AS seen,
    max(artwork.active) AS pool_size,
    if(pool_size = 0, 0., seen / pool_size) AS coverage,
    1 - coverage AS freshness,
    uniqExactIf(looked.event_id, looked.event_id != '') AS impressions_1h,
    maxIf(looked.received_at, looked.event_id = '') AS updated_at
FROM
(
    SELECT user_id, artwork_id, received_at, '' AS event_id
    FROM {database}.user_artworks_raw
    UNION ALL
    SELECT user_id, artwork_id, received_at, event_id
    FROM {database}.impressions_raw
    WHERE seen_at > now64(3, 'UTC') - INTERVAL 1 HOUR AND seen_at <= now64(3, 'UTC')
) AS looked
INNER JOIN
(
    SELECT artwork_id, pool_id, ordinal, retired, countIf(NOT retired) OVER (PARTITION BY pool_id) AS active
    FROM {database}.artworks
) AS artwork ON looked.artwork_id = artwork.artwork_id
GROUP BY user_id, pool_id
-- No row from recent impressions alone: what a user has seen is what user_artworks_raw holds.
HAVING countIf(looked.event_id = '') > 0;
