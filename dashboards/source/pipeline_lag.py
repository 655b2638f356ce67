"""Lag of workers and sinks, on the pipeline dashboard."""

from grafana_foundation_sdk.models import dashboard as model

from dashboards.source.layout import Row
from dashboards.source.panels import Head, Look, lines, number, states
from dashboards.source.promql import each
from dashboards.source.queries import metric, now
from dashboards.source.style import BAD, COUNT, GOOD, SECONDS, at_most, mapped, zero_is_right

READY = mapped(**{"1": ("ready", GOOD), "0": ("not ready", BAD)})


def _now(title: str, description: str, look: Look, expr: str) -> model.Panel:
    return number(Head(title, description, (4, 4)), look, now(expr, title))


def _figures() -> list[model.Panel]:
    return [
        _now(
            "Wait, workers",
            "Time since the append of the oldest record that a worker has fetched but not committed.",
            Look(SECONDS, 2, thresholds=at_most(1, bad=30)),
            "max(impressions_worker_lag_seconds)",
        ),
        _now(
            "Wait, sinks",
            "Time since the append of the oldest record that a sink has read but not inserted.",
            Look(SECONDS, 2, thresholds=at_most(5, bad=60)),
            "max(impressions_sink_lag_seconds)",
        ),
        _now(
            "Behind, worker",
            "Offsets from the newest chunk to the end of its partition, of all partitions. Transaction markers "
            "count too, so a few remain when everything is done.",
            Look(COUNT, 0, thresholds=at_most(10_000)),
            "sum(impressions_worker_lag)",
        ),
        _now(
            "Behind, sink",
            "Offsets between what is inserted and the end of the partition, over all topics.",
            Look(COUNT, 0, thresholds=at_most(10_000)),
            "sum(impressions_sink_lag)",
        ),
        _now(
            "Stalled",
            "Partitions of workers and sinks that make no progress although they have records. Above 0 it pages.",
            Look(COUNT, 0, thresholds=zero_is_right()),
            "sum(impressions_worker_stalled) + sum(impressions_sink_stalled)",
        ),
        _now(
            "Lost",
            "Records that retention deleted before a worker or sink had read them, since it was started. Above "
            "0 it pages.",
            Look(COUNT, 0, thresholds=zero_is_right()),
            "sum(impressions_worker_lost_records_total) + (sum(impressions_sink_lost_offsets_total) or vector(0))",
        ),
    ]


def _lag_over_time() -> list[model.Panel]:
    return [
        lines(
            Head("Lag of workers, in seconds", "How long the oldest record of a partition has waited.", (12, 8)),
            Look(SECONDS, least=0),
            each("max", "impressions_worker_lag_seconds", "partition"),
        ),
        lines(
            Head("Lag of workers, in records", "Offsets from the newest chunk to the end of its partition.", (12, 8)),
            Look(COUNT, least=0, soft_most=10),
            each("max", "impressions_worker_lag", "partition"),
        ),
        lines(
            Head(
                "Lag of sinks, in seconds",
                "Time since the append of the oldest record of a topic that is not yet in ClickHouse.",
                (12, 8),
            ),
            Look(SECONDS, least=0),
            each("max", "impressions_sink_lag_seconds", "topic"),
        ),
        lines(
            Head("Lag of sinks, in records", "Offsets of a topic between what is inserted and its end.", (12, 8)),
            Look(COUNT, least=0, soft_most=10),
            each("sum", "impressions_sink_lag", "topic"),
        ),
    ]


def keeping_up() -> Row:
    """Lag, of workers and sinks."""
    return Row(
        "Does it keep up",
        *_figures(),
        *_lag_over_time(),
        lines(
            Head(
                "Age of the last commit",
                "Time since a chunk of the partition was last committed. It grows while nothing arrives; together "
                "with lag it means that the partition makes no progress.",
                (12, 8),
            ),
            Look(SECONDS, least=0),
            metric(
                "time() - max by (partition) (impressions_worker_progress_timestamp_seconds)", "partition {{partition}}"
            ),
        ),
        states(
            Head(
                "Ready",
                "A worker is ready once it has recovered and reads every assigned partition, a sink once it reads "
                "and ClickHouse accepts its rows.",
                (12, 8),
            ),
            Look("none"),
            metric("impressions_worker_ready", "worker {{instance}}"),
            metric("impressions_sink_ready", "sink {{instance}}"),
            mappings=READY,
        ),
    )
