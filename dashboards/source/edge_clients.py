"""Which browsers and SDKs send, and how delivery goes for each: from the ledger, by family of the client."""

from grafana_foundation_sdk.models import dashboard as model

from dashboards.source.colours import CLIENTS, MISSED, OUTCOMES
from dashboards.source.layout import Row
from dashboards.source.ledger import IN_RANGE
from dashboards.source.look import Head, Look
from dashboards.source.overrides import TEXT, named
from dashboards.source.panels import groups, lines, rows_table
from dashboards.source.queries import rows, series
from dashboards.source.scales import FAILING, zero_is_right
from dashboards.source.units import BYTES, NONE, SHARE, count, share

NOTHING = "Nothing arrived in the time range"
# What was rejected whole has neither; an older client doesn't say which one it is.
FAMILY = "if(l.client_family = '', 'not given', l.client_family)"

FAMILIES = f"""
    SELECT
        {FAMILY} AS client,
        sum(l.lines) AS flushes,
        sum(l.received) - sum(l.forwarded) AS impressions,
        impressions / nullIf(sum(impressions) OVER (), 0) AS share,
        sum(l.bytes) / flushes AS "bytes per flush",
        sum(l.duplicates) / nullIf(impressions, 0) AS duplicate,
        sum(l.rejected) / nullIf(impressions, 0) AS rejected,
        sum(l.attempts) AS attempts,
        sum(l.failures) / nullIf(attempts, 0) AS failed,
        sum(l.dropped) AS dropped
    FROM ledger_minutes AS l
    WHERE {IN_RANGE} AND l.transport != ''
    GROUP BY client
    ORDER BY impressions DESC, client
"""
OUTCOMES_BY_CLIENT = f"""
    SELECT
        {FAMILY} AS client,
        sum(l.fresh) AS fresh,
        sum(l.accepted) - sum(l.fresh) AS repeat,
        sum(l.duplicates) AS duplicates,
        sum(l.rejected) AS rejected
    FROM ledger_minutes AS l
    WHERE {IN_RANGE} AND l.transport != ''
    GROUP BY client
    ORDER BY sum(l.received) DESC, client
"""
FAILED_BY_CLIENT = f"""
    SELECT
        toStartOfInterval(l.minute, toIntervalSecond(greatest($__interval_s, 60))) AS time,
        {FAMILY} AS client,
        sum(l.failures) / nullIf(sum(l.attempts), 0) AS Value
    FROM ledger_minutes AS l
    WHERE {IN_RANGE} AND l.transport != ''
    GROUP BY time, client
    ORDER BY time, client
"""
VERSIONS = """
    SELECT
        if(l.client = '', 'not given', l.client) AS client,
        sum(l.lines) AS flushes,
        sum(least(l.failures, l.attempts, 100000)) / nullIf(sum(least(l.attempts, 100000)), 0) AS failed,
        sum(l.duplicates) / nullIf(sum(l.received), 0) AS duplicate,
        sum(least(l.dropped, 100000)) AS dropped
    FROM ledger AS l
    WHERE $__timeFilter(l.appended_at) AND l.transport != '' AND l.forwarded = 0
    GROUP BY client
    ORDER BY flushes DESC, client
    LIMIT 50
"""


def _families() -> model.Panel:
    return rows_table(
        Head(
            "Delivery, by family of the client",
            "Flushes and impressions that arrived, by the browser or SDK that sent them, and what it reports of its "
            "attempts. A client whose family is not in `client_families` is other; one that says nothing is not given. "
            f"Failed: {FAILING.meaning} Dropped: {zero_is_right(MISSED).meaning}",
            (24, 9),
        ),
        Look(
            NONE,
            empty=NOTHING,
            overrides=[
                named("share", unit=SHARE, decimals=1, min=0, max=1, custom__cellOptions={"type": "gauge"}),
                named("bytes per flush", unit=BYTES, decimals=0),
                named("duplicate", unit=SHARE, decimals=1),
                named("rejected", unit=SHARE, decimals=1),
                named("failed", unit=SHARE, decimals=2, thresholds=FAILING, custom__cellOptions=TEXT),
                named("dropped", thresholds=zero_is_right(MISSED), custom__cellOptions=TEXT),
            ],
        ),
        rows(FAMILIES),
    )


def clients() -> Row:
    """Delivery by client."""
    return Row(
        "Clients",
        _families(),
        groups(
            Head("What became of it, by client", "Impressions of the range shown, by family and outcome.", (10, 9)),
            Look(count("impressions"), least=0, colours=OUTCOMES, empty=NOTHING),
            rows(OUTCOMES_BY_CLIENT),
            by="client",
        ),
        lines(
            Head(
                "Failed attempts, by client",
                "Share of the attempts that failed, as the clients themselves report it with what did arrive.",
                (7, 9),
            ),
            Look(share("attempts"), least=0, soft_most=0.05, colours=CLIENTS, empty=NOTHING),
            series(FAILED_BY_CLIENT),
            points=30,
        ),
        rows_table(
            Head(
                "Versions with most flushes",
                "The same by what clients say exactly: a release that broke something shows here. At most 50 of them. "
                f"Failed: {FAILING.meaning} Dropped: {zero_is_right(MISSED).meaning}",
                (7, 9),
            ),
            Look(
                NONE,
                empty=NOTHING,
                overrides=[
                    named("failed", unit=SHARE, decimals=2, thresholds=FAILING, custom__cellOptions=TEXT),
                    named("duplicate", unit=SHARE, decimals=1),
                    named("dropped", thresholds=zero_is_right(MISSED), custom__cellOptions=TEXT),
                ],
            ),
            rows(VERSIONS),
        ),
    )
