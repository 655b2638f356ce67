"""Delivery quality: is everything accounted for, what is duplicate or rejected and why, and how delivery goes."""

from grafana_foundation_sdk.models import dashboard as model

from dashboards.source import variables
from dashboards.source.colours import BAD, HUES, MISSED, OUTCOMES, PLAIN, TRANSPORTS
from dashboards.source.delivery_rejected import rejections
from dashboards.source.delivery_sql import BALANCE, CAUSES, SENDERS, SIZES, UNBALANCED, by_transport
from dashboards.source.layout import Page, Row, build
from dashboards.source.ledger import IN_RANGE, OF_SENDERS, by_interval
from dashboards.source.links import to_user
from dashboards.source.look import Head, Look
from dashboards.source.overrides import TEXT, fixed, named
from dashboards.source.panels import bars, groups, lines, number, rows_table
from dashboards.source.promql import ratio
from dashboards.source.queries import rows, series
from dashboards.source.scales import FAILING, Mark, alert_from, plain, zero_is_right
from dashboards.source.units import BYTES, NONE, SHARE, count, share

PAGE = Page(
    "impressions-delivery",
    "Impressions: delivery quality",
    "Is everything accounted for, what is duplicate or rejected and why, and how delivery goes.",
    "now-3h",
)
CAUSES_COLOURS = {"flush sent again": HUES[0], "whole flush shown before": HUES[1], "part of a flush": HUES[2]}
NOTHING = "Nothing arrived in the time range"


def ledger() -> Row:
    """Whether everything is accounted for."""
    return Row(
        "Ledger: received = accepted + duplicates + rejected + forwarded",
        number(
            Head(
                "Balance of the range shown",
                "Impressions received, and what became of them, of the chosen transports and tiers. A line that "
                "can't be read counts as one impression and has neither transport nor tier. What is unaccounted "
                f"for must be 0: anything else is a defect. The last two: {zero_is_right().meaning}",
                (24, 5),
            ),
            Look(
                count("impressions"),
                scale=plain("text"),
                overrides=[
                    *(named(name, color=fixed(OUTCOMES[name])) for name in ("accepted", "duplicates", "rejected")),
                    named("forwarded", color=fixed(OUTCOMES["forwarded"])),
                    named("unaccounted for", thresholds=zero_is_right(), decimals=0),
                    named("lines out of balance", thresholds=zero_is_right(), decimals=0),
                ],
            ),
            rows(BALANCE),
            values=True,
        ),
        bars(
            Head(
                "What became of what arrived",
                "Impressions by outcome and time of arrival. Fresh and repeat are accepted; forwarded ones are "
                "counted again where they are decided.",
                (16, 9),
            ),
            Look(count("impressions"), least=0, colours=OUTCOMES, empty=NOTHING),
            series(
                by_interval(
                    "sum(l.fresh) AS fresh,\n    sum(l.accepted) - sum(l.fresh) AS repeat,\n"
                    "    sum(l.duplicates) AS duplicates,\n    sum(l.rejected) AS rejected,\n"
                    "    sum(l.forwarded) AS forwarded",
                    OF_SENDERS,
                )
            ),
        ),
        rows_table(
            Head(
                "Lines out of balance",
                "Lines of the ledger that don't add up, the newest first. It should be empty; if it isn't, see "
                "docs/operate/runbooks.md, ledger out of balance.",
                (8, 9),
            ),
            Look(NONE, overrides=[named("user", links=[to_user()])], empty="None: every line balances"),
            rows(UNBALANCED),
        ),
    )


def duplicates() -> Row:
    """What was dropped as a duplicate, and why."""
    return Row(
        "Duplicates dropped",
        bars(
            Head(
                "Duplicates, by cause",
                "As far as the ledger shows. Flush sent again: its id arrived before, in the range or on the day "
                "before it, so it is a retry. Whole flush shown before: its id is new but nothing in it is, as "
                "when a page fires twice or a second tab shows the same. Part of a flush: some of it was new, so "
                "an impression fired twice, or two tabs overlap. A double fire and a second tab can't be told "
                "apart here.",
                (12, 9),
            ),
            Look(count("duplicates"), least=0, colours=CAUSES_COLOURS, empty="No duplicate arrived in the time range"),
            series(CAUSES),
        ),
        lines(
            Head(
                "Duplicate rate, by transport",
                "Share of duplicates among what was received and decided: impressions that reached the stream more "
                "than once. It is due to clients and networks and is not a defect; readers never see duplicates.",
                (12, 9),
            ),
            Look(share("received"), least=0, soft_most=0.2, colours=TRANSPORTS, empty=NOTHING),
            series(by_transport("sum(l.duplicates) / nullIf(sum(l.received) - sum(l.forwarded), 0)")),
            points=30,
        ),
    )


def _by_transport_and_tier() -> model.Panel:
    return rows_table(
        Head(
            "By transport and tier",
            "Flushes and impressions that arrived, and what their producers report: attempts to deliver, "
            "failed attempts, and impressions that they gave up on. At 5 % failed attempts an alert is raised. Failed: "
            f"{FAILING.meaning} Dropped: {zero_is_right(MISSED).meaning}",
            (24, 15),
        ),
        Look(
            NONE,
            empty=NOTHING,
            overrides=[
                named("share", unit=SHARE, decimals=1, min=0, max=1, custom__cellOptions={"type": "gauge"}),
                named("failed", unit=SHARE, decimals=2, thresholds=FAILING, custom__cellOptions=TEXT),
                named("duplicate", unit=SHARE, decimals=1),
                named("hit rate", unit=SHARE, decimals=1),
                named("per flush", decimals=1),
                named("bytes per flush", unit=BYTES, decimals=0),
                named("dropped", thresholds=zero_is_right(MISSED), custom__cellOptions=TEXT),
            ],
        ),
        rows(SENDERS),
    )


def _outcomes_by_tier() -> model.Panel:
    return groups(
        Head(
            "What became of it, by tier",
            "Impressions of the range shown, by tier and outcome; forwarded ones are counted where they were decided.",
            (8, 8),
        ),
        Look(count("impressions"), least=0, colours=OUTCOMES, empty=NOTHING),
        rows(f"""
            SELECT
                l.tier AS tier,
                sum(l.fresh) AS fresh,
                sum(l.accepted) - sum(l.fresh) AS repeat,
                sum(l.duplicates) AS duplicates,
                sum(l.rejected) AS rejected
            FROM ledger_minutes AS l
            WHERE {IN_RANGE} AND l.tier != '' AND {OF_SENDERS}
            GROUP BY tier
            ORDER BY tier
        """),
        by="tier",
    )


def senders() -> Row:
    """Transports and tiers."""
    return Row(
        "Transports and tiers",
        _by_transport_and_tier(),
        groups(
            Head("Impressions, by transport", "Received and decided in the range shown.", (8, 8)),
            Look(count("impressions"), least=0, colours={"impressions": PLAIN}, empty=NOTHING),
            rows(f"""
                SELECT l.transport AS transport, sum(l.received) - sum(l.forwarded) AS impressions
                FROM ledger_minutes AS l
                WHERE {IN_RANGE} AND l.transport != '' AND {OF_SENDERS}
                GROUP BY transport
                ORDER BY impressions DESC, transport
            """),
            by="transport",
        ),
        _outcomes_by_tier(),
        groups(
            Head(
                "Flushes, by number of impressions in them",
                "How many impressions a flush holds: few if a timer sends it, many after time offline.",
                (8, 8),
            ),
            Look(count("flushes"), least=0, colours={"flushes": PLAIN}, empty=NOTHING),
            rows(SIZES),
            by="impressions",
        ),
    )


def telemetry() -> Row:
    """What producers report about themselves."""
    attempts = "sum(l.attempts) - sum(l.failures)"
    return Row(
        "Telemetry of producers",
        bars(
            Head(
                "Attempts to deliver",
                "Attempts that producers report with the batches that did arrive, by whether they failed. A "
                "producer that never gets through reports nothing.",
                (8, 8),
            ),
            Look(count("attempts"), least=0, colours={"delivered": HUES[0], "failed": BAD}, empty=NOTHING),
            series(by_interval(f"{attempts} AS delivered,\n    sum(l.failures) AS failed", OF_SENDERS)),
        ),
        lines(
            Head(
                "Failed attempts, by transport",
                "Share of the attempts that failed, whatever tier and transport are chosen. At 5 % of all attempts "
                "together, an alert is raised.",
                (8, 8),
            ),
            Look(share("attempts"), least=0, soft_most=0.1, scale=alert_from(Mark(0.05, "5 %")), colours=TRANSPORTS),
            ratio(
                "impressions_worker_delivery_failures_total",
                "impressions_worker_delivery_attempts_total",
                "{{transport}}",
                by="transport",
            ),
        ),
        lines(
            Head(
                "Queued and dropped",
                "Longest queue that a producer reports, and impressions that producers gave up on: only their "
                "number reaches us.",
                (8, 8),
            ),
            Look(count("impressions"), least=0, colours={"longest queue": HUES[0], "dropped": BAD}, empty=NOTHING),
            series(f"""
                SELECT
                    $__timeInterval(l.appended_at) AS time,
                    max(least(l.queued, 100000)) AS "longest queue",
                    sum(least(l.dropped, 100000)) AS dropped
                FROM ledger AS l
                WHERE $__timeFilter(l.appended_at) AND {OF_SENDERS}
                GROUP BY time
                ORDER BY time
            """),
            calcs=("max",),
            points=60,
        ),
    )


def dashboard() -> model.Dashboard:
    """Return the dashboard."""
    piece = variables.text(
        "piece",
        "Rejected piece",
        "Topic id, partition, offset, line and index, with slashes between; empty: the newest.",
    )
    chosen_by = [variables.clickhouse(), variables.prometheus(), variables.transport(), variables.tier(), piece]
    return build(PAGE, chosen_by, [ledger(), duplicates(), rejections(), senders(), telemetry()])
