"""Who nears exhaustion, on the coverage dashboard."""

from grafana_foundation_sdk.models import dashboard as model

from dashboards.source.layout import Row
from dashboards.source.links import to_user
from dashboards.source.look import Head, Look
from dashboards.source.overrides import SHORT_DASH, matching, named
from dashboards.source.panels import lines, rows_table
from dashboards.source.promql import of_pools
from dashboards.source.queries import metric, rows
from dashboards.source.scales import COVERED, FEW_EXHAUSTED, MOSTLY_NEW
from dashboards.source.units import HOURS, ISO, NONE, SHARE, count, share
from dashboards.source.variables import OF_POOL

GAUGE = {"type": "gauge", "mode": "basic"}


def _most_urgent() -> model.Panel:
    return rows_table(
        Head(
            "Users at 85 % and more",
            "The most urgent first: `hours left` assumes that a user goes on as in the last hour and sees new "
            "artworks only; it is empty for users who looked at nothing of the pool for an hour. Coverage is "
            f"at most a minute old. A click on a user opens their timeline. Coverage: {COVERED.meaning}",
            (24, 10),
        ),
        Look(
            NONE,
            empty="No user has seen 85 % of a chosen pool",
            overrides=[
                named("user", links=[to_user()]),
                named(
                    "coverage",
                    unit=SHARE,
                    decimals=1,
                    min=0,
                    max=1,
                    thresholds=COVERED,
                    custom__cellOptions=GAUGE,
                    custom__width=240,
                ),
                named("hours left", unit=HOURS, decimals=1),
                named("last seen", unit=ISO, custom__width=180),
            ],
        ),
        rows(f"""
            SELECT
                near.user_id AS user, near.pool_id AS pool, near.coverage AS coverage, near.unseen AS unseen,
                recent.impressions_1h AS "impressions, 1 h",
                unseen / nullIf(recent.impressions_1h, 0) AS "hours left",
                near.impressions AS "impressions, all", near.last_received_at AS "last seen"
            FROM
            (
                SELECT user_id, pool_id, coverage, pool_size - least(seen, pool_size) AS unseen, impressions,
                    last_received_at
                FROM coverage_latest
                WHERE coverage >= 0.85 AND {OF_POOL}
                ORDER BY last_received_at DESC, user_id
                LIMIT 200
            ) AS near
            LEFT JOIN
            (
                SELECT user_id, pool_id, impressions_1h
                FROM user_coverage
                WHERE user_id IN (
                    SELECT user_id FROM coverage_latest WHERE coverage >= 0.85 AND {OF_POOL}
                    ORDER BY last_received_at DESC, user_id LIMIT 200
                )
            ) AS recent ON near.user_id = recent.user_id AND near.pool_id = recent.pool_id
            ORDER BY "hours left" ASC NULLS LAST, unseen, user
            LIMIT 200
        """),
    )


def freshness_by_pool(size: tuple[int, int]) -> model.Panel:
    """Freshness over time; the overview shows it too."""
    return lines(
        Head(
            "Freshness, by pool",
            "Mean share of the pool that is new to its active users. Target above 90 %; below 50 % an alert is raised.",
            size,
        ),
        Look(share("the pool"), least=0, most=1, scale=MOSTLY_NEW),
        of_pools("impressions_kpi_freshness_ratio"),
        calcs=("min", "lastNotNull"),
    )


def nearing() -> Row:
    """Who nears exhaustion."""
    return Row(
        "Who nears exhaustion",
        _most_urgent(),
        lines(
            Head(
                "Users at 85 % and at 95 %",
                "Users whose coverage of a chosen pool is at least 85 % or 95 %: from 85 % on, new artworks are "
                "ordered; from 95 % on (dashed), the pool is exhausted for them.",
                (8, 8),
            ),
            Look(count("users"), least=0, soft_most=10, overrides=[matching("/^95 %/", custom__lineStyle=SHORT_DASH)]),
            *(
                metric(
                    f'max by (pool) (impressions_kpi_users_above{{pool=~"$pool", coverage="{percent / 100:g}"}})',
                    f"{percent} %: {{{{pool}}}}",
                )
                for percent in (85, 95)
            ),
        ),
        lines(
            Head(
                "Exhausted, by pool",
                "Share of a pool's users who have seen 95 % of it. Target below 1 %; at 1 % an alert is raised.",
                (8, 8),
            ),
            Look(share("users"), least=0, soft_most=0.02, scale=FEW_EXHAUSTED),
            of_pools("impressions_kpi_exhausted_ratio"),
            calcs=("max", "lastNotNull"),
        ),
        freshness_by_pool((8, 8)),
    )
