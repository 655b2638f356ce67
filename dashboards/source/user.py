"""User timeline: what one user saw, how much of each pool that is, and how it arrived."""

from grafana_foundation_sdk.models import dashboard as model

from dashboards.source import variables
from dashboards.source.colours import BAD, MISSED, OUTCOMES, PLAIN
from dashboards.source.layout import Page, Row, build
from dashboards.source.look import Head, Look
from dashboards.source.overrides import TEXT, fixed, mapped, named
from dashboards.source.panels import bars, level, number, rows_table
from dashboards.source.queries import rows, series
from dashboards.source.scales import COVERED, Mark, at_least, noted, plain, zero_is_right
from dashboards.source.units import ISO, MS, NONE, SECONDS, SHARE, Unit, count
from dashboards.source.variables import OF_POOL

PAGE = Page(
    "impressions-user",
    "Impressions: user timeline",
    "What one user saw and when, how much of each pool that is, and how it arrived.",
    "now-7d",
    "1m",
)
# Without a chosen user, take the one with the most impressions, so there is something to see; with one, the condition
# is false and no other user is read.
USER = (
    "coalesce(nullIf(${user:singlequote}, ''), (SELECT user_id FROM coverage_latest "
    "WHERE ${user:singlequote} = '' ORDER BY impressions DESC, user_id LIMIT 1))"
)
OF_USER = f"user_id = {USER}"
REPORTED = noted("orange from 1 on.", (1, MISSED))
REFUSED = noted("red from 1 on.", (1, BAD))
SEEN = f"{OF_USER} AND {OF_POOL} AND $__timeFilter(seen_at)"
FRESH = mapped(**{"true": ("fresh", OUTCOMES["fresh"]), "false": ("repeat", OUTCOMES["repeat"])})
NOTHING = "The user has looked at nothing in the time range"
NO_USER = "Nobody of that id has seen anything of a chosen pool"


def _figure(title: str, description: str, look: Look, column: str) -> model.Panel:
    return number(Head(title, description, (4, 4)), look, rows(f"SELECT {column}\nFROM impressions\nWHERE {SEEN}"))


def summary() -> Row:
    """The user in figures."""
    return Row(
        "User",
        number(
            Head(
                "User",
                "Whose timeline this is; type in another id above. Empty: the user with the most impressions.",
                (4, 4),
            ),
            Look(Unit("string"), scale=plain(), empty="no users yet", overrides=[named("user", color=fixed(PLAIN))]),
            rows(f"SELECT {USER} AS user"),
            text=True,
        ),
        _figure(
            "Impressions",
            "Accepted impressions of the user in the range shown, by the device's clock.",
            Look(count("impressions"), 0, scale=plain()),
            "count() AS impressions",
        ),
        _figure(
            "Artworks",
            "Different artworks among them.",
            Look(count("artworks"), 0, scale=plain()),
            "uniqExact(artwork_id) AS artworks",
        ),
        _figure(
            "Repeats",
            "Impressions of an artwork that the user had seen before. The promise: there are none.",
            Look(count("repeats"), 0, scale=zero_is_right(MISSED)),
            "countIf(NOT fresh) AS repeats",
        ),
        _figure(
            "Freshness hit rate",
            "Share of accepted impressions that are fresh. Target 100 %.",
            Look(SHARE, 1, scale=at_least(Mark(1, "100 %")), empty="nothing seen"),
            "countIf(fresh) / nullIf(count(), 0) AS hit_rate",
        ),
        _figure(
            "Median dwell",
            "How long the user looked at an artwork, if the app reports it: half of the impressions took longer.",
            Look(MS, 2, scale=plain(), empty="not reported"),
            "toFloat64(quantile(0.5)(dwell_ms)) AS dwell",
        ),
    )


def _each_pool() -> model.Panel:
    return rows_table(
        Head(
            "Pools",
            "Exact now: `unseen` is what is left to show, `in 1 h` counts the impressions of the last hour. Coverage: "
            f"{COVERED.meaning}",
            (8, 7),
        ),
        Look(
            NONE,
            empty=NO_USER,
            overrides=[
                named("pool", custom__width=75),
                named(
                    "coverage", unit=SHARE, decimals=1, thresholds=COVERED, custom__cellOptions=TEXT, custom__width=95
                ),
                named("last new", unit=ISO, custom__width=165),
            ],
        ),
        rows(f"""
            SELECT
                pool_id AS pool, coverage, seen, pool_size - seen AS unseen,
                impressions_1h AS "in 1 h", updated_at AS "last new"
            FROM user_coverage
            WHERE {OF_USER} AND {OF_POOL}
            ORDER BY coverage DESC, pool
            LIMIT 100
        """),
    )


def _shown_again() -> model.Panel:
    return rows_table(
        Head(
            "Artworks shown again",
            "The most often shown first: how often each was shown, when first and last in the range shown, and where.",
            (16, 7),
        ),
        Look(
            NONE,
            empty="The user was shown nothing twice in the time range",
            overrides=[
                named("first", unit=ISO, custom__width=170),
                named("last", unit=ISO, custom__width=170),
                named("times", thresholds=plain(MISSED), custom__cellOptions=TEXT),
            ],
        ),
        rows(f"""
            SELECT
                artwork_id AS artwork, count() AS times, countIf(NOT fresh) AS repeats, min(seen_at) AS first,
                max(seen_at) AS last,
                arrayStringConcat(
                    arraySort(groupUniqArrayIf(toString(surface), surface != '')), ', '
                ) AS surfaces
            FROM impressions
            WHERE {SEEN}
            GROUP BY artwork
            HAVING repeats > 0
            ORDER BY times DESC, artwork
            LIMIT 200
        """),
    )


def coverage() -> Row:
    """What the user has seen of each pool, and when."""
    pools = f"FROM user_coverage\nWHERE {OF_USER} AND {OF_POOL}"
    return Row(
        "Coverage",
        level(
            Head(
                "Coverage, by pool",
                "Share of the pool's active artworks that the user has seen, exact now, whatever the range. From "
                "85 % on, new artworks are ordered; from 95 % on, the pool is exhausted.",
                (8, 9),
            ),
            Look(SHARE, 1, least=0, most=1, scale=COVERED, empty=NO_USER),
            rows(f"SELECT pool_id, coverage\n{pools}\nORDER BY coverage DESC, pool_id\nLIMIT 25"),
        ),
        bars(
            Head("Impressions over time", "When the user looked, by the device's clock.", (16, 9)),
            Look(
                count("impressions"),
                least=0,
                colours={"fresh": OUTCOMES["fresh"], "repeat": OUTCOMES["repeat"]},
                empty=NOTHING,
            ),
            series(f"""
                SELECT
                    $__timeInterval(seen_at) AS time,
                    countIf(impressions.fresh) AS fresh,
                    countIf(NOT impressions.fresh) AS repeat
                FROM impressions
                WHERE {SEEN}
                GROUP BY time
                ORDER BY time
            """),
        ),
        _each_pool(),
        _shown_again(),
    )


def _one_by_one() -> model.Panel:
    return rows_table(
        Head(
            "Impressions, one by one",
            "What the user looked at in the range shown, the newest first; at most 1,000. `pool` is the one "
            "that the app named, `pause` the time since the user's previous impression.",
            (24, 12),
        ),
        Look(
            NONE,
            empty=NOTHING,
            overrides=[
                named("seen at", unit=ISO, custom__width=180),
                named("fresh", mappings=FRESH, custom__cellOptions=TEXT),
                named("dwell", unit=MS),
                named("visible", unit=SHARE, decimals=0),
                named("pause", unit=SECONDS),
                named("arrived after", unit=SECONDS, decimals=1),
            ],
        ),
        rows(f"""
            SELECT
                seen_at AS "seen at", artwork_id AS artwork, pool_id AS pool,
                if(fresh, 'true', 'false') AS fresh,
                dwell_ms AS dwell, visible, position, surface, transport,
                dateDiff('second', leadInFrame(toNullable(seen_at)) OVER timeline, seen_at) AS pause,
                dateDiff('millisecond', seen_at, received_at) / 1000 AS "arrived after"
            FROM impressions
            WHERE {SEEN}
            WINDOW timeline AS (
                ORDER BY seen_at DESC, event_id ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
            )
            ORDER BY seen_at DESC, event_id
            LIMIT 1000
        """),
    )


def _flushes() -> model.Panel:
    return rows_table(
        Head(
            "Flushes",
            "The ledger of the user's flushes that arrived in the range shown, the newest first; at most 500. "
            f"A flush whose id appears twice was sent again. Failures: {REPORTED.meaning} Rejected: {REFUSED.meaning}",
            (24, 10),
        ),
        Look(
            NONE,
            empty="No flush of the user arrived in the time range",
            overrides=[
                named("appended at", unit=ISO, custom__width=180),
                named("flush", custom__width=190),
                named("rejected", thresholds=REFUSED, custom__cellOptions=TEXT),
                named("failures", thresholds=REPORTED, custom__cellOptions=TEXT),
            ],
        ),
        rows(f"""
            SELECT
                appended_at AS "appended at", flush_id AS flush, transport, reason, tier, received, accepted,
                fresh, duplicates, rejected, forwarded, attempts, failures, queued
            FROM ledger
            WHERE {OF_USER} AND $__timeFilter(appended_at)
            ORDER BY appended_at DESC, source_offset, line
            LIMIT 500
        """),
    )


def history() -> Row:
    """What the user saw, one by one, and the flushes it arrived in."""
    return Row("History", _one_by_one(), _flushes())


def dashboard() -> model.Dashboard:
    """Return the dashboard."""
    user = variables.text("user", "User", "A user's id; empty: the user with the most impressions.")
    return build(PAGE, [variables.clickhouse(), variables.pool(), user], [summary(), coverage(), history()])
