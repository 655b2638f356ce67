"""What keeps partitions from moving, on the pipeline dashboard: the broker, refusals, open transactions, replicas."""

from grafana_foundation_sdk.models import dashboard as model

from dashboards.source.layout import Row
from dashboards.source.look import Head, Look
from dashboards.source.overrides import by_instance
from dashboards.source.panels import lines, number
from dashboards.source.promql import each
from dashboards.source.queries import metric, now
from dashboards.source.scales import FIVE_SECONDS, HALF_MINUTE, Mark, at_least, at_most, zero_is_right
from dashboards.source.units import SECONDS, count

DAY_SECONDS = 86_400
# A worker that has fetched everything (markers included) and holds nothing undecided has nothing left to decide,
# although its position, the offset after the last record, may come before the end. A sink asks for the end every 15 s,
# so a worker may be beyond what it says.
DONE = "max by (partition) (impressions_worker_lag) + max by (partition) (impressions_worker_lag_seconds) == 0"
NOT_DECIDED = f"""
    (
        clamp_min(
            max by (partition) (impressions_source_end_offset) - max by (partition) (impressions_worker_position), 0
        )
        unless on (partition) ({DONE})
    )
    or on (partition) ({DONE})
"""


def broker_away(width: int) -> model.Panel:
    """For how long no broker has answered."""
    return number(
        Head(
            "Broker away",
            "For how long a worker or a sink has had no answer from any Kafka broker, the longest of all. From 30 s "
            "on it pages.",
            (width, 4),
        ),
        Look(SECONDS, 0, scale=at_most(FIVE_SECONDS, bad=HALF_MINUTE)),
        now("max(impressions_broker_away_seconds)", "away"),
    )


def untaken(width: int) -> model.Panel:
    """How many partitions workers can't take."""
    return number(
        Head(
            "Partitions not taken",
            "Partitions of impressions.v1 that were assigned to a worker which can't take them. Above 0 for two "
            "minutes it pages.",
            (width, 4),
        ),
        Look(count("partitions"), 0, scale=zero_is_right()),
        now("sum(impressions_worker_partitions_untaken) or vector(0)", "not taken"),
    )


def refused(width: int) -> model.Panel:
    """How many partitions sinks refuse."""
    return number(
        Head(
            "Partitions refused",
            "Partitions that a sink doesn't write to ClickHouse, since going on would lose rows or guess. Above 0 an "
            "alert is raised.",
            (width, 4),
        ),
        Look(count("partitions"), 0, scale=zero_is_right()),
        now("sum(impressions_sink_partition_refused) or vector(0)", "refused"),
    )


def unreadable(width: int) -> model.Panel:
    """For how long an open transaction has hidden the source's end."""
    return number(
        Head(
            "Source unreadable",
            "For how long a producer's open transaction has hidden the end of a partition of impressions.v1 from "
            "workers. From 35 s on an alert is raised; our brokers end it after 60.",
            (width, 4),
        ),
        Look(SECONDS, 0, scale=at_most(FIVE_SECONDS, bad=Mark(35, "35 s"))),
        now("max(impressions_source_unreadable_seconds)", "unreadable"),
    )


def _servers() -> list[model.Panel]:
    return [
        number(
            Head(
                "Kafka partitions unwell",
                "Partitions of our topics, and of Kafka's own, without a leader, with too few replicas in sync to be "
                "written, or with a replica that is not in sync. An alert is raised for each.",
                (4, 4),
            ),
            Look(count("partitions"), 0, scale=zero_is_right()),
            now("max(impressions_kafka_partitions)", "unwell"),
        ),
        number(
            Head(
                "First certificate expires",
                "Time until the first certificate of a broker, ClickHouse or their authority expires. Below 30 days "
                "an alert is raised; without TLS there is none.",
                (4, 4),
            ),
            Look(
                SECONDS,
                0,
                scale=at_least(Mark(60 * DAY_SECONDS, "60 days"), bad=Mark(30 * DAY_SECONDS, "30 days")),
                empty="no TLS",
            ),
            now("min(impressions_certificate_expiry_timestamp_seconds) - time()", "left"),
        ),
    ]


def standing_still() -> Row:
    """What keeps partitions from moving."""
    return Row(
        "Does anything stand still",
        *(figure(4) for figure in (broker_away, untaken, refused, unreadable)),
        *_servers(),
        lines(
            Head(
                "Source not decided",
                "Offsets of a partition of impressions.v1 that no worker has decided, fetched or not, as a sink sees "
                "its end. What ends a transaction has an offset too, and counts until everything is decided: then "
                "this is 0.",
                (8, 8),
            ),
            Look(count("offsets"), least=0, soft_most=10),
            metric(NOT_DECIDED, "partition {{partition}}"),
        ),
        lines(
            Head(
                "Source not readable",
                "Offsets at a partition's end that come after the beginning of an open transaction.",
                (8, 8),
            ),
            Look(count("offsets"), least=0, soft_most=10),
            each("max", "impressions_source_unreadable_offsets", "partition"),
        ),
        lines(
            Head("Broker away, over time", "For how long a process has had no answer from any broker.", (8, 8)),
            Look(SECONDS, least=0, soft_most=10, hues=by_instance()),
            metric("impressions_broker_away_seconds", "{{job}} {{instance}}"),
        ),
    )
