-- Which users will run out of new artworks of this pool, and when?
--
-- Parameters: pool_id; coverage: the lowest coverage to include (new artworks are ordered at 0.85); rows.
-- One row for each user, most urgent first. `unseen` is what they have not seen yet. `hours_left` assumes that they go
-- on as in the last hour and see only new artworks; NULL if they have seen nothing of the pool for an hour.
--
-- To run it (for Python and Grafana see docs/reference/queries.md):
-- curl 'http://127.0.0.1:8123/?user=reader&database=impressions&default_format=PrettyCompact&param_pool_id=main&param_coverage=0.85&param_rows=20' --data-binary @clickhouse/queries/05_near_exhaustion.sql
SELECT
    user_id,
    coverage,
    pool_size - seen AS unseen,
    impressions_1h,
    unseen / nullIf(impressions_1h, 0) AS hours_left
FROM user_coverage
WHERE pool_id = {pool_id:String} AND coverage >= {coverage:Float64}
ORDER BY hours_left ASC NULLS LAST, unseen, user_id
LIMIT {rows:UInt32}
