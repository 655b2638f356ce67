-- What became of what was sent: how much was accepted, how much was a duplicate, how much was rejected and why?
--
-- Parameters: since and until (appended_at, by the broker's clock; until excluded), seconds: the length of a bucket.
-- One row for each bucket. `judged` leaves out what was forwarded to the right partition, where it is counted again.
-- `duplicate_rate` is the share of `judged` that was dropped as a duplicate: retries, double fires, second tabs.
-- `reasons` are the rejections by reason; their sum is `rejected`.
--
-- To run it (for Python and Grafana see docs/reference/queries.md):
-- curl 'http://127.0.0.1:8123/?user=reader&database=impressions&default_format=PrettyCompact&param_since=2024-11-24T00:00:00&param_until=2024-11-25T00:00:00&param_seconds=3600' --data-binary @clickhouse/queries/06_outcomes_over_time.sql
SELECT
    toStartOfInterval(at, toIntervalSecond({seconds:UInt32})) AS bucket,
    sum(row_received) - sum(row_forwarded) AS judged,
    sum(row_accepted) AS accepted,
    sum(row_duplicates) AS duplicates,
    sum(row_rejected) AS rejected,
    duplicates / nullIf(judged, 0) AS duplicate_rate,
    sumMap(row_reasons) AS reasons
FROM
(
    SELECT
        appended_at AS at, received AS row_received, forwarded AS row_forwarded, accepted AS row_accepted,
        duplicates AS row_duplicates, rejected AS row_rejected, CAST(map(), 'Map(String, UInt64)') AS row_reasons
    FROM ledger
    WHERE appended_at >= {since:DateTime64(3, 'UTC')} AND appended_at < {until:DateTime64(3, 'UTC')}
    UNION ALL
    SELECT appended_at, 0, 0, 0, 0, 0, map(toString(reason), toUInt64(lines))
    FROM rejected
    WHERE appended_at >= {since:DateTime64(3, 'UTC')} AND appended_at < {until:DateTime64(3, 'UTC')}
)
GROUP BY bucket
ORDER BY bucket
