-- How much of each pool have its users seen?
--
-- No parameters. One row for each pool. Half of its users don't exceed the coverage `p50`, nine tenths don't exceed
-- `p90`; the last three columns are the shares of its users with a coverage of at least 50, 85 and 95 percent.
-- The targets: freshness above 0.9 for active users, and less than 0.01 of users at 95 percent.
--
-- To run it (for Python and Grafana see docs/reference/queries.md):
-- curl 'http://127.0.0.1:8123/?user=reader&database=impressions&default_format=PrettyCompact' --data-binary @clickhouse/queries/04_coverage_distribution.sql
SELECT
    pool_id,
    any(pool_size) AS artworks,
    count() AS users,
    avg(freshness) AS mean_freshness,
    quantileExact(0.5)(coverage) AS p50,
    quantileExact(0.9)(coverage) AS p90,
    countIf(coverage >= 0.5) / users AS half_seen,
    countIf(coverage >= 0.85) / users AS at_85,
    countIf(coverage >= 0.95) / users AS exhausted
FROM user_coverage
GROUP BY pool_id
ORDER BY exhausted DESC, pool_id
