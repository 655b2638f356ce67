-- Is anything unaccounted for? This query must return no rows.
--
-- Parameters: since and until (appended_at, by the broker's clock; until excluded). Set until some seconds back: the
-- sink writes the tables one after the other, so the newest records may be in only some of them.
-- One row for each source line whose ledger doesn't add up (received = accepted + duplicates + rejected + forwarded),
-- that has no ledger row, or whose numbers of rows in impressions and rejected differ from its ledger row.
--
-- To run it (for Python and Grafana see docs/reference/queries.md):
-- curl 'http://127.0.0.1:8123/?user=reader&database=impressions&default_format=PrettyCompact&param_since=2024-11-24T00:00:00&param_until=2024-11-25T00:00:00' --data-binary @clickhouse/queries/10_ledger_balance.sql
SELECT
    source_topic_id,
    source_partition,
    source_offset,
    line,
    sum(of_ledger) AS ledger_rows,
    sum(row_received) AS received,
    sum(row_accepted) AS accepted,
    sum(row_fresh) AS fresh,
    sum(row_duplicates) AS duplicates,
    sum(row_rejected) AS rejected,
    sum(row_forwarded) AS forwarded,
    sum(of_impressions) AS impressions_found,
    sum(of_fresh) AS fresh_found,
    sum(of_rejected) AS rejected_found
FROM
(
    SELECT
        source_topic_id, source_partition, source_offset, line, 1 AS of_ledger, received AS row_received,
        accepted AS row_accepted, fresh AS row_fresh, duplicates AS row_duplicates, rejected AS row_rejected,
        forwarded AS row_forwarded, 0 AS of_impressions, 0 AS of_fresh, 0 AS of_rejected
    FROM ledger
    WHERE appended_at >= {since:DateTime64(3, 'UTC')} AND appended_at < {until:DateTime64(3, 'UTC')}
    UNION ALL
    SELECT source_topic_id, source_partition, source_offset, line, 0, 0, 0, 0, 0, 0, 0, 1, toUInt8(impressions.fresh), 0
    FROM impressions
    WHERE appended_at >= {since:DateTime64(3, 'UTC')} AND appended_at < {until:DateTime64(3, 'UTC')}
    UNION ALL
    SELECT source_topic_id, source_partition, source_offset, line, 0, 0, 0, 0, 0, 0, 0, 0, 0, lines
    FROM rejected
    WHERE appended_at >= {since:DateTime64(3, 'UTC')} AND appended_at < {until:DateTime64(3, 'UTC')}
)
GROUP BY source_topic_id, source_partition, source_offset, line
HAVING ledger_rows != 1
    OR received != accepted + duplicates + rejected + forwarded
    OR (accepted, fresh, rejected) != (impressions_found, fresh_found, rejected_found)
ORDER BY source_topic_id, source_partition, source_offset, line
