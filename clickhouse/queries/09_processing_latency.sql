-- How long does a line wait until it is decided?
--
-- Parameters: since and until (appended_at, by the broker's clock; until excluded).
-- One row for each minute: lines, and over the ledger's rows the median, 95th and 99th percentile and maximum of processed_at - appended_at,
-- in ms. The two times are by the broker's and the worker's clock: a difference between the clocks shows here too. A
-- worker that catches up after a pause shows the pause here. To measure from the device to the broker, use sent_at, by
-- the device's clock.
--
-- To run it (for Python and Grafana see docs/reference/queries.md):
-- curl 'http://127.0.0.1:8123/?user=reader&database=impressions&default_format=PrettyCompact&param_since=2024-11-24T00:00:00&param_until=2024-11-25T00:00:00' --data-binary @clickhouse/queries/09_processing_latency.sql
SELECT
    toStartOfMinute(appended_at) AS minute,
    sum(ledger.lines) AS lines,
    quantileExact(0.5)(dateDiff('millisecond', appended_at, processed_at)) AS p50_ms,
    quantileExact(0.95)(dateDiff('millisecond', appended_at, processed_at)) AS p95_ms,
    quantileExact(0.99)(dateDiff('millisecond', appended_at, processed_at)) AS p99_ms,
    max(dateDiff('millisecond', appended_at, processed_at)) AS max_ms
FROM ledger
WHERE appended_at >= {since:DateTime64(3, 'UTC')} AND appended_at < {until:DateTime64(3, 'UTC')}
GROUP BY minute
ORDER BY minute
