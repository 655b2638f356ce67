-- What did this user look at, in order?
--
-- Parameters: user_id; before: only what was seen before that time (to page, give the last row's seen_at); rows.
-- One row an accepted impression, newest first. `fresh` is false where the artwork had been shown to the user before.
-- `since_last` is the pause since the user's previous impression, in seconds; NULL at the end of the page.
-- Reads one range of the primary key, whatever the size of the table.
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
