"""The collector's way to the broker, and its processes."""

from dashboards.source.colours import BAD, HUES, PERCENTILES
from dashboards.source.layout import Row
from dashboards.source.look import Head, Look
from dashboards.source.overrides import by_instance
from dashboards.source.panels import heat, lines
from dashboards.source.promql import percentiles
from dashboards.source.queries import buckets, metric
from dashboards.source.scales import FIVE_SECONDS, alert_from
from dashboards.source.units import BYTES, SECONDS, rate, share


def log() -> Row:
    """What waits for the broker, and for how long."""
    return Row(
        "The way to the broker",
        lines(
            Head(
                "Acknowledgement",
                "From handing a record to the broker to its acknowledgement by all replicas in sync. A request also "
                "waits for the record before its own.",
                (12, 9),
            ),
            Look(SECONDS, least=0, colours=PERCENTILES),
            *percentiles("impressions_collector_ack_seconds"),
        ),
        heat(
            Head(
                "Acknowledgement, as a heatmap",
                "The same as a distribution: records a second, by how long they took.",
                (12, 9),
            ),
            Look(SECONDS),
            buckets("sum by (le) (rate(impressions_collector_ack_seconds_bucket[$__rate_interval]))"),
            cells=rate("records"),
        ),
        lines(
            Head(
                "Waiting, and the budget",
                "Bodies that are being read, and lines that are not acknowledged yet, of all collectors; and how much "
                "may wait. From 70 % of it on, requests get 503.",
                (8, 8),
            ),
            Look(BYTES, least=0, colours={"waiting": HUES[0], "budget": HUES[1]}),
            metric("sum(impressions_collector_waiting_bytes)", "waiting"),
            metric("sum(impressions_collector_budget_bytes)", "budget"),
            calcs=("max", "lastNotNull"),
        ),
        lines(
            Head(
                "Wait of the oldest line",
                "How long the oldest line of a collector has waited for its acknowledgement. It grows while the broker "
                "is away.",
                (8, 8),
            ),
            Look(SECONDS, least=0, scale=alert_from(FIVE_SECONDS), hues=by_instance()),
            metric("impressions_collector_waiting_seconds", "{{job}} {{instance}}"),
        ),
        lines(
            Head(
                "Records that were not acknowledged",
                "Each request in such a record got 503. Clients send it again; what is in the log twice is dropped.",
                (8, 8),
            ),
            Look(rate("records"), least=0, soft_most=0.1, colours={"failed": BAD}),
            metric("sum(rate(impressions_collector_append_failures_total[$__rate_interval]))", "failed"),
        ),
    )


def processes() -> Row:
    """The collectors' processes."""
    of = '{job="collector"}'
    return Row(
        "Processes of collectors",
        lines(
            Head(
                "Processor of collectors",
                "Share of one core that a process uses; it has one thread for requests.",
                (8, 8),
            ),
            Look(share("a core"), least=0, hues=by_instance()),
            metric(f"rate(process_cpu_seconds_total{of}[$__rate_interval])", "{{job}} {{instance}}"),
        ),
        lines(
            Head(
                "Memory of collectors",
                "Resident memory: about 10 kB for an idle connection, and the tail's rows.",
                (8, 8),
            ),
            Look(BYTES, least=0, hues=by_instance()),
            metric(f"process_resident_memory_bytes{of}", "{{job}} {{instance}}"),
        ),
        lines(
            Head(
                "Log lines that were dropped",
                "Lines that could not be written. Requests don't wait for them; counts stay exact.",
                (8, 8),
            ),
            Look(rate("log lines"), least=0, soft_most=0.1, colours={"dropped": BAD}),
            metric("sum(rate(impressions_collector_unwritten_logs_total[$__rate_interval]))", "dropped"),
        ),
    )
