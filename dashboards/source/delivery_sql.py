"""The longer queries of the delivery dashboard."""

from dashboards.source.ledger import IN_RANGE, LINES, OF_SENDERS

BALANCE = f"""
    SELECT
        sum(l.received) AS received,
        sum(l.accepted) AS accepted,
        sum(l.duplicates) AS duplicates,
        sum(l.rejected) AS rejected,
        sum(l.forwarded) AS forwarded,
        received - accepted - duplicates - rejected - forwarded AS "unaccounted for",
        sum(l.unbalanced) AS "lines out of balance"
    FROM ledger_minutes AS l
    WHERE {IN_RANGE} AND {OF_SENDERS}
"""

UNBALANCED = f"""
    SELECT
        appended_at AS "appended at", source_partition AS partition, source_offset AS offset, line, user_id AS user,
        received, accepted, duplicates, rejected, forwarded
    FROM ledger AS l
    WHERE $__timeFilter(appended_at) AND received != accepted + duplicates + rejected + forwarded AND {OF_SENDERS}
    ORDER BY appended_at DESC
    LIMIT 100
"""

# A user's lines are all in one partition, so arrival, offset and line give their order.
CAUSES = f"""
    SELECT
        $__timeInterval(l.appended_at) AS time,
        sumIf(l.duplicates, again) AS "flush sent again",
        sumIf(l.duplicates, NOT again AND l.accepted = 0) AS "whole flush shown before",
        sumIf(l.duplicates, NOT again AND l.accepted > 0) AS "part of a flush"
    FROM
    (
        SELECT
            later.appended_at AS appended_at, later.transport AS transport, later.tier AS tier,
            later.duplicates AS duplicates, later.accepted AS accepted,
            (later.appended_at, later.source_offset, later.line) > sent.first AS again
        FROM ledger AS later
        INNER JOIN
        (
            SELECT user_id, flush_id, min((appended_at, source_offset, line)) AS first
            FROM ledger
            WHERE appended_at >= $__fromTime - INTERVAL 1 DAY AND appended_at <= $__toTime AND forwarded = 0
                AND flush_id IN (SELECT flush_id FROM ledger WHERE $__timeFilter(appended_at) AND duplicates > 0)
            GROUP BY user_id, flush_id
        ) AS sent ON later.user_id = sent.user_id AND later.flush_id = sent.flush_id
        WHERE $__timeFilter(later.appended_at) AND later.duplicates > 0
    ) AS l
    WHERE {OF_SENDERS}
    GROUP BY time
    ORDER BY time
"""


def by_transport(column: str) -> str:
    """Return a time series per transport of a column over the lines `l` of an interval."""
    return f"""
        SELECT
            $__timeInterval(l.at) AS time,
            l.transport AS transport,
            {column} AS Value
        FROM {LINES} AS l
        WHERE l.transport != '' AND {OF_SENDERS}
        GROUP BY time, transport
        ORDER BY time, transport
    """


REASONS = """
    SELECT
        reason, replaceRegexpAll(rejected.detail, '[0-9]{4,}', '…') AS detail, sum(lines) AS pieces,
        uniqExactIf(user_id, user_id != '') AS users, max(rejected_at) AS latest
    FROM rejected
    WHERE $__timeFilter(rejected_at)
    GROUP BY reason, detail
    ORDER BY pieces DESC, reason, detail
    LIMIT 100
"""

_PIECE = (
    "concat(source_topic_id, '/', toString(source_partition), '/', toString(source_offset), '/', "
    "toString(line), '/', toString(idx))"
)

LATEST_PIECES = f"""
    SELECT
        rejected_at AS "rejected at",
        reason,
        user_id AS user,
        {_PIECE} AS piece,
        length(payload) AS length,
        toValidUTF8(substring(payload, 1, 60)) AS begins
    FROM rejected
    WHERE $__timeFilter(rejected_at)
    ORDER BY rejected_at DESC, source_partition, source_offset, line, idx
    LIMIT 200
"""

# The coordinates are read from the end: a topic's id may hold a slash. The payload is cut into lines, since it may
# have no space at which to break it.
PAYLOAD = f"""
    WITH splitByChar('/', ${{piece:singlequote}}) AS part
    SELECT kept.1 AS field, kept.2 AS value
    FROM
    (
        SELECT
            extractAll(toValidUTF8(substring(payload, 1, 10000)), '(?s).{{1,70}}') AS parts,
            arrayJoin(arrayConcat(
                [
                    ('piece', {_PIECE}),
                    ('at', toString(rejected_at)),
                    ('user', user_id),
                    ('reason', toString(reason)),
                    ('detail', detail)
                ],
                arrayMap((text, number) -> (if(number = 1, 'payload', ''), text), parts, arrayEnumerate(parts))
            )) AS kept
        FROM
        (
            SELECT *
            FROM rejected
            WHERE (${{piece:singlequote}} = '' AND $__timeFilter(rejected_at))
                OR (
                    ${{piece:singlequote}} != ''
                    AND source_topic_id = arrayStringConcat(arraySlice(part, 1, length(part) - 4), '/')
                    AND source_partition = toUInt16OrZero(part[-4])
                    AND source_offset = toUInt64OrZero(part[-3])
                    AND line = toUInt32OrZero(part[-2])
                    AND idx = toInt32OrZero(part[-1])
                )
            ORDER BY rejected_at DESC, source_partition, source_offset, line, idx
            LIMIT 1
        )
    )
"""

SENDERS = f"""
    SELECT
        if(l.transport = '', 'unknown', l.transport) AS transport,
        if(l.tier = '', 'unknown', l.tier) AS tier,
        sum(l.lines) AS flushes,
        sum(l.received) - sum(l.forwarded) AS impressions,
        impressions / nullIf(sum(impressions) OVER (), 0) AS share,
        sum(l.received) / flushes AS "per flush",
        sum(l.bytes) / flushes AS "bytes per flush",
        sum(l.duplicates) / nullIf(impressions, 0) AS duplicate,
        sum(l.fresh) / nullIf(sum(l.accepted), 0) AS "hit rate",
        sum(l.attempts) AS attempts,
        sum(l.failures) AS failures,
        failures / nullIf(attempts, 0) AS failed,
        sum(l.dropped) AS dropped
    FROM ledger_minutes AS l
    WHERE {IN_RANGE} AND {OF_SENDERS}
    GROUP BY l.transport, l.tier
    ORDER BY impressions DESC, transport, tier
"""

SIZES = f"""
    SELECT
        multiIf(
            size <= 5, toString(size), size <= 10, '6 to 10', size <= 20, '11 to 20', size <= 50, '21 to 50', 'more'
        ) AS impressions,
        sum(flush_lines) AS flushes
    FROM
    (
        SELECT l.received AS size, l.lines AS flush_lines
        FROM ledger AS l
        WHERE $__timeFilter(l.appended_at) AND l.transport != '' AND l.forwarded = 0 AND {OF_SENDERS}
    )
    GROUP BY impressions
    ORDER BY min(size)
"""
