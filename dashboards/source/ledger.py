"""SQL over the ledger that several dashboards share."""

from dashboards.source.variables import chosen

OF_SENDERS = f"{chosen('l.transport', 'transport')} AND {chosen('l.tier', 'tier')}"
# To the minute: the first minute counts as a whole.
IN_RANGE = "minute >= toStartOfMinute($__fromTime) AND minute <= $__toTime"
LAST_DAY = "minute > now('UTC') - INTERVAL 1 DAY"
# The rollup by minute if an interval is at least a minute, otherwise single lines. The condition that doesn't hold is
# constant, so ClickHouse reads only one of the two. What producers report is capped as the rollup caps it.
LINES = """(
    SELECT minute AS at, transport, tier, lines, received, accepted, fresh, duplicates, rejected, forwarded,
        attempts, failures, dropped
    FROM ledger_minutes
    WHERE $__interval_s >= 60 AND minute >= toStartOfMinute($__fromTime) AND minute <= $__toTime
    UNION ALL
    SELECT appended_at, transport, tier, lines, received, accepted, fresh, duplicates, rejected, forwarded,
        least(attempts, 100000), least(failures, attempts, 100000), least(dropped, 100000)
    FROM ledger
    WHERE $__interval_s < 60 AND $__timeFilter(appended_at)
)"""
# Intervals in which nothing arrived are zero, not missing.
FILLED = """WITH FILL
    FROM toStartOfInterval($__fromTime, INTERVAL $__interval_s second) TO $__toTime
    STEP toIntervalSecond($__interval_s)"""


def by_interval(columns: str, where: str = "1 = 1") -> str:
    """Return a time series of what arrived in each interval, zero if nothing did; `l` has the lines' columns.

    Qualify them: ClickHouse first resolves a bare name as an alias of the same query.
    """
    return "\n".join(
        (
            "SELECT",
            "    $__timeInterval(l.at) AS time,",
            f"    {columns}",
            f"FROM {LINES} AS l",
            f"WHERE {where}",
            "GROUP BY time",
            f"ORDER BY time {FILLED}",
        )
    )
