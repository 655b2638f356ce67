"""The sink's metrics: name, meaning, labels. docs/metrics.md is made from this table."""

from prometheus_client import Counter, Gauge, Histogram

from streams.metrics import SECONDS

TABLE = ("table",)
PARTITION = ("topic", "partition")

# An hour's outage of ClickHouse must still be told from a minute's.
LATENCY_SECONDS = (*SECONDS, 60, 300, 900, 3600)

ready = Gauge("impressions_sink_ready", "1 once every assigned partition is being read and ClickHouse takes its rows")
stalled = Gauge(
    "impressions_sink_stalled",
    "Partitions in which nothing has moved for IMPRESSIONS_STALL_SECONDS although there are records and ClickHouse",
)
rows = Counter("impressions_sink_rows", "Rows inserted; a block that is inserted again counts once", TABLE)
blocks = Counter("impressions_sink_blocks", "Blocks inserted", TABLE)
insert_seconds = Histogram("impressions_sink_insert_seconds", "Time of one insert (s)", TABLE, buckets=SECONDS)
errors = Counter(
    "impressions_sink_errors",
    "Requests to ClickHouse that failed, by its error code; `unreachable` where there was no answer",
    ("code",),
)
waiting = Gauge("impressions_sink_waiting", "1 while the sink waits for ClickHouse to come back")
buffered_rows = Gauge("impressions_sink_buffered_rows", "Rows read and not yet inserted", PARTITION)
lag = Gauge("impressions_sink_lag", "Offsets between what is inserted and the end of the partition", PARTITION)
committed = Gauge("impressions_sink_committed_offset", "Next offset to read after a restart", PARTITION)
lost = Counter(
    "impressions_sink_lost_offsets",
    "Offsets that retention deleted, or the broker lost, before they were read",
    PARTITION,
)
skipped = Counter("impressions_sink_skipped_records", "Records left out because they can't be read", ("topic",))
refused = Counter("impressions_sink_refused_artworks", "Catalogue records that were refused")
latency_seconds = Histogram(
    "impressions_sink_latency_seconds",
    "From the append of a record's source to its rows being readable (s), one observation a record",
    ("topic",),
    buckets=LATENCY_SECONDS,
)
