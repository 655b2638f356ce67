-- How well do flushes get through, by transport and tier?
--
-- Parameters: since and until (appended_at, by the broker's clock; until excluded).
-- One row for each transport and tier, from the producers' own telemetry: `failure_rate` is the share of attempts that
-- failed (0 to 1; the alert is at 0.05); `all_dropped` the impressions that producers gave up on, of which only this
-- number reaches us; `longest_queue` the longest queue that a producer reported. Lines that were rejected whole have no
-- transport and are left out, as are forwarded lines. A line counts for at most 100,000 of each: producers may say
-- anything.
--
-- To run it (for Python and Grafana see docs/reference/queries.md):
-- curl 'http://127.0.0.1:8123/?user=reader&database=impressions&default_format=PrettyCompact&param_since=2024-11-24T00:00:00&param_until=2024-11-25T00:00:00' --data-binary @clickhouse/queries/08_delivery_health.sql
SELECT
    transport,
    tier,
    sum(lines) AS flushes,
    sum(received) AS impressions,
    sum(least(attempts, 100000)) AS all_attempts,
    sum(least(failures, attempts, 100000)) AS all_failures,
    all_failures / nullIf(all_attempts, 0) AS failure_rate,
    max(least(queued, 100000)) AS longest_queue,
    sum(least(dropped, 100000)) AS all_dropped,
    round(avg(bytes)) AS mean_bytes
FROM ledger
WHERE appended_at >= {since:DateTime64(3, 'UTC')} AND appended_at < {until:DateTime64(3, 'UTC')}
    AND transport != '' AND forwarded = 0
GROUP BY transport, tier
ORDER BY transport, tier
