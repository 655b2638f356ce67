"""Coverage and pool: how much of each pool users have seen, who nears its end, and how fast."""

from grafana_foundation_sdk.models import dashboard as model

from dashboards.source import variables
from dashboards.source.colours import HUES, OUTCOMES, PLAIN, QUIET
from dashboards.source.coverage_users import nearing
from dashboards.source.layout import Page, Row, build
from dashboards.source.ledger import by_interval
from dashboards.source.look import Head, Look
from dashboards.source.overrides import TEXT, dashed, named
from dashboards.source.panels import groups, heat, level, lines, number, rows_table
from dashboards.source.pipeline_catalogue import uncatalogued, uncatalogued_over_time
from dashboards.source.promql import of_pools
from dashboards.source.queries import buckets, rows, series
from dashboards.source.scales import FEW_EXHAUSTED, MOSTLY_NEW, Mark, at_most, plain
from dashboards.source.units import NONE, SHARE, count, share
from dashboards.source.variables import OF_POOL

PAGE = Page(
    "impressions-coverage",
    "Impressions: coverage and pools",
    "How much of each pool its users have seen, who nears its end, and how fast it is used up.",
    "now-6h",
)


def _figure(title: str, description: str, look: Look, column: str) -> model.Panel:
    sql = f"SELECT {column}\nFROM kpi_freshness\nWHERE {OF_POOL}"
    return number(Head(title, description, (4, 4)), look, rows(sql))


def _freshness_now() -> model.Panel:
    return level(
        Head(
            "Freshness now, by pool", "Mean share of the pool that is new to an active user; the lowest first.", (8, 7)
        ),
        Look(SHARE, 1, least=0, most=1, scale=MOSTLY_NEW, empty="No user of a chosen pool was active in the last day"),
        rows(f"""
            SELECT pool_id, freshness_mean
            FROM kpi_freshness
            WHERE {OF_POOL} AND freshness_mean IS NOT NULL
            ORDER BY freshness_mean, pool_id
            LIMIT 25
        """),
    )


def _each_pool() -> model.Panel:
    return rows_table(
        Head(
            "Pools",
            "One row per pool: its active artworks, its users, those active in the last 24 hours, shares of "
            f"the active users, and how many of all its users are near its end. Exhausted: {FEW_EXHAUSTED.meaning}",
            (16, 7),
        ),
        Look(
            NONE,
            empty="No user has seen anything of a chosen pool",
            overrides=[
                named("freshness", unit=SHARE, decimals=1),
                named("below 50 %", unit=SHARE, decimals=1),
                named("above 90 %", unit=SHARE, decimals=1),
                named("exhausted", unit=SHARE, decimals=2, thresholds=FEW_EXHAUSTED, custom__cellOptions=TEXT),
            ],
        ),
        rows(f"""
            SELECT
                pool_id AS pool, pool_size AS artworks, users, active_users AS active,
                freshness_mean AS freshness,
                share_below_50 AS "below 50 %", share_above_90 AS "above 90 %",
                users_above_85 AS "at 85 %", users_above_95 AS "at 95 %",
                exhausted_share AS exhausted
            FROM kpi_freshness
            WHERE {OF_POOL}
            ORDER BY users DESC, pool
            LIMIT 100
        """),
    )


def pools() -> Row:
    """The pools now."""
    active = "nullIf(sum(active_users), 0)"
    return Row(
        "Pools",
        _figure(
            "Users and pools",
            "Pairs of a user and a chosen pool of which they have seen something.",
            Look(count("users"), 0, scale=plain(), empty="no users yet"),
            "sum(users) AS all_users",
        ),
        _figure(
            "Active users and pools",
            "Pairs whose user has an accepted impression, of any pool, in the last 24 hours.",
            Look(count("users"), 0, scale=plain(), empty="no users yet"),
            "sum(active_users) AS active",
        ),
        _figure(
            "Freshness",
            "Mean share of the pool that is new to an active user. Target above 90 %; below 50 % an alert is raised.",
            Look(SHARE, 1, scale=MOSTLY_NEW, empty="nobody active yet"),
            f"sum(freshness_mean * active_users) / {active} AS freshness",
        ),
        _figure(
            "Freshness above 90 %",
            "Share of active users for whom more than 90 % of the pool is new.",
            Look(SHARE, 1, scale=plain(), empty="nobody active yet"),
            f"sum(share_above_90 * active_users) / {active} AS above_90",
        ),
        _figure(
            "Freshness below 50 %",
            "Share of active users who have seen more than half of the pool.",
            Look(SHARE, 1, scale=at_most(Mark(0.1, "10 %"), bad=Mark(0.5, "50 %")), empty="nobody active yet"),
            f"sum(share_below_50 * active_users) / {active} AS below_50",
        ),
        _figure(
            "Exhausted",
            "Share of users who have seen 95 % or more of the pool. Target below 1 %; at 1 % an alert is raised.",
            Look(SHARE, 2, scale=FEW_EXHAUSTED, empty="no users yet"),
            "sum(users_above_95) / nullIf(sum(users), 0) AS exhausted",
        ),
        _freshness_now(),
        _each_pool(),
    )


def distribution() -> Row:
    """Users by coverage."""
    return Row(
        "Where users stand",
        groups(
            Head(
                "Users, by coverage",
                "Pairs of a user and a chosen pool in each tenth of coverage, now; active users have looked at "
                "something in the last 24 hours.",
                (12, 9),
            ),
            Look(
                count("users and pools"),
                0,
                least=0,
                colours={"active": PLAIN, "away": QUIET},
                empty="No user has seen anything of a chosen pool",
            ),
            rows(f"""
                SELECT
                    concat(toString(10 * tenth), '-', toString(10 * tenth + 10), ' %') AS coverage,
                    active,
                    away
                FROM
                (
                    SELECT
                        toUInt8(least(9, floor(coverage_latest.coverage * 10))) AS tenth,
                        countIf(last_received_at > now64(3, 'UTC') - INTERVAL 1 DAY) AS active,
                        count() - active AS away
                    FROM coverage_latest
                    WHERE {OF_POOL}
                    GROUP BY tenth
                    ORDER BY tenth WITH FILL FROM 0 TO 10
                )
                ORDER BY tenth
            """),
            by="coverage",
        ),
        heat(
            Head(
                "Users, by coverage over time",
                "The same from Prometheus: how many pairs of a user and a chosen pool are in each tenth of "
                "coverage. The darker band moves up as users see more, and down when artworks are added.",
                (12, 9),
            ),
            Look(share("the pool, up to"), 0),
            buckets("""
                sum by (le) (label_replace(
                    max by (pool, coverage) (impressions_kpi_coverage_users{pool=~"$pool"}),
                    "le", "$1", "coverage", "(.+)"))
            """),
            cells=count("users and pools"),
        ),
    )


def velocity() -> Row:
    """How fast pools are used up, and how large they are."""
    per_hour = "3600 / $__interval_s"
    return Row(
        "Velocity",
        lines(
            Head(
                "Impressions an hour",
                "Accepted impressions of all pools, and the fresh ones among them, which use a pool up; by the "
                "broker's clock, as an hourly rate.",
                (8, 8),
            ),
            Look(
                count("impressions an hour"),
                least=0,
                colours={"accepted": HUES[1], "fresh": OUTCOMES["fresh"]},
                overrides=dashed("fresh"),
            ),
            series(by_interval(f"sum(l.accepted) * {per_hour} AS accepted,\n    sum(l.fresh) * {per_hour} AS fresh")),
            points=60,
        ),
        lines(
            Head(
                "Freshness hit rate",
                "Share of accepted impressions of all pools that are fresh. Target 100 %; it falls as pools are "
                "used up.",
                (8, 8),
            ),
            Look(share("accepted"), least=0, most=1, colours={"hit rate": OUTCOMES["fresh"]}),
            series(by_interval('sum(l.fresh) / nullIf(sum(l.accepted), 0) AS "hit rate"')),
            calcs=("min", "lastNotNull"),
            points=60,
        ),
        lines(
            Head("Pool size", "Active artworks of a pool in the workers' catalogue.", (8, 8)),
            Look(count("artworks"), least=0),
            of_pools("impressions_pool_artworks"),
            calcs=("min", "lastNotNull"),
        ),
    )


def uncounted() -> Row:
    """What is shown and counts in no pool's coverage."""
    return Row(
        "Outside the catalogue: shown, and in no pool's coverage", uncatalogued(6, 7), uncatalogued_over_time((18, 7))
    )


def dashboard() -> model.Dashboard:
    """Return the dashboard."""
    chosen_by = [variables.clickhouse(), variables.prometheus(), variables.pool()]
    return build(PAGE, chosen_by, [pools(), distribution(), nearing(), velocity(), uncounted()])
