-- What did this user look at, in order?
--
-- Parameters: user_id; before: only impressions seen before that time (to page, pass the last row's seen_at); rows.
-- One row for each accepted impression, newest first. `fresh` is false if the user had been shown the artwork before.
-- `since_last` is the time since the user's previous impression, in seconds; NULL at the end of the page.
-- Reads one range of the primary key, however large the table is.
--
-- To run it (for Python and Grafana see docs/reference/queries.md):
-- curl 'http://127.0.0.1:8123/?user=reader&database=impressions&default_format=PrettyCompact&param_user_id=u42&param_before=2100-01-01T00:00:00&param_rows=20' --data-binary @clickhouse/queries/01_user_timeline.sql
SELECT
    seen_at,
    artwork_id,
    pool_id,
    surface,
    position,
    dwell_ms,
    fresh,
    transport,
    dateDiff('millisecond', leadInFrame(toNullable(seen_at)) OVER timeline, seen_at) / 1000 AS since_last
FROM
(
    SELECT * FROM impressions
    WHERE user_id = {user_id:String} AND seen_at < {before:DateTime64(3, 'UTC')}
    ORDER BY seen_at DESC, event_id
    LIMIT {rows:UInt32}
)
WINDOW timeline AS (ORDER BY seen_at DESC, event_id ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)
ORDER BY seen_at DESC, event_id
