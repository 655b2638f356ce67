-- Where was an artwork shown again to a user who had seen it?
--
-- Parameters: since and until (seen_at, by the device's clock; until excluded), rows.
-- One row for each user and artwork, the worst first. `repeats` counts accepted impressions that are not fresh: the app
-- promised that there would be none. Duplicates of one showing are not counted: the worker drops them within the dedupe
-- window. A short `soonest_seconds` suggests a client that shows a cached page, a long one a selection that forgets.
--
-- To run it (for Python and Grafana see docs/reference/queries.md):
-- curl 'http://127.0.0.1:8123/?user=reader&database=impressions&default_format=PrettyCompact&param_since=2024-11-24T00:00:00&param_until=2024-11-25T00:00:00&param_rows=20' --data-binary @clickhouse/queries/07_broken_promises.sql
SELECT
    again.user_id AS user_id,
    again.artwork_id AS artwork_id,
    again.repeats AS repeats,
    again.surfaces AS surfaces,
    dateDiff('second', seen.first_seen_at, again.earliest) AS soonest_seconds
FROM
(
    SELECT user_id, artwork_id, count() AS repeats, min(seen_at) AS earliest, groupUniqArray(surface) AS surfaces
    FROM impressions
    WHERE NOT fresh AND seen_at >= {since:DateTime64(3, 'UTC')} AND seen_at < {until:DateTime64(3, 'UTC')}
    GROUP BY user_id, artwork_id
) AS again
INNER JOIN user_artworks AS seen ON seen.user_id = again.user_id AND seen.artwork_id = again.artwork_id
ORDER BY repeats DESC, user_id, artwork_id
LIMIT {rows:UInt32}
