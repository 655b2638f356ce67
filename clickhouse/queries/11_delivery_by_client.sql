-- Which browsers and SDKs, version by version, get their flushes through, and which fail, repeat or lose?
--
-- Parameters: since and until (appended_at, by the broker's clock; until excluded); rows, how many clients at most.
-- One row for each client as producers gave it (empty: they gave none), those with most flushes first: `failure_rate` is
-- the share of attempts that failed, `duplicate_rate` the share of impressions that arrived again and were dropped (0 to
-- 1), `all_dropped` the impressions that producers gave up on. Lines that were rejected whole have no client and are left
-- out, as are forwarded lines. A line counts for at most 100,000 of each: producers may say anything. By family, and for
-- longer times, kpi_clients is faster.
--
-- To run it (for Python and Grafana see docs/reference/queries.md):
-- curl 'http://127.0.0.1:8123/?user=reader&database=impressions&default_format=PrettyCompact&param_since=2024-11-24T00:00:00&param_until=2024-11-25T00:00:00&param_rows=20' --data-binary @clickhouse/queries/11_delivery_by_client.sql
SELECT
    client,
    sum(lines) AS flushes,
    sum(ledger.received) AS impressions,
    sum(ledger.rejected) AS all_rejected,
    sum(ledger.duplicates) / nullIf(impressions, 0) AS duplicate_rate,
    sum(least(attempts, 100000)) AS all_attempts,
    sum(least(failures, attempts, 100000)) AS all_failures,
    all_failures / nullIf(all_attempts, 0) AS failure_rate,
    sum(least(dropped, 100000)) AS all_dropped
FROM ledger
WHERE appended_at >= {since:DateTime64(3, 'UTC')} AND appended_at < {until:DateTime64(3, 'UTC')}
    AND transport != '' AND forwarded = 0
GROUP BY client
ORDER BY flushes DESC, client
LIMIT {rows:UInt32}
