-- Who has seen this artwork, and when first?
--
-- Parameters: artwork_id.
-- One row for each user, the most recent viewer first. Repeats are not counted: see 07_broken_promises.
-- Reads one range of artwork_users, which holds the same rows as user_artworks in the order that this query needs.
--
-- To run it (for Python and Grafana see docs/reference/queries.md):
-- curl 'http://127.0.0.1:8123/?user=reader&database=impressions&default_format=PrettyCompact&param_artwork_id=a0042' --data-binary @clickhouse/queries/02_artwork_viewers.sql
SELECT user_id, first_seen_at
FROM artwork_users
WHERE artwork_id = {artwork_id:String}
ORDER BY first_seen_at DESC, user_id
