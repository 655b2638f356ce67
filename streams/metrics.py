"""The metrics of every process, as a closed, typed catalogue: name, meaning, labels.

The sink has its own, streams.sink.metrics. A metric that stands in neither does not exist.
"""

from collections.abc import Sequence

from prometheus_client import Counter, Gauge, Histogram

from streams import health
from streams.errors import UserError

# Seconds: a chunk when little arrives takes some ms, one under backlog up to seconds.
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
RECORDS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000)

PARTITION = ("partition",)

worker_ready = Gauge("impressions_worker_ready", "1 once every assigned partition is recovered and being read")
worker_stalled = Gauge(
    "impressions_worker_stalled",
    "Source partitions in which nothing has moved for IMPRESSIONS_STALL_SECONDS although there are records",
)
worker_partitions = Gauge("impressions_worker_partitions", "Source partitions that this worker holds")
worker_lines = Counter("impressions_worker_lines", "Lines decided", PARTITION)
worker_impressions = Counter("impressions_worker_impressions", "Impressions decided, by outcome", ("outcome",))
worker_chunk_records = Histogram("impressions_worker_chunk_records", "Records in a chunk", buckets=RECORDS)
worker_decide_seconds = Histogram("impressions_worker_decide_seconds", "Time to decide a chunk (s)", buckets=SECONDS)
worker_commit_seconds = Histogram(
    "impressions_worker_commit_seconds", "Time to commit a chunk's transaction (s)", buckets=SECONDS
)
worker_latency_seconds = Histogram(
    "impressions_worker_latency_seconds", "From a record's append to its chunk's commit (s)", buckets=SECONDS
)
worker_position = Gauge("impressions_worker_position", "Next offset to decide", PARTITION)
worker_lag = Gauge(
    "impressions_worker_lag",
    "Offsets from the newest chunk to the end of its partition, markers of transactions included",
    PARTITION,
)
worker_progress = Gauge(
    "impressions_worker_progress_timestamp_seconds", "When a chunk was last committed (s since the epoch)", PARTITION
)
worker_restores = Counter("impressions_worker_restores", "Partitions recovered")
worker_restore_seconds = Histogram(
    "impressions_worker_restore_seconds", "Time to recover a partition (s)", buckets=SECONDS
)
worker_poisoned = Counter(
    "impressions_worker_poisoned_lines", "Lines rejected because deciding them failed repeatedly: a defect of ours"
)
worker_lost_records = Counter(
    "impressions_worker_lost_records", "Records that retention deleted before they were decided"
)
catalogue_artworks = Gauge("impressions_catalogue_artworks", "Artworks in the catalogue, retired ones included")
catalogue_refused = Counter("impressions_catalogue_refused", "Catalogue records that were refused")


def serve(host: str, port: int, well: health.Health, setting: str = "IMPRESSIONS_METRICS_PORT") -> None:
    """Serve the process's metrics and its health. Raises UserError when the port is taken."""
    try:
        health.serve(host, port, well)
    except OSError as error:
        raise UserError(f"Port {port} for metrics can't be bound ({error.strerror}): set {setting}.") from None


def names() -> Sequence[str]:
    """Every metric's name, as Prometheus sees it."""
    metrics = (value for value in globals().values() if isinstance(value, Counter | Gauge | Histogram))
    return sorted(str(metric._name) for metric in metrics)
