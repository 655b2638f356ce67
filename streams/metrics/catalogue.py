"""The metrics of worker, sink and collector: one closed, typed catalogue. There are no others.

Each process has its own registry and exports only its own metrics. docs/reference/metrics.md is generated from this
module. No label holds the id of a user, artwork or flush: every label is bounded, as base.py or its values show.
"""

from collections.abc import Sequence

from prometheus_client import Counter, Gauge
from prometheus_client.metrics import MetricWrapperBase

from streams.metrics import availability, base, collector, installation
from streams.metrics.base import PARTITION, POOL, TABLE, TOPIC_PARTITION, TRANSPORT
from streams.metrics.histogram import Histogram

WORKER, SINK, COLLECTOR, POOLS = base.WORKER, base.SINK, base.COLLECTOR, base.POOLS
OTHER = "other"  # the label of later pools

# Seconds: a chunk takes a few ms when little arrives, and up to seconds under backlog.
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
# An hour's outage of ClickHouse must be distinguishable from a minute's.
LATENCY_SECONDS = (*SECONDS, 60, 300, 900, 3600)
# From the device, which is often offline for a day.
SEEN_SECONDS = (*LATENCY_SECONDS[3:], 21_600, 86_400, 604_800)
RECORDS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000)
IMPRESSIONS = (1, 2, 5, 10, 20, 50, 100, 200, 500)
SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1.0)

# The worker's.

worker_ready = Gauge(
    "impressions_worker_ready", "1 if every assigned partition is recovered and being read", registry=WORKER
)
worker_stalled = Gauge(
    "impressions_worker_stalled",
    "Source partitions without progress for IMPRESSIONS_STALL_SECONDS although there are records",
    registry=WORKER,
)
worker_partitions = Gauge("impressions_worker_partitions", "Source partitions that this worker holds", registry=WORKER)
worker_lines = Counter("impressions_worker_lines", "Lines decided", PARTITION, registry=WORKER)
worker_received = Counter(
    "impressions_worker_received", "Impressions received; a line that can't be read counts as one", registry=WORKER
)
worker_impressions = Counter(
    "impressions_worker_impressions",
    "Impressions decided, by outcome: fresh or repeat (the accepted ones), duplicate, rejected, or forwarded (received "
    "again in their own partition); the sum is the number received",
    ("outcome",),
    registry=WORKER,
)
worker_rejected = Counter(
    "impressions_worker_rejected",
    "Impressions rejected, by reason; a line rejected whole counts as one",
    ("reason",),
    registry=WORKER,
)
worker_batches = Counter(
    "impressions_worker_batches",
    "Batches (lines) decided, by outcome: whole (nothing was rejected), partial, rejected or forwarded",
    ("outcome",),
    registry=WORKER,
)
worker_batch_impressions = Histogram(
    "impressions_worker_batch_impressions", "Impressions in a batch", buckets=IMPRESSIONS, registry=WORKER
)
worker_delivery_attempts = Counter(
    "impressions_worker_delivery_attempts",
    "Attempts to deliver the batches that arrived, as reported by their producers",
    TRANSPORT,
    registry=WORKER,
)
worker_delivery_failures = Counter(
    "impressions_worker_delivery_failures", "Attempts that failed", TRANSPORT, registry=WORKER
)
worker_producer_dropped = Counter(
    "impressions_worker_producer_dropped",
    "Impressions that producers gave up on, as they report themselves",
    TRANSPORT,
    registry=WORKER,
)
worker_seen_to_accepted_seconds = Histogram(
    "impressions_worker_seen_to_accepted_seconds",
    "From an accepted impression's seen_at, by the device's clock, to the commit of its row (s)",
    buckets=SEEN_SECONDS,
    registry=WORKER,
)
worker_seen_to_coverage_seconds = Histogram(
    "impressions_worker_seen_to_coverage_seconds",
    "From a fresh impression's seen_at to the commit of its user's coverage, which is also the commit of its row (s)",
    buckets=SEEN_SECONDS,
    registry=WORKER,
)
worker_coverage = Histogram(
    "impressions_worker_coverage_ratio",
    "Coverage of a user and pool, each time a chunk updates it (0 to 1): shows active users only",
    POOL,
    buckets=SHARES,
    registry=WORKER,
)
worker_chunk_records = Histogram(
    "impressions_worker_chunk_records", "Records in a chunk", buckets=RECORDS, registry=WORKER
)
worker_decide_seconds = Histogram(
    "impressions_worker_decide_seconds", "Time to decide a chunk (s)", buckets=SECONDS, registry=WORKER
)
worker_commit_seconds = Histogram(
    "impressions_worker_commit_seconds", "Time to commit a chunk's transaction (s)", buckets=SECONDS, registry=WORKER
)
worker_latency_seconds = Histogram(
    "impressions_worker_latency_seconds",
    "From a record's append to its chunk's commit (s), measured for the oldest record of each chunk",
    buckets=LATENCY_SECONDS,
    registry=WORKER,
)
worker_position = Gauge("impressions_worker_position", "Next offset to decide", PARTITION, registry=WORKER)
worker_lag = Gauge(
    "impressions_worker_lag",
    "Offsets from what is fetched to the end of the partition; 0 once everything is, since what ends a transaction is "
    "fetched like a record",
    PARTITION,
    registry=WORKER,
)
worker_lag_seconds = Gauge(
    "impressions_worker_lag_seconds",
    "Time since the append of the oldest record that is fetched but not committed (s); 0: none",
    PARTITION,
    registry=WORKER,
)
worker_progress = Gauge(
    "impressions_worker_progress_timestamp_seconds",
    "When a chunk was last committed (s since the epoch)",
    PARTITION,
    registry=WORKER,
)
worker_state_bytes = Gauge(
    "impressions_worker_state_bytes",
    "Size of the state on disk and in memory tables (bytes)",
    PARTITION,
    registry=WORKER,
)
worker_restores = Counter("impressions_worker_restores", "Partitions recovered", registry=WORKER)
worker_restored_records = Counter(
    "impressions_worker_restored_records", "Changelog records read by recoveries", registry=WORKER
)
worker_restore_seconds = Histogram(
    "impressions_worker_restore_seconds", "Time to recover a partition (s)", buckets=LATENCY_SECONDS, registry=WORKER
)
worker_poisoned = Counter(
    "impressions_worker_poisoned_lines",
    "Lines rejected because deciding them failed repeatedly: a defect of ours",
    registry=WORKER,
)
worker_lost_records = Counter(
    "impressions_worker_lost_records", "Records that retention deleted before they were decided", registry=WORKER
)
catalogue_artworks = Gauge(
    "impressions_catalogue_artworks", "Artworks in the catalogue, retired ones included", registry=WORKER
)
worker_uncatalogued = Counter(
    "impressions_worker_uncatalogued",
    "Accepted impressions of artworks that no catalogue record had named when they were decided: in no pool's coverage "
    "until one does",
    registry=WORKER,
)
uncatalogued_artworks = Gauge(
    "impressions_uncatalogued_artworks",
    "Artworks of accepted impressions since the worker was started that no catalogue record has named yet; at most "
    "10,000 are counted",
    registry=WORKER,
)
catalogue_refused = Counter("impressions_catalogue_refused", "Catalogue records that were refused", registry=WORKER)
pool_artworks = Gauge("impressions_pool_artworks", "Active artworks of a pool: its size", POOL, registry=WORKER)

# The sink's.

sink_ready = Gauge(
    "impressions_sink_ready",
    "1 if every assigned partition is being read and ClickHouse accepts its rows",
    registry=SINK,
)
sink_stalled = Gauge(
    "impressions_sink_stalled",
    "Partitions without progress for IMPRESSIONS_STALL_SECONDS although there are records and ClickHouse answers",
    registry=SINK,
)
sink_rows = Counter("impressions_sink_rows", "Rows inserted; a block that is retried counts once", TABLE, registry=SINK)
sink_blocks = Counter("impressions_sink_blocks", "Blocks inserted", TABLE, registry=SINK)
sink_insert_seconds = Histogram(
    "impressions_sink_insert_seconds", "Time of one insert (s)", TABLE, buckets=SECONDS, registry=SINK
)
sink_errors = Counter(
    "impressions_sink_errors",
    "Requests to ClickHouse that failed, by its error code (`unreachable`: no answer); each is retried",
    ("code",),
    registry=SINK,
)
sink_waiting = Gauge("impressions_sink_waiting", "1 while the sink waits for ClickHouse to come back", registry=SINK)
sink_buffered_rows = Gauge(
    "impressions_sink_buffered_rows", "Rows read but not yet inserted", TOPIC_PARTITION, registry=SINK
)
sink_lag = Gauge(
    "impressions_sink_lag",
    "Records that are not inserted: exact for those that are read; of the others, as many offsets as were records so "
    "far, since what ends a transaction has an offset too",
    TOPIC_PARTITION,
    registry=SINK,
)
sink_lag_seconds = Gauge(
    "impressions_sink_lag_seconds",
    "Time since the append of the oldest record that is read but not inserted, or since the first that is not read was "
    "seen to be there (s); 0: none",
    TOPIC_PARTITION,
    registry=SINK,
)
sink_committed = Gauge(
    "impressions_sink_committed_offset", "Offset whose commit is confirmed", TOPIC_PARTITION, registry=SINK
)
sink_progress = Gauge(
    "impressions_sink_progress_timestamp_seconds",
    "When a block was last inserted (s since the epoch)",
    TOPIC_PARTITION,
    registry=SINK,
)
sink_lost = Counter(
    "impressions_sink_lost_offsets",
    "Offsets deleted by retention before they were read",
    TOPIC_PARTITION,
    registry=SINK,
)
sink_partition_refused = Gauge(
    "impressions_sink_partition_refused",
    "1 while a partition is not read until a person has looked; the log says why (`partition_refused`)",
    TOPIC_PARTITION,
    registry=SINK,
)
sink_refused = Counter("impressions_sink_refused_artworks", "Catalogue records that were refused", registry=SINK)
sink_latency_seconds = Histogram(
    "impressions_sink_latency_seconds",
    "From the append of a record's source to its rows being readable (s), one observation per record",
    ("topic",),
    buckets=LATENCY_SECONDS,
    registry=SINK,
)
sink_seen_to_readable_seconds = Histogram(
    "impressions_sink_seen_to_readable_seconds",
    "From an accepted impression's seen_at, by the device's clock, to its row being readable (s)",
    buckets=SEEN_SECONDS,
    registry=SINK,
)

_pools: set[str] = set()


def pool_label(pool_id: str) -> str:
    """Return the pool's label: its id, or OTHER once POOLS of them have their own."""
    if pool_id in _pools:
        return pool_id
    if len(_pools) >= POOLS:
        return OTHER
    _pools.add(pool_id)
    return pool_id


def forget(labels: Sequence[str], *metrics: Gauge) -> None:
    """Drop the gauges' values for a partition that another process has now."""
    for metric in metrics:
        if tuple(labels) in metric._metrics:  # remove() raises KeyError if it was never set
            metric.remove(*labels)


def catalogue() -> dict[str, MetricWrapperBase]:
    """Return every metric by the name of its variable."""
    everything = globals() | vars(installation) | vars(availability) | vars(collector)
    return {name: value for name, value in everything.items() if isinstance(value, MetricWrapperBase)}
