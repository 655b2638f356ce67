-- What each table, view and column means, for whoever reads `DESCRIBE`, a tool's tooltip, or docs/reference/schema.md,
-- which is made from these comments.
--
-- A comment may end in brackets: the unit of a number, and whose clock a time is by.
--   [ms]  [share, 0 to 1]  [index]: a number that names a place and is not an amount
--   [clock: device]  the user's device       [clock: broker]  Kafka's broker       [clock: worker]  the worker
--   [clock: ClickHouse]  this server         [clock: author]  whoever wrote the catalogue
-- All times are UTC. A, the append time, is one moment: views call it appended_at, whatever a table calls it.
--
-- Only comments change; no data is rewritten. A later migration that replaces a view has to bring its comments along.

-- Base tables: rows as the sink wrote them.

ALTER TABLE {database}.impressions_raw
    COMMENT COLUMN event_id 'identity of the accepted impression: user, artwork and window, hashed; 32 hex digits',
    COMMENT COLUMN user_id 'the user',
    COMMENT COLUMN artwork_id 'the artwork',
    COMMENT COLUMN pool_id 'the pool that the impression named; empty: none. An artwork''s pool is that of artworks',
    COMMENT COLUMN impression_id 'as the producer gave it',
    COMMENT COLUMN flush_id 'the flush that it came in, as the producer named it',
    COMMENT COLUMN session_id 'as the producer gave it; empty: none',
    COMMENT COLUMN seen_at 'when the user saw the artwork [clock: device]',
    COMMENT COLUMN received_at
        'when the broker appended the record (A); views call it appended_at too [clock: broker]',
    COMMENT COLUMN fresh 'whether it is the user''s first accepted impression of the artwork, in log order',
    COMMENT COLUMN dwell_ms 'how long the artwork was on screen; NULL: not given [ms, clock: device]',
    COMMENT COLUMN visible 'how much of the artwork was on screen; NULL: not given [share, 0 to 1]',
    COMMENT COLUMN position 'place of the artwork in what was shown, as the producer counts; NULL: not given [index]',
    COMMENT COLUMN surface 'part of the app that showed it; empty: not given',
    COMMENT COLUMN transport 'how the flush was sent: fetch, beacon, keepalive, sync, sdk or replay',
    COMMENT COLUMN reason 'why the flush was sent: timer, size, hidden, pagehide or manual',
    COMMENT COLUMN tier 'of the user: free or pro',
    COMMENT COLUMN experiments 'variant by experiment, as the producer gave them',
    COMMENT COLUMN source_topic_id 'id of the log (topic) that the line is in',
    COMMENT COLUMN source_partition 'Kafka partition that the line is in [index]',
    COMMENT COLUMN source_offset 'offset of the record that holds the line [index]',
    COMMENT COLUMN line 'number of the line in the record, from 0 [index]',
    COMMENT COLUMN idx 'number of the impression in its line, from 0 [index]',
    COMMENT COLUMN kafka_topic_id 'id of the topic from which the sink read the row',
    COMMENT COLUMN kafka_partition 'Kafka partition from which the sink read the row [index]',
    COMMENT COLUMN kafka_offset 'offset from which the sink read the row [index]';

ALTER TABLE {database}.user_artworks_raw
    COMMENT COLUMN user_id 'the user',
    COMMENT COLUMN artwork_id 'the artwork',
    COMMENT COLUMN first_seen_at
        'seen_at of the fresh impression: when the user first saw the artwork [clock: device]',
    COMMENT COLUMN received_at
        'when the broker appended the fresh impression (A); views call it appended_at too [clock: broker]',
    COMMENT COLUMN kafka_topic_id 'id of the topic from which the sink read the row',
    COMMENT COLUMN kafka_partition 'Kafka partition from which the sink read the row [index]',
    COMMENT COLUMN kafka_offset 'offset from which the sink read the row [index]';

ALTER TABLE {database}.artwork_users_raw
    COMMENT COLUMN artwork_id 'the artwork',
    COMMENT COLUMN user_id 'the user',
    COMMENT COLUMN first_seen_at
        'seen_at of the fresh impression: when the user first saw the artwork [clock: device]',
    COMMENT COLUMN received_at
        'when the broker appended the fresh impression (A); views call it appended_at too [clock: broker]',
    COMMENT COLUMN kafka_topic_id 'id of the topic from which the sink read the row',
    COMMENT COLUMN kafka_partition 'Kafka partition from which the sink read the row [index]',
    COMMENT COLUMN kafka_offset 'offset from which the sink read the row [index]';

ALTER TABLE {database}.ledger_raw
    COMMENT COLUMN source_topic_id 'id of the log (topic) that the line is in',
    COMMENT COLUMN source_partition 'Kafka partition that the line is in [index]',
    COMMENT COLUMN source_offset 'offset of the record that holds the line [index]',
    COMMENT COLUMN line 'number of the line in the record, from 0 [index]',
    COMMENT COLUMN flush_id 'the flush, as the producer named it; empty: unknown, the line was rejected whole',
    COMMENT COLUMN user_id 'the user; empty: unknown',
    COMMENT COLUMN received
        'accepted + duplicates + rejected + forwarded; a line rejected whole counts as one [impressions]',
    COMMENT COLUMN accepted 'impressions that count, in the views of impressions too [impressions]',
    COMMENT COLUMN fresh 'of the accepted: of an artwork that the user had not seen [impressions]',
    COMMENT COLUMN duplicates
        'dropped: less than the window from an accepted one of the same user and artwork [impressions]',
    COMMENT COLUMN rejected 'refused with a reason; each is in rejected [impressions]',
    COMMENT COLUMN forwarded
        'sent on to the user''s partition, where they are received and judged again [impressions]',
    COMMENT COLUMN transport
        'how the flush was sent: fetch, beacon, keepalive, sync, sdk or replay; empty: the line was rejected whole',
    COMMENT COLUMN reason
        'why the flush was sent: timer, size, hidden, pagehide or manual; empty: the line was rejected whole',
    COMMENT COLUMN tier 'of the user: free or pro; empty: the line was rejected whole',
    COMMENT COLUMN experiments 'variant by experiment, as the producer gave them',
    COMMENT COLUMN attempts 'attempts to deliver the flush, by the producer''s own telemetry [attempts]',
    COMMENT COLUMN failures 'of the attempts: that failed, by its telemetry [attempts]',
    COMMENT COLUMN queued 'flushes that waited behind it, by its telemetry [flushes]',
    COMMENT COLUMN dropped 'impressions that the producer gave up on, by its telemetry [impressions]',
    COMMENT COLUMN bytes 'length of the line, or of the row''s lines with the line feeds between them [bytes]',
    COMMENT COLUMN sent_at 'when the producer sent the flush; 1970: unknown [clock: device]',
    COMMENT COLUMN appended_at 'when the broker appended the record (A) [clock: broker]',
    COMMENT COLUMN processed_at 'when the worker decided the line [clock: worker]',
    COMMENT COLUMN lines 'lines, from `line` on, that the row stands for: nearly always 1 [lines]',
    COMMENT COLUMN kafka_topic_id 'id of the topic from which the sink read the row',
    COMMENT COLUMN kafka_partition 'Kafka partition from which the sink read the row [index]',
    COMMENT COLUMN kafka_offset 'offset from which the sink read the row [index]';

ALTER TABLE {database}.rejected_raw
    COMMENT COLUMN reason 'malformed, oversize, invalid, future or late',
    COMMENT COLUMN detail 'what exactly is wrong, in words',
    COMMENT COLUMN user_id 'the user; empty: unknown',
    COMMENT COLUMN payload 'the line, the lines, or the impression''s JSON, to the byte; need not be text',
    COMMENT COLUMN source_topic_id 'id of the log (topic) that the line is in',
    COMMENT COLUMN source_partition 'Kafka partition that the line is in [index]',
    COMMENT COLUMN source_offset 'offset of the record that holds the line [index]',
    COMMENT COLUMN line 'number of the line in the record, from 0 [index]',
    COMMENT COLUMN idx 'number of the impression in its line, from 0; -1: the whole line [index]',
    COMMENT COLUMN rejected_at
        'when the broker appended the record (A); views call it appended_at too [clock: broker]',
    COMMENT COLUMN lines 'lines, from `line` on, that the row stands for: nearly always 1 [lines]',
    COMMENT COLUMN kafka_topic_id 'id of the topic from which the sink read the row',
    COMMENT COLUMN kafka_partition 'Kafka partition from which the sink read the row [index]',
    COMMENT COLUMN kafka_offset 'offset from which the sink read the row [index]';

ALTER TABLE {database}.artworks_raw
    COMMENT COLUMN artwork_id 'the artwork',
    COMMENT COLUMN pool_id 'the pool that the record names; of a tombstone: the pool that the artwork was in',
    COMMENT COLUMN ordinal 'the artwork''s number, its own for ever [index]',
    COMMENT COLUMN created_at 'when the artwork was made, as the catalogue says; 1970: unknown [clock: author]',
    COMMENT COLUMN retired 'whether the record takes the artwork out of its pool; true for a tombstone',
    COMMENT COLUMN dna 'feature vector, as the catalogue gives it',
    COMMENT COLUMN tombstone 'whether the record has no value: it then says neither created_at nor dna',
    COMMENT COLUMN appended_at 'when the broker appended the catalogue record [clock: broker]',
    COMMENT COLUMN kafka_topic_id 'id of the topic from which the sink read the row',
    COMMENT COLUMN kafka_partition 'Kafka partition from which the sink read the row [index]',
    COMMENT COLUMN kafka_offset 'offset from which the sink read the row [index]';

-- Rollups and prices.

ALTER TABLE {database}.ledger_minutes_raw
    COMMENT COLUMN minute 'of appended_at [clock: broker]',
    COMMENT COLUMN transport
        'how the flush was sent: fetch, beacon, keepalive, sync, sdk or replay; empty: the line was rejected whole',
    COMMENT COLUMN tier 'of the user: free or pro; empty: the line was rejected whole',
    COMMENT COLUMN lines 'lines decided [lines]',
    COMMENT COLUMN received 'impressions received, forwarded ones included [impressions]',
    COMMENT COLUMN accepted 'impressions accepted [impressions]',
    COMMENT COLUMN fresh 'of the accepted: of an artwork that the user had not seen [impressions]',
    COMMENT COLUMN duplicates 'impressions dropped as duplicates [impressions]',
    COMMENT COLUMN rejected 'impressions rejected; a line rejected whole counts as one [impressions]',
    COMMENT COLUMN forwarded
        'impressions sent on to the user''s partition, where they are received again [impressions]',
    COMMENT COLUMN unbalanced 'lines whose received is not the sum of their outcomes: 0, or a defect [lines]',
    COMMENT COLUMN attempts 'attempts to deliver, as producers report; at most 100,000 a line [attempts]',
    COMMENT COLUMN failures 'of the attempts: that failed; at most as many as the attempts of the line [attempts]',
    COMMENT COLUMN dropped
        'impressions that producers gave up on, as they report; at most 100,000 a line [impressions]',
    COMMENT COLUMN bytes 'length of the lines [bytes]',
    COMMENT COLUMN latency
        'from append to decision, within 1 %: quantilesDDMerge(0.01, 0.5, 0.95, 0.99) [ms, clock: broker to worker]',
    COMMENT COLUMN kafka_topic_id 'id of the log that was added up',
    COMMENT COLUMN kafka_partition 'Kafka partition that was added up [index]',
    COMMENT COLUMN kafka_offset 'offset up to which the rollup holds the partition [index]';

ALTER TABLE {database}.users_raw
    COMMENT COLUMN user_id 'the user',
    COMMENT COLUMN pools
        'by pool: distinct artworks that the user has seen and that were active at computed_at [artworks]',
    COMMENT COLUMN impressions 'accepted impressions of the user [impressions]',
    COMMENT COLUMN last_received_at 'appended_at of the user''s newest accepted impression [clock: broker]',
    COMMENT COLUMN closest_ms
        'least time between two accepted impressions of one artwork; NULL: none came back [ms, clock: device]',
    COMMENT COLUMN doubled
        'accepted impressions less than the window after another of the artwork: 0, or a defect [impressions]',
    COMMENT COLUMN computed_at 'when the row was worked out [clock: ClickHouse]',
    COMMENT COLUMN catalogue_topic_id 'id of the catalogue''s log that it was worked out with',
    COMMENT COLUMN catalogue_offset 'offset up to which that catalogue was known [index]',
    COMMENT COLUMN kafka_topic_id 'id of the log of the user''s newest impression',
    COMMENT COLUMN kafka_partition 'the user''s Kafka partition [index]',
    COMMENT COLUMN kafka_offset 'offset up to which the rollup holds the partition [index]',
    MODIFY COMMENT 'What each user has seen, as it was worked out; query users or coverage_latest instead';

ALTER TABLE {database}.prices_raw
    COMMENT COLUMN item 'what has a price: platform or artwork',
    COMMENT COLUMN usd 'price of one unit [USD]',
    COMMENT COLUMN unit 'what the price is for: month or artwork',
    COMMENT COLUMN valid_from
        'first day of the price, compared with days of appended_at; it holds until the next [clock: broker]',
    COMMENT COLUMN note 'why, for people',
    COMMENT COLUMN set_at 'when the row was inserted; the latest of an item and day is right [clock: ClickHouse]';

-- Views.

ALTER TABLE {database}.ledger
    COMMENT COLUMN source_topic_id 'id of the log (topic) that the line is in',
    COMMENT COLUMN source_partition 'Kafka partition that the line is in [index]',
    COMMENT COLUMN source_offset 'offset of the record that holds the line [index]',
    COMMENT COLUMN line 'number of the line in the record, from 0 [index]',
    COMMENT COLUMN flush_id 'the flush, as the producer named it; empty: unknown, the line was rejected whole',
    COMMENT COLUMN user_id 'the user; empty: unknown',
    COMMENT COLUMN received
        'accepted + duplicates + rejected + forwarded; a line rejected whole counts as one [impressions]',
    COMMENT COLUMN accepted 'impressions that count, in the views of impressions too [impressions]',
    COMMENT COLUMN fresh 'of the accepted: of an artwork that the user had not seen [impressions]',
    COMMENT COLUMN duplicates
        'dropped: less than the window from an accepted one of the same user and artwork [impressions]',
    COMMENT COLUMN rejected 'refused with a reason; each is in rejected [impressions]',
    COMMENT COLUMN forwarded
        'sent on to the user''s partition, where they are received and judged again [impressions]',
    COMMENT COLUMN transport
        'how the flush was sent: fetch, beacon, keepalive, sync, sdk or replay; empty: the line was rejected whole',
    COMMENT COLUMN reason
        'why the flush was sent: timer, size, hidden, pagehide or manual; empty: the line was rejected whole',
    COMMENT COLUMN tier 'of the user: free or pro; empty: the line was rejected whole',
    COMMENT COLUMN experiments 'variant by experiment, as the producer gave them',
    COMMENT COLUMN attempts 'attempts to deliver the flush, by the producer''s own telemetry [attempts]',
    COMMENT COLUMN failures 'of the attempts: that failed, by its telemetry [attempts]',
    COMMENT COLUMN queued 'flushes that waited behind it, by its telemetry [flushes]',
    COMMENT COLUMN dropped 'impressions that the producer gave up on, by its telemetry [impressions]',
    COMMENT COLUMN bytes 'length of the line, or of the row''s lines with the line feeds between them [bytes]',
    COMMENT COLUMN sent_at 'when the producer sent the flush; 1970: unknown [clock: device]',
    COMMENT COLUMN appended_at 'when the broker appended the record (A) [clock: broker]',
    COMMENT COLUMN processed_at 'when the worker decided the line [clock: worker]',
    COMMENT COLUMN lines 'lines, from `line` on, that the row stands for: nearly always 1 [lines]',
    MODIFY COMMENT 'What became of each line: a row for a line of a source record, or for several rejected alike';

ALTER TABLE {database}.user_coverage
    COMMENT COLUMN user_id 'the user',
    COMMENT COLUMN pool_id 'pool of the artworks'' latest catalogue records, whatever the impressions said',
    COMMENT COLUMN seen 'distinct artworks that the user has seen and that are active in the pool now [artworks]',
    COMMENT COLUMN pool_size 'artworks that are active in the pool now [artworks]',
    COMMENT COLUMN coverage 'seen / pool_size; 0 when pool_size is 0 [share, 0 to 1]',
    COMMENT COLUMN freshness '1 - coverage: how much of the pool is new to the user [share, 0 to 1]',
    COMMENT COLUMN impressions_1h
        'accepted impressions, repeats included, of the pool''s artworks with seen_at in the hour before the query: when the user looked, so that a week offline delivered at once is no burst [impressions, clock: device]',
    COMMENT COLUMN updated_at 'appended_at of the newest fresh impression of an artwork of the pool [clock: broker]',
    MODIFY COMMENT 'One row for a user and pool: how much of the pool the user has seen, exact now. For all users at once, coverage_latest is faster';

ALTER TABLE {database}.ledger_minutes
    COMMENT COLUMN minute 'of appended_at; a minute may have several rows: sum them [clock: broker]',
    COMMENT COLUMN transport
        'how the flush was sent: fetch, beacon, keepalive, sync, sdk or replay; empty: the line was rejected whole',
    COMMENT COLUMN tier 'of the user: free or pro; empty: the line was rejected whole',
    COMMENT COLUMN lines 'lines decided [lines]',
    COMMENT COLUMN received 'impressions received, forwarded ones included [impressions]',
    COMMENT COLUMN accepted 'impressions accepted [impressions]',
    COMMENT COLUMN fresh 'of the accepted: of an artwork that the user had not seen [impressions]',
    COMMENT COLUMN duplicates 'impressions dropped as duplicates [impressions]',
    COMMENT COLUMN rejected 'impressions rejected; a line rejected whole counts as one [impressions]',
    COMMENT COLUMN forwarded
        'impressions sent on to the user''s partition, where they are received again [impressions]',
    COMMENT COLUMN unbalanced 'lines whose received is not the sum of their outcomes: 0, or a defect [lines]',
    COMMENT COLUMN attempts 'attempts to deliver, as producers report; at most 100,000 a line [attempts]',
    COMMENT COLUMN failures 'of the attempts: that failed; at most as many as the attempts of the line [attempts]',
    COMMENT COLUMN dropped
        'impressions that producers gave up on, as they report; at most 100,000 a line [impressions]',
    COMMENT COLUMN bytes 'length of the lines [bytes]',
    COMMENT COLUMN latency
        'from append to decision, within 1 %: quantilesDDMerge(0.01, 0.5, 0.95, 0.99) [ms, clock: broker to worker]',
    MODIFY COMMENT 'The ledger by minute, transport and tier, exact up to now; may have several rows for a minute: sum them';

ALTER TABLE {database}.kpi_delivery
    COMMENT COLUMN hour 'of appended_at [clock: broker]',
    COMMENT COLUMN transport
        'how the flush was sent: fetch, beacon, keepalive, sync, sdk or replay; empty: the line was rejected whole',
    COMMENT COLUMN tier 'of the user: free or pro; empty: the line was rejected whole',
    COMMENT COLUMN received 'impressions that were judged; forwarded ones count where they are judged [impressions]',
    COMMENT COLUMN accepted 'impressions that count [impressions]',
    COMMENT COLUMN fresh 'of the accepted: of an artwork that the user had not seen [impressions]',
    COMMENT COLUMN duplicates 'impressions dropped as duplicates [impressions]',
    COMMENT COLUMN rejected 'impressions rejected; a line rejected whole counts as one [impressions]',
    COMMENT COLUMN attempts 'attempts to deliver, as producers report; at most 100,000 a line [attempts]',
    COMMENT COLUMN failures 'of the attempts: that failed [attempts]',
    COMMENT COLUMN dropped 'impressions that producers gave up on, as they report [impressions]',
    COMMENT COLUMN duplicate_rate
        'duplicates / received: what reached the stream twice and was dropped; NULL: nothing received [share, 0 to 1]',
    COMMENT COLUMN batch_success '1 - failures / attempts; NULL: no attempts reported [share, 0 to 1]',
    COMMENT COLUMN hit_rate
        'fresh / accepted: shown to a user for the first time; NULL: nothing accepted [share, 0 to 1]',
    MODIFY COMMENT 'Delivery by hour, transport and tier: outcomes, and the producers'' own telemetry';

ALTER TABLE {database}.kpi_latency
    COMMENT COLUMN hour 'of appended_at [clock: broker]',
    COMMENT COLUMN lines 'lines decided [lines]',
    COMMENT COLUMN p50_ms
        'median time from the broker''s append to the worker''s decision, within 1 % [ms, clock: broker to worker]',
    COMMENT COLUMN p95_ms '95th percentile of the same [ms, clock: broker to worker]',
    COMMENT COLUMN p99_ms '99th percentile of the same [ms, clock: broker to worker]',
    MODIFY COMMENT 'Latency of decisions by hour';

ALTER TABLE {database}.kpi_freshness
    COMMENT COLUMN pool_id 'pool of the artworks'' latest catalogue records',
    COMMENT COLUMN pool_size 'artworks that are active in the pool now [artworks]',
    COMMENT COLUMN users 'who have seen something of the pool [users]',
    COMMENT COLUMN active_users
        'of the users: those with an accepted impression, of any pool, appended in the last 24 hours [users, clock: broker]',
    COMMENT COLUMN freshness_mean
        'of active users: mean share of the pool that is new to them; NULL: none is active [share, 0 to 1]',
    COMMENT COLUMN share_below_50
        'of active users: how many have a freshness below 0.5; NULL: none is active [share, 0 to 1]',
    COMMENT COLUMN share_above_90
        'of active users: how many have a freshness above 0.9; NULL: none is active [share, 0 to 1]',
    COMMENT COLUMN users_above_85 'of all users: coverage at least 0.85, where new artworks are ordered [users]',
    COMMENT COLUMN users_above_95 'of all users: coverage at least 0.95, exhausted [users]',
    COMMENT COLUMN exhausted_share 'users_above_95 / users; NULL: no users [share, 0 to 1]',
    MODIFY COMMENT 'Freshness and exhaustion by pool, from coverage_latest: as of a minute or so ago';

ALTER TABLE {database}.kpi_duplicates_seen
    COMMENT COLUMN users 'who have such a duplicate [users]',
    COMMENT COLUMN impressions 'accepted impressions that were compared [impressions]',
    COMMENT COLUMN duplicates
        'accepted impressions less than the window after another of their user and artwork: 0, or a defect [impressions]',
    COMMENT COLUMN duplicate_rate 'duplicates / impressions; NULL: no impressions [share, 0 to 1]',
    MODIFY COMMENT 'Duplicates that got through to readers: the worker drops them, so anything but 0 is a defect. One row';

ALTER TABLE {database}.kpi_cost
    COMMENT COLUMN day 'UTC day of appended_at; of artworks the day of created_at [clock: broker]',
    COMMENT COLUMN impressions 'accepted impressions [impressions]',
    COMMENT COLUMN artworks 'made on the day, by created_at [artworks, clock: author]',
    COMMENT COLUMN platform_usd 'the month''s price by the days of the month; of today the part that is over [USD]',
    COMMENT COLUMN artworks_usd 'price of the artworks that were made [USD]',
    COMMENT COLUMN usd_per_impression 'platform_usd + artworks_usd, by impressions; NULL: no impressions [USD]',
    MODIFY COMMENT 'Cost by day, by prices';

ALTER TABLE {database}.kpis
    COMMENT COLUMN kpi 'its name',
    COMMENT COLUMN value 'by definition; NULL: nothing to count [as the column unit says]',
    COMMENT COLUMN target 'what it should be [as the column unit says]',
    COMMENT COLUMN met 'whether value meets target; NULL: no value',
    COMMENT COLUMN unit 'of value and target: share, lines, ms or USD',
    COMMENT COLUMN definition 'what it counts, in words',
    MODIFY COMMENT 'All KPIs beside their targets, a row each; those of delivery are of the last 24 hours';

ALTER TABLE {database}.prices
    COMMENT COLUMN item 'what has a price: platform or artwork',
    COMMENT COLUMN usd 'price of one unit [USD]',
    COMMENT COLUMN unit 'what the price is for: month or artwork',
    COMMENT COLUMN valid_from
        'first day of the price, compared with days of appended_at; it holds until the next [clock: broker]',
    COMMENT COLUMN note 'why, for people',
    MODIFY COMMENT 'What things cost, and from which day on';

-- What keeps the rollups.

ALTER TABLE {database}.ledger_minutes_position
    COMMENT COLUMN position
        'begin: by topic id and partition, the first offset that the rollup lacks; least: what it lacks of topics that it knows lies from there on; topics: those that it knows',
    MODIFY COMMENT 'Up to where ledger_minutes_raw holds each log. One row, for the rollup and its view';

ALTER TABLE {database}.users_position
    COMMENT COLUMN position
        'begin: by topic id and partition, the first offset that the rollup lacks; least: what it lacks of topics that it knows lies from there on; topics: those that it knows',
    MODIFY COMMENT 'Up to where users_raw holds each log. One row, for the rollup';

ALTER TABLE {database}.ledger_minutes_refresh
    COMMENT COLUMN minute 'of appended_at [clock: broker]',
    COMMENT COLUMN transport
        'how the flush was sent: fetch, beacon, keepalive, sync, sdk or replay; empty: the line was rejected whole',
    COMMENT COLUMN tier 'of the user: free or pro; empty: the line was rejected whole',
    COMMENT COLUMN lines 'lines decided [lines]',
    COMMENT COLUMN received 'impressions received, forwarded ones included [impressions]',
    COMMENT COLUMN accepted 'impressions accepted [impressions]',
    COMMENT COLUMN fresh 'of the accepted: of an artwork that the user had not seen [impressions]',
    COMMENT COLUMN duplicates 'impressions dropped as duplicates [impressions]',
    COMMENT COLUMN rejected 'impressions rejected; a line rejected whole counts as one [impressions]',
    COMMENT COLUMN forwarded
        'impressions sent on to the user''s partition, where they are received again [impressions]',
    COMMENT COLUMN unbalanced 'lines whose received is not the sum of their outcomes: 0, or a defect [lines]',
    COMMENT COLUMN attempts 'attempts to deliver, as producers report; at most 100,000 a line [attempts]',
    COMMENT COLUMN failures 'of the attempts: that failed; at most as many as the attempts of the line [attempts]',
    COMMENT COLUMN dropped
        'impressions that producers gave up on, as they report; at most 100,000 a line [impressions]',
    COMMENT COLUMN bytes 'length of the lines [bytes]',
    COMMENT COLUMN latency
        'from append to decision, within 1 %: quantilesDDMerge(0.01, 0.5, 0.95, 0.99) [ms, clock: broker to worker]',
    COMMENT COLUMN kafka_topic_id 'id of the log that was added up',
    COMMENT COLUMN kafka_partition 'Kafka partition that was added up [index]',
    COMMENT COLUMN kafka_offset 'offset up to which the rollup holds the partition [index]',
    MODIFY COMMENT 'Adds to ledger_minutes_raw, once a minute, what came since; query ledger_minutes instead';

ALTER TABLE {database}.users_refresh
    COMMENT COLUMN user_id 'the user',
    COMMENT COLUMN pools
        'by pool: distinct artworks that the user has seen and that were active at computed_at [artworks]',
    COMMENT COLUMN impressions 'accepted impressions of the user [impressions]',
    COMMENT COLUMN last_received_at 'appended_at of the user''s newest accepted impression [clock: broker]',
    COMMENT COLUMN closest_ms
        'least time between two accepted impressions of one artwork; NULL: none came back [ms, clock: device]',
    COMMENT COLUMN doubled
        'accepted impressions less than the window after another of the artwork: 0, or a defect [impressions]',
    COMMENT COLUMN computed_at 'when the row was worked out [clock: ClickHouse]',
    COMMENT COLUMN catalogue_topic_id 'id of the catalogue''s log that it was worked out with',
    COMMENT COLUMN catalogue_offset 'offset up to which that catalogue was known [index]',
    COMMENT COLUMN kafka_topic_id 'id of the log of the user''s newest impression',
    COMMENT COLUMN kafka_partition 'the user''s Kafka partition [index]',
    COMMENT COLUMN kafka_offset 'offset up to which the rollup holds the partition [index]',
    MODIFY COMMENT 'Works out the users of users_raw again, once a minute, of whom something came; query coverage_latest instead';
