"""Lag of workers and sinks, on the pipeline dashboard."""

from grafana_foundation_sdk.models import dashboard as model

from dashboards.source.colours import BAD, GOOD, TOPICS
from dashboards.source.layout import Row
from dashboards.source.look import Head, Look
from dashboards.source.overrides import mapped
from dashboards.source.panels import lines, number, states
from dashboards.source.promql import each
from dashboards.source.queries import metric, now
from dashboards.source.scales import FIVE_SECONDS, HALF_MINUTE, MINUTE, SECOND, Mark, at_most, zero_is_right
from dashboards.source.units import NONE, SECONDS, count

READY = mapped(**{"1": ("ready", GOOD), "0": ("not ready", BAD)})


def _now(title: str, description: str, look: Look, expr: str) -> model.Panel:
    return number(Head(title, description, (4, 4)), look, now(expr, title))


def _figures() -> list[model.Panel]:
    return [
        _now(
            "Wait, workers",
            "Time since the append of the oldest record that a worker has fetched but not committed. An alert is "
            "raised while it grows.",
            Look(SECONDS, 2, scale=at_most(SECOND, bad=HALF_MINUTE)),
            "max(impressions_worker_lag_seconds)",
        ),
        _now(
            "Wait, sinks",
            "Time since the append of the oldest record that is not in ClickHouse, read or not. An alert is raised "
            "while it grows; it does while ClickHouse hangs.",
            Look(SECONDS, 2, scale=at_most(FIVE_SECONDS, bad=MINUTE)),
            "max(impressions_sink_lag_seconds)",
        ),
        _now(
            "Records behind, workers",
            "Records of all partitions that no worker has fetched. What ends a transaction is no record: once "
            "everything is fetched, this is 0.",
            Look(count("records"), 0, scale=at_most(Mark(10_000, "10,000"))),
            "sum(impressions_worker_lag)",
        ),
        _now(
            "Records behind, sinks",
            "Records that aren't in ClickHouse, over all topics: those that sinks hold, and those that they haven't "
            "read. What ends a transaction is no record.",
            Look(count("records"), 0, scale=at_most(Mark(10_000, "10,000"))),
            "sum(impressions_sink_lag)",
        ),
        _now(
            "Partitions stalled",
            "Partitions of workers and sinks that make no progress although they have records. Above 0 it pages.",
            Look(count("partitions"), 0, scale=zero_is_right()),
            "sum(impressions_worker_stalled) + sum(impressions_sink_stalled)",
        ),
        _now(
            "Records lost",
            "Records that retention deleted before a worker or sink had read them, since it was started. Above "
            "0 it pages.",
            Look(count("records"), 0, scale=zero_is_right()),
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
            Head(
                "Lag of workers, in records",
                "Records of a partition that are not fetched. What ends a transaction is no record.",
                (12, 8),
            ),
            Look(count("records"), least=0, soft_most=10),
            each("max", "impressions_worker_lag", "partition"),
        ),
        lines(
            Head(
                "Lag of sinks, in seconds",
                "Time since the append of the oldest record of a topic that is not yet in ClickHouse. It grows while "
                "ClickHouse is down or hangs.",
                (12, 8),
            ),
            Look(SECONDS, least=0, colours=TOPICS),
            each("max", "impressions_sink_lag_seconds", "topic"),
        ),
        lines(
            Head(
                "Lag of sinks, in records",
                "Records of a topic that are not in ClickHouse: exact for those that are read; of the others, as many "
                "offsets as were records so far, since what ends a transaction has an offset too.",
                (12, 8),
            ),
            Look(count("records"), least=0, soft_most=10, colours=TOPICS),
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
            Look(NONE),
            metric("impressions_worker_ready", "worker {{instance}}"),
            metric("impressions_sink_ready", "sink {{instance}}"),
            mappings=READY,
        ),
    )
