-- Which users will run out of new artworks of this pool, and when?
--
-- Parameters: pool_id; coverage: from which coverage on (0.85 is where new artworks are ordered); rows.
-- One row a user, most urgent first. `unseen` is what is left for him. `hours_left` assumes that he goes on as in the
-- last hour and sees only new artworks; NULL where he has looked at nothing of the pool for an hour.
SELECT
    user_id,
    coverage,
    pool_size - seen AS unseen,
    impressions_1h,
    unseen / nullIf(impressions_1h, 0) AS hours_left
FROM user_coverage
WHERE pool_id = {pool_id:String} AND coverage >= {coverage:Float64}
ORDER BY hours_left ASC NULLS LAST, unseen, user_id
LIMIT {rows:UInt32}
