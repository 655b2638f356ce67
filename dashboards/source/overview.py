"""Overview: is it healthy? The KPIs against their targets, what is happening now, and what alerts watch."""

from grafana_foundation_sdk.models import dashboard as model

from dashboards.source import variables
from dashboards.source.coverage_users import freshness_by_pool
from dashboards.source.layout import Page, Row, build
from dashboards.source.overview_kpis import definitions, kpis
from dashboards.source.panels import Head, Look, areas, lines, number
from dashboards.source.pipeline_still import broker_away, refused, unreadable, untaken
from dashboards.source.promql import of_pools, rates, ratio
from dashboards.source.queries import metric, now
from dashboards.source.style import (
    BAD,
    COUNT,
    GOOD,
    MISSED,
    OUTCOMES,
    PER_SECOND,
    SECONDS,
    SHARE,
    at_most,
    steps,
    zero_is_right,
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
                "Impressions a second, by outcome",
                "What workers decide. Fresh and repeat are accepted; forwarded ones are decided again in their "
                "user's partition.",
                (12, 9),
            ),
            Look(PER_SECOND, least=0, colours=OUTCOMES),
            rates("impressions_worker_impressions_total", "outcome"),
        ),
        lines(
            Head(
                "Active users, by pool",
                "Users of a pool with an accepted impression, of any pool, in the last 24 hours.",
                (6, 9),
            ),
            Look(COUNT, least=0),
            of_pools("impressions_kpi_active_users"),
            calcs=("max", "lastNotNull"),
        ),
        freshness_by_pool((6, 9)),
    )


def _state(title: str, description: str, look: Look, expr: str) -> model.Panel:
    return number(Head(title, description, (3, 4)), look, now(expr, title))


def _failures_and_waits() -> list[model.Panel]:
    return [
        lines(
            Head(
                "Failed and rejected",
                "Share of attempts to deliver that failed, as producers report (alert at 5 %), and share of "
                "received impressions that were rejected (alert at 2 %).",
                (12, 8),
            ),
            Look(SHARE, least=0, soft_most=0.05, colours={"failed attempts": MISSED, "rejected": BAD}),
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
                "How long the oldest record has waited for a worker to decide it, and for a sink to insert it.",
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
            Look(COUNT, 0, thresholds=zero_is_right()),
            'count(ALERTS{alertname=~"Impressions.*", alertstate="firing", severity!="none"}) or vector(0)',
        ),
        _state(
            "Workers ready",
            "Workers that have recovered and are reading all of their partitions.",
            Look(COUNT, 0, thresholds=steps(BAD, (1, GOOD))),
            "sum(impressions_worker_ready)",
        ),
        _state(
            "Sinks ready",
            "Sinks that read all of their partitions and whose rows ClickHouse accepts.",
            Look(COUNT, 0, thresholds=steps(BAD, (1, GOOD))),
            "sum(impressions_sink_ready)",
        ),
        _state(
            "Partitions stalled",
            "Partitions of workers and sinks that make no progress although they have records. Above 0 it pages.",
            Look(COUNT, 0, thresholds=zero_is_right()),
            "sum(impressions_worker_stalled) + sum(impressions_sink_stalled)",
        ),
        _state(
            "Sinks waiting",
            "Sinks that wait for ClickHouse to come back. Nothing is lost meanwhile, but new rows can't be read.",
            Look(COUNT, 0, thresholds=zero_is_right()),
            "sum(impressions_sink_waiting)",
        ),
        _state(
            "Wait, workers",
            "How long the oldest record that a worker has fetched but not committed has waited. From 30 s on, "
            "an alert is raised while it grows, from 60 s on if it stays for half an hour.",
            Look(SECONDS, 1, thresholds=at_most(1, bad=30)),
            "max(impressions_worker_lag_seconds)",
        ),
        _state(
            "Wait, sinks",
            "How long the oldest record that a sink has read but not inserted has waited. From 60 s on, an "
            "alert is raised while it grows.",
            Look(SECONDS, 1, thresholds=at_most(5, bad=60)),
            "max(impressions_sink_lag_seconds)",
        ),
        _state(
            "Age of the KPIs",
            "Time since a sink last got the KPIs from ClickHouse; it asks every 30 s. After 10 minutes an "
            "alert is raised.",
            Look(SECONDS, 0, thresholds=at_most(120, bad=600)),
            "time() - max(impressions_kpi_computed_timestamp_seconds)",
        ),
        *(figure(6) for figure in (broker_away, untaken, refused, unreadable)),
        *_failures_and_waits(),
    )


def dashboard() -> model.Dashboard:
    """Return the dashboard."""
    chosen_by = [variables.clickhouse(), variables.prometheus(), variables.pool()]
    return build(PAGE, chosen_by, [kpis(), happening(), standing(), definitions()])
