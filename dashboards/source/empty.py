"""Why a panel may have no data, in words that Grafana shows in its place."""

import re

from dashboards.source.queries import ClickHouseQuery, Target

WORKERS = "impressions_worker_|impressions_catalogue_|impressions_pool_|impressions_uncatalogued_|faust_"
UNREADABLE = "impressions_source_unreadable_"
COLLECTORS = "impressions_collector_"
SINKS = "impressions_sink_|impressions_source_end_|impressions_kafka_|impressions_certificate_"
# In this order: the first that a query reads explains it.
_REASONS = (
    (WORKERS + "|" + UNREADABLE, "no worker reports", "No data: no worker reports its metrics to Prometheus"),
    ("impressions_kpi_", "no KPIs yet", "No data yet: sinks export the KPIs of users who were active in the last day"),
    (SINKS, "no sink reports", "No data: no sink reports its metrics to Prometheus"),
    (COLLECTORS, "no collector reports", "No data: no collector reports its metrics to Prometheus"),
    ("", "nothing reports", "No data: no worker or sink reports its metrics to Prometheus"),
)
# These divide by what happened, and nothing may have.
_OF_EVENTS = re.compile(r"histogram_quantile|rate\([^)]*\)+ / ")


def why_empty(target: Target, short: bool) -> str:
    """Return why a query may return nothing; `short` fits where a number would stand."""
    if isinstance(target, ClickHouseQuery):
        return "nothing yet" if short else "Nothing of this arrived in the time range"
    brief, long = next(
        (brief, long) for prefixes, brief, long in _REASONS if re.search(rf"\b(?:{prefixes})", str(target.expr))
    )
    return brief if short else long


def no_line(targets: tuple[Target, ...]) -> str:
    """Return the sentence for graphs whose lines have gaps where nothing was measured; empty for others."""
    gaps = any(not isinstance(each, ClickHouseQuery) and _OF_EVENTS.search(str(each.expr)) for each in targets)
    return " Where nothing was measured there is no line." if gaps else ""
