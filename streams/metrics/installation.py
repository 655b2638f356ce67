"""Metrics of the installation as a whole: every sink asks for the same and reports the same.

So take their max over instances.
"""

from prometheus_client import Gauge

from streams.metrics.base import CERTIFICATE, PARTITION, POOL, POOL_COVERAGE, SINK, STATE

# About all users, from ClickHouse.

kpi_freshness = Gauge(
    "impressions_kpi_freshness_ratio",
    "Mean share of the pool that is new to a recently active user",
    POOL,
    registry=SINK,
)
kpi_exhausted = Gauge(
    "impressions_kpi_exhausted_ratio", "Share of a pool's users who have seen 95 % of it", POOL, registry=SINK
)
kpi_users = Gauge("impressions_kpi_users", "Users who have seen any of a pool", POOL, registry=SINK)
kpi_active_users = Gauge(
    "impressions_kpi_active_users", "Users of a pool active in the last 24 hours", POOL, registry=SINK
)
kpi_users_above = Gauge(
    "impressions_kpi_users_above", "Users whose coverage of a pool is at least this", POOL_COVERAGE, registry=SINK
)
kpi_coverage_users = Gauge(
    "impressions_kpi_coverage_users", "Users whose coverage of a pool is at most this", POOL_COVERAGE, registry=SINK
)
kpi_duplicates = Gauge(
    "impressions_kpi_duplicates_seen",
    "Duplicates that readers see, received in the last 24 hours: a defect of ours",
    registry=SINK,
)
kpi_unbalanced = Gauge("impressions_kpi_unbalanced_lines", "Ledger lines in 24 hours that don't balance", registry=SINK)
kpi_computed = Gauge(
    "impressions_kpi_computed_timestamp_seconds", "When ClickHouse last answered (s since the epoch)", registry=SINK
)

# About the brokers, and the certificates that connections rely on.

source_end = Gauge(
    "impressions_source_end_offset",
    "Offset after the last record of impressions.v1, committed or not, transaction markers included",
    PARTITION,
    registry=SINK,
)
kafka_partitions = Gauge(
    "impressions_kafka_partitions",
    "Partitions of our topics and of Kafka's own that are `offline` (without a leader), `under_min_isr` (with too few "
    "replicas in sync to be written) or `under_replicated` (with a replica that is not in sync)",
    STATE,
    registry=SINK,
)
certificate_expiry = Gauge(
    "impressions_certificate_expiry_timestamp_seconds",
    "When a server's certificate, or the first of its authority's file, expires (s since the epoch)",
    CERTIFICATE,
    registry=SINK,
)
