"""The KPIs' queries, each with one that does without the keys and rollups made for it: both must give the same."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """A KPI's query on the tables made for it, and on tables without these. Both must give the same."""

    name: str
    asked: str
    without: str
    lacks: str
    tolerance: float = 0.0
    """Relative tolerance, for percentiles: they are within 1 %."""


LEDGER_LACK = "no rollup: the ledger itself"
COVERAGE_LACK = "no rollup: every user's coverage, exact now"
QUESTIONS = (
    Question(
        "duplicate rate, batch success, hit rate, by hour, transport and tier",
        "SELECT hour, transport, tier, duplicate_rate, batch_success, hit_rate FROM kpi_delivery ORDER BY ALL",
        "SELECT toStartOfHour(appended_at) AS hour, transport, tier,"
        " sum(duplicates) / (sum(received) - sum(forwarded)), 1 - sum(failures) / sum(attempts), "
        " sum(fresh) / sum(accepted) FROM ledger GROUP BY hour, transport, tier ORDER BY ALL",
        LEDGER_LACK,
    ),
    Question(
        "P50, P95, P99 latency by hour",
        "SELECT hour, [p50_ms, p95_ms, p99_ms] FROM kpi_latency ORDER BY hour",
        "SELECT toStartOfHour(appended_at) AS hour,"
        " quantilesExactLow(0.5, 0.95, 0.99)(dateDiff('millisecond', appended_at, processed_at))"
        " FROM ledger GROUP BY hour ORDER BY hour",
        LEDGER_LACK,
        0.01,
    ),
    Question(
        "freshness and exhaustion by pool",
        "SELECT pool_id, users, freshness_mean, share_below_50, share_above_90, users_above_85, users_above_95"
        " FROM kpi_freshness ORDER BY pool_id",
        "SELECT pool_id, count(), avg(freshness), countIf(freshness < 0.5) / count(),"
        " countIf(freshness > 0.9) / count(), countIf(coverage >= 0.85), countIf(coverage >= 0.95)"
        " FROM user_coverage GROUP BY pool_id ORDER BY pool_id",
        COVERAGE_LACK,
        1e-9,
    ),
    Question(
        "duplicates that readers see",
        "SELECT impressions, duplicates FROM kpi_duplicates_seen",
        "SELECT sum(times), sum(close) FROM (SELECT count() AS times,"
        " arrayPopFront(arrayDifference(arraySort(groupArray(toUnixTimestamp64Milli(seen_at))))) AS gaps,"
        " arrayCount(gap -> gap < 600000, gaps) AS close FROM impressions GROUP BY user_id, artwork_id"
        " SETTINGS optimize_aggregation_in_order = 1)",
        "no rollup: every impression",
    ),
    Question(
        "cost per impression by day",
        "SELECT day, impressions FROM kpi_cost ORDER BY day",
        "SELECT toDate(appended_at) AS day, sum(accepted) FROM ledger GROUP BY day ORDER BY day",
        LEDGER_LACK,
    ),
    Question(
        "all KPIs of the last 24 hours",
        "SELECT maxIf(value, kpi = 'freshness hit rate') FROM kpis",
        "SELECT sum(fresh) / sum(accepted) FROM ledger WHERE appended_at > now('UTC') - INTERVAL 1 DAY",
        "no rollup: hit rate alone, of the ledger",
    ),
    Question(
        "freshness of one user, of the last minute",
        "SELECT pool_id, seen, pool_size FROM coverage_latest WHERE user_id = '{user}'",
        "SELECT pool_id, seen, pool_size FROM user_coverage WHERE user_id = '{user}'",
        "no rollup: what the user has seen, exact now",
    ),
    Question(
        "freshness of one user, exact now",
        "SELECT pool_id, seen, pool_size FROM user_coverage WHERE user_id = '{user}'",
        "SELECT any(pool_id), uniqExact(artwork_id), (SELECT count() FROM artworks WHERE pool_id = 'main')"
        " FROM unsorted WHERE user_id = '{user}' AND fresh",
        "no sorting key: the same rows in the order of the log",
    ),
    Question(
        "timeline of one user",
        "SELECT seen_at, artwork_id FROM impressions WHERE user_id = '{user}' ORDER BY seen_at, artwork_id",
        "SELECT seen_at, artwork_id FROM unsorted WHERE user_id = '{user}' ORDER BY seen_at, artwork_id",
        "no sorting key: the same rows in the order of the log",
    ),
    Question(
        "who has seen one artwork",
        "SELECT count(), max(user_id) FROM artwork_users WHERE artwork_id = 'a0500'",
        "SELECT uniqExact(user_id), max(user_id) FROM user_artworks_raw WHERE artwork_id = 'a0500'",
        "no second table: the one in the order of users",
    ),
)
