-- The freshness query: which artworks of this pool has this user not seen?
--
-- Parameters: user_id, pool_id, rows.
-- One row for each artwork that is now active in the pool and new to the user, newest first: what may be shown next.
-- No row means that the pool is exhausted for this user. Reads one range of user_artworks, and the catalogue.
--
-- To run it (for Python and Grafana see docs/reference/queries.md):
-- curl 'http://127.0.0.1:8123/?user=reader&database=impressions&default_format=PrettyCompact&param_user_id=u42&param_pool_id=main&param_rows=20' --data-binary @clickhouse/queries/03_unseen_artworks.sql
SELECT artwork_id, ordinal, created_at
FROM artworks
WHERE pool_id = {pool_id:String}
    AND NOT retired
    AND artwork_id NOT IN (SELECT artwork_id FROM user_artworks WHERE user_id = {user_id:String})
ORDER BY created_at DESC, ordinal DESC
LIMIT {rows:UInt32}
