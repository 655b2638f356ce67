-- Who has seen this artwork, and when first?
--
-- Parameters: artwork_id.
-- One row for each user, the most recent viewer first. Repeats are not counted: see 07_broken_promises.
-- Reads one range of artwork_users, which holds the same rows as user_artworks in the order that this query needs.
SELECT user_id, first_seen_at
FROM artwork_users
WHERE artwork_id = {artwork_id:String}
ORDER BY first_seen_at DESC, user_id
