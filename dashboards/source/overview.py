"""Overview: is it healthy? The KPIs against their targets, what is happening now, and what alerts watch."""

from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.prometheus import Dataquery

from dashboards.source import variables
from dashboards.source.colours import BAD, GOOD, MISSED, OUTCOMES
from dashboards.source.coverage_users import freshness_by_pool
from dashboards.source.layout import Page, Row, build
from dashboards.source.look import Head, Look
from dashboards.source.overview_kpis import definitions, kpis
from dashboards.source.panels import areas, lines, number
from dashboards.source.pipeline_catalogue import uncatalogued
from dashboards.source.pipeline_still import broker_away, refused, unreadable, untaken
from dashboards.source.pipeline_worker import given_up
from dashboards.source.promql import of_pools, ratio
from dashboards.source.queries import metric, now
from dashboards.source.scales import (
    FIVE_SECONDS,
    HALF_MINUTE,
    MINUTE,
    SECOND,
    Line,
    Mark,
    Scale,
    at_most,
    some_are_needed,
    zero_is_right,
)
from dashboards.source.units import SECONDS, count, rate, share

# Each series has an alert of its own, so both lines are named after theirs.
FAILED_OR_REJECTED = Scale(
    GOOD,
    lines=(
        Line(0.05, BAD, "alert: failed attempts from 5 %"),
        Line(0.02, MISSED, "alert: rejected from 2 %"),
    ),
)
PAGE = Page(
    "impressions-overview",
    "Impressions: overview",
    "Is it healthy? KPIs against their targets, what is happening now, and what the alerts watch.",
    "now-6h",
)


def happening() -> Row:
    """What is happening now."""
    return Row(
        "What happens",
        areas(
            Head(
                "Impressions, by outcome",
                "What workers decide. Fresh and repeat are accepted; forwarded ones are decided again in their "
                "user's partition.",
                (12, 9),
            ),
            Look(rate("impressions"), least=0, colours=OUTCOMES),
            *(of_outcome(outcome) for outcome in ("fresh", "repeat", "duplicate", "forwarded", "rejected")),
        ),
        lines(
            Head(
                "Active users, by pool",
                "Users of a pool with an accepted impression, of any pool, in the last 24 hours.",
                (6, 9),
            ),
            Look(count("users"), least=0),
            of_pools("impressions_kpi_active_users"),
            calcs=("max", "lastNotNull"),
        ),
        freshness_by_pool((6, 9)),
    )


def of_outcome(outcome: str) -> Dataquery:
    """Return the impressions a second of an outcome: a query each, so that they are stacked in the page's order."""
    return metric(f'sum(rate(impressions_worker_impressions_total{{outcome="{outcome}"}}[$__rate_interval]))', outcome)


def _state(title: str, description: str, look: Look, expr: str) -> model.Panel:
    return number(Head(title, description, (3, 4)), look, now(expr, title))


def _failures_and_waits() -> list[model.Panel]:
    return [
        lines(
            Head(
                "Failed and rejected",
                "Share of attempts to deliver that failed, as producers report (alert from 5 % on), and share of "
                "received impressions that were rejected (alert from 2 % on).",
                (12, 8),
            ),
            Look(
                share("all"),
                least=0,
                soft_most=0.06,
                colours={"failed attempts": "purple", "rejected": "#1fa3b8"},
                scale=FAILED_OR_REJECTED,
            ),
            ratio(
                "impressions_worker_delivery_failures_total",
                "impressions_worker_delivery_attempts_total",
                "failed attempts",
            ),
            ratio("impressions_worker_rejected_total", "impressions_worker_received_total", "rejected"),
        ),
        lines(
            Head(
                "Longest wait",
                "How long the oldest record has waited for a worker to decide it, and for a sink to insert it. An "
                "alert is raised from 30 s and from 60 s on, if it grows.",
                (12, 8),
            ),
            Look(SECONDS, least=0, colours={"to be decided": "blue", "to be readable": "purple"}),
            metric("max(impressions_worker_lag_seconds)", "to be decided"),
            metric("max(impressions_sink_lag_seconds)", "to be readable"),
        ),
    ]


def standing() -> Row:
    """What the alerts watch."""
    return Row(
        "Is anything stuck",
        _state(
            "Alerts firing",
            "Alerts of dashboards/prometheus that are firing now. docs/operate/runbooks.md has a heading for each.",
            Look(count("alerts"), 0, scale=zero_is_right(), empty="no alert rules"),
            'count(ALERTS{alertname=~"Impressions.*", alertstate="firing", severity!="none"}) or vector(0)',
        ),
        _state(
            "Workers ready",
            "Workers that have recovered and are reading all of their partitions.",
            Look(count("workers"), 0, scale=some_are_needed()),
            "sum(impressions_worker_ready)",
        ),
        _state(
            "Sinks ready",
            "Sinks that read all of their partitions and whose rows ClickHouse accepts.",
            Look(count("sinks"), 0, scale=some_are_needed()),
            "sum(impressions_sink_ready)",
        ),
        _state(
            "Partitions stalled",
            "Partitions of workers and sinks that make no progress although they have records. Above 0 it pages.",
            Look(count("partitions"), 0, scale=zero_is_right()),
            "sum(impressions_worker_stalled) + sum(impressions_sink_stalled)",
        ),
        _state(
            "Sinks waiting",
            "Sinks that wait for ClickHouse to come back. Nothing is lost meanwhile, but new rows can't be read.",
            Look(count("sinks"), 0, scale=zero_is_right()),
            "sum(impressions_sink_waiting)",
        ),
        _state(
            "Wait, workers",
            "How long the oldest record that a worker has fetched but not committed has waited. From 30 s on, "
            "an alert is raised while it grows, from 60 s on if it stays for half an hour.",
            Look(SECONDS, 1, scale=at_most(SECOND, bad=HALF_MINUTE)),
            "max(impressions_worker_lag_seconds)",
        ),
        _state(
            "Wait, sinks",
            "How long the oldest record that a sink has read but not inserted has waited. From 60 s on, an "
            "alert is raised while it grows.",
            Look(SECONDS, 1, scale=at_most(FIVE_SECONDS, bad=MINUTE)),
            "max(impressions_sink_lag_seconds)",
        ),
        _state(
            "Age of the KPIs",
            "Time since a sink last got the KPIs from ClickHouse; it asks every 30 s. After 10 minutes an "
            "alert is raised.",
            Look(SECONDS, 0, scale=at_most(Mark(120, "2 min"), bad=Mark(600, "10 min")), empty="no KPIs yet"),
            "time() - max(impressions_kpi_computed_timestamp_seconds)",
        ),
        *(figure(4) for figure in (broker_away, untaken, refused, unreadable, uncatalogued, given_up)),
        *_failures_and_waits(),
    )


def dashboard() -> model.Dashboard:
    """Return the dashboard."""
    chosen_by = [variables.clickhouse(), variables.prometheus(), variables.pool()]
    return build(PAGE, chosen_by, [kpis(), happening(), standing(), definitions()])
