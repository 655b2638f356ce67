"""The sinks' part of the pipeline dashboard."""

from grafana_foundation_sdk.models import dashboard as model

from dashboards.source.colours import BAD, GOOD, QUIET, TABLES, TOPICS
from dashboards.source.layout import Row
from dashboards.source.look import Head, Look
from dashboards.source.overrides import fixed, mapped, named
from dashboards.source.panels import areas, heat, lines, states
from dashboards.source.promql import each, percentile, rates, ratio
from dashboards.source.queries import buckets, metric
from dashboards.source.units import NONE, SECONDS, count, rate

WAITING = mapped(**{"0": ("ClickHouse takes rows", GOOD), "1": ("waits for ClickHouse", BAD)})


def _inserts() -> list[model.Panel]:
    return [
        areas(
            Head("Rows, by table", "Rows inserted; a block that is inserted again is counted once.", (8, 8)),
            Look(rate("rows"), least=0, colours=TABLES),
            rates("impressions_sink_rows_total", "table"),
        ),
        lines(
            Head(
                "Blocks, by table",
                "Each block is a part that ClickHouse has to merge: many small ones cost more than few large ones.",
                (8, 8),
            ),
            Look(rate("blocks"), least=0, colours=TABLES),
            rates("impressions_sink_blocks_total", "table"),
        ),
        lines(
            Head("Rows in a block, by table", "How full blocks are when they are inserted.", (8, 8)),
            Look(count("rows"), least=0, colours=TABLES),
            ratio("impressions_sink_rows_total", "impressions_sink_blocks_total", "{{table}}", by="table"),
        ),
        lines(
            Head("Time of an insert, by table: P95", "From the request to ClickHouse's answer.", (8, 8)),
            Look(SECONDS, least=0, colours=TABLES),
            percentile("impressions_sink_insert_seconds", "P95", "{{table}}", by="table"),
        ),
        heat(
            Head("Time of an insert, as a heatmap", "All tables: inserts a second, by how long they took.", (8, 8)),
            Look(SECONDS),
            buckets("sum by (le) (rate(impressions_sink_insert_seconds_bucket[$__rate_interval]))"),
            cells=rate("inserts"),
        ),
    ]


def sink() -> Row:
    """Kafka to ClickHouse."""
    return Row(
        "Sink",
        *_inserts(),
        lines(
            Head(
                "Errors of ClickHouse, by code",
                "Requests to ClickHouse that failed, by its error code; each is retried, and its rows stay in "
                "Kafka meanwhile.",
                (8, 8),
            ),
            Look(rate("errors"), least=0, soft_most=1, overrides=[named("all errors", color=fixed(BAD))]),
            rates("impressions_sink_errors_total", "code"),
            metric("sum(rate(impressions_sink_errors_total[$__rate_interval])) or vector(0)", "all errors"),
        ),
        states(
            Head("Waiting for ClickHouse", "Whether a sink waits for ClickHouse to come back.", (8, 7)),
            Look(NONE),
            metric("impressions_sink_waiting", "{{instance}}"),
            mappings=WAITING,
        ),
        lines(
            Head("Rows buffered, by topic", "Rows read and not yet inserted.", (8, 7)),
            Look(count("rows"), least=0, colours=TOPICS),
            each("sum", "impressions_sink_buffered_rows", "topic"),
        ),
        lines(
            Head(
                "Set aside and refused",
                "Partitions that are not read until a person has looked (the sink's log says why), and catalogue "
                "records that were refused since the sink was started.",
                (8, 7),
            ),
            Look(count("partitions, records"), least=0, soft_most=5, colours={"set aside": BAD, "refused": QUIET}),
            metric("sum(impressions_sink_partition_refused) or vector(0)", "set aside"),
            metric("max(impressions_sink_refused_artworks_total)", "refused"),
            calcs=("lastNotNull",),
        ),
    )
