"""The read API, and the tail that it adds to what ClickHouse shows."""

from grafana_foundation_sdk.models import dashboard as model

from dashboards.source.colours import BAD, CALLS, HUES
from dashboards.source.layout import Row
from dashboards.source.look import Head, Look
from dashboards.source.overrides import by_instance
from dashboards.source.panels import areas, lines
from dashboards.source.promql import percentile, rates
from dashboards.source.queries import metric
from dashboards.source.scales import FIVE_SECONDS, READ_FAST, alert_from
from dashboards.source.units import BYTES, SECONDS, count, rate


def _asked() -> list[model.Panel]:
    return [
        areas(
            Head("Reads, by call", "Requests of the read API that were answered, whatever the answer.", (8, 8)),
            Look(rate("reads"), least=0, colours=CALLS),
            rates("impressions_collector_reads_total", "call"),
        ),
        lines(
            Head("Time to read, by call: P95", "From a read's complete header to its answer.", (8, 8)),
            Look(SECONDS, least=0, scale=READ_FAST, colours=CALLS),
            percentile("impressions_collector_read_seconds", "P95", "{{call}}", by="call"),
        ),
        lines(
            Head(
                "Reads without ClickHouse",
                "ClickHouse did not answer in time. Coverage is then answered from the tail's last knowledge, and says "
                "so (stale); the others fail with 503, to be asked again.",
                (8, 8),
            ),
            Look(rate("reads"), least=0, soft_most=0.1, colours={"failed": BAD, "stale": HUES[0]}),
            metric("sum(rate(impressions_collector_clickhouse_away_reads_total[$__rate_interval]))", "failed"),
            metric("sum(rate(impressions_collector_stale_reads_total[$__rate_interval]))", "stale"),
        ),
    ]


def _tail() -> list[model.Panel]:
    return [
        lines(
            Head(
                "Rows of the tail",
                "Accepted rows in memory that ClickHouse hasn't shown yet. They grow while a sink or ClickHouse is "
                "behind.",
                (8, 8),
            ),
            Look(count("rows"), least=0, soft_most=10, hues=by_instance()),
            metric("impressions_collector_tail_records", "{{job}} {{instance}}"),
        ),
        lines(
            Head("Memory of the tail", "What those rows take, as estimated.", (8, 8)),
            Look(BYTES, least=0, hues=by_instance()),
            metric("impressions_collector_tail_bytes", "{{job}} {{instance}}"),
        ),
        lines(
            Head(
                "Tail behind the log",
                "How far the tail is behind the end of impressions.accepted.v1: answers are as old as that.",
                (8, 8),
            ),
            Look(SECONDS, least=0, scale=alert_from(FIVE_SECONDS), hues=by_instance()),
            metric("impressions_collector_tail_behind_seconds", "{{job}} {{instance}}"),
        ),
    ]


def reads() -> Row:
    """What is read, how fast, and how current."""
    return Row("Reads", *_asked(), *_tail())
