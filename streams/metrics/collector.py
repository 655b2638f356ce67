"""The collector's metrics: the door's, and its read API's.

Import it as `metrics`, like the catalogue, of which it is a part. Every request is counted, whatever share of them the
log shows. Each label's values are listed here, beside the metric: there are no others.
"""

from prometheus_client import Counter, Gauge

from streams.metrics.base import CALL, CALL_STATUS, COLLECTOR, FORM, KIND, OUTCOME, REASON, ROUTE, ROUTE_STATUS
from streams.metrics.histogram import Histogram

# Seconds. A request takes a few ms, of which the broker's acknowledgement is most; the promises are 20 ms (reads) and
# 100 ms (recording), each at P95, so both are bounds of a bucket.
EDGE_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
# A record holds one line while the log is idle, and up to 512 KiB of them under load.
RECORD_LINES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)

# Every value of the labels. No other is given: tests hold the collector to it, and dashboards have a colour for each.
ROUTES = ("impressions", "preflight", "read", "recorder", "health", "docs", "other")
CALLS = ("coverage", "unseen", "prefetch", "history", "favourites", "config")
# A request costs too much, or takes too long.
TOO_MUCH = ("header_bytes", "header_time", "body_bytes", "inflated_bytes", "flushes", "body_time", "piece_time")
# It can't be read (`http`: not even as HTTP), isn't allowed, or comes at a bad time.
NOT_NOW = ("http", "encoding", "media_type", "unreadable", "origin", "forbidden", "limit", "budget", "unacknowledged")
LIMITED = ("address", "user")
TOKEN_FAILURES = (
    *("missing", "malformed", "algorithm", "key", "signature"),
    *("claims", "early", "expired", "origin", "user"),
)
ENDS = ("closed", "reset", "idle", "header_time", "body_time", "limit")

# Requests.

collector_ready = Gauge(
    "impressions_collector_ready", "1 if the broker acknowledges and the collector doesn't drain", registry=COLLECTOR
)
collector_requests = Counter(
    "impressions_collector_requests",
    f"Requests answered, by route ({', '.join(ROUTES)}; impressions is what records) and HTTP status",
    ROUTE_STATUS,
    registry=COLLECTOR,
)
collector_request_seconds = Histogram(
    "impressions_collector_request_seconds",
    "From a request's complete header to its answer (s), by route; one that records waits for the broker",
    ROUTE,
    buckets=EDGE_SECONDS,
    registry=COLLECTOR,
)
collector_received_bytes = Counter(
    "impressions_collector_received_bytes",
    "Bodies received (bytes), as sent and as inflated; one that isn't compressed counts the same in both",
    FORM,
    registry=COLLECTOR,
)
collector_flushes = Counter(
    "impressions_collector_flushes", "Lines that the broker has acknowledged: one for each flush", registry=COLLECTOR
)
collector_impressions = Counter(
    "impressions_collector_impressions",
    "Impressions in the answers, by outcome: accepted (of which the worker may find some to be duplicates) or rejected",
    OUTCOME,
    registry=COLLECTOR,
)
collector_rejected = Counter(
    "impressions_collector_rejected",
    "Lines and impressions that the answers named as rejected, by reason: the worker's own, or unauthorised",
    REASON,
    registry=COLLECTOR,
)
collector_unnamed = Counter(
    "impressions_collector_unnamed_lines",
    "Lines refused here because they name no valid user, so that no partition is theirs, by reason: malformed, "
    "oversize or invalid",
    REASON,
    registry=COLLECTOR,
)
collector_refused = Counter(
    "impressions_collector_refused_requests",
    f"Requests refused whole, by reason: {', '.join((*TOO_MUCH, *NOT_NOW))}",
    REASON,
    registry=COLLECTOR,
)
collector_limited = Counter(
    "impressions_collector_limited_requests",
    f"Requests answered with 429, by kind of limit: {', '.join(LIMITED)}",
    KIND,
    registry=COLLECTOR,
)
collector_token_failures = Counter(
    "impressions_collector_token_failures",
    f"Requests with a flush or a read that no token authorised, by its first reason: {', '.join(TOKEN_FAILURES)} "
    "(another user's)",
    REASON,
    registry=COLLECTOR,
)
collector_bots = Counter(
    "impressions_collector_bot_requests",
    "Requests of what says itself that it is a bot or driven by one; they are flagged and recorded like any other",
    registry=COLLECTOR,
)
collector_unwritten_logs = Counter(
    "impressions_collector_unwritten_logs", "Log lines that could not be written, and were dropped", registry=COLLECTOR
)

# Connections.

collector_connections = Gauge("impressions_collector_connections", "Connections that are open", registry=COLLECTOR)
collector_connections_ended = Counter(
    "impressions_collector_connections_ended",
    f"Connections that ended, by reason: {', '.join(ENDS)}; closed is in order, reset by the other side",
    REASON,
    registry=COLLECTOR,
)

# The log.

collector_record_lines = Histogram(
    "impressions_collector_record_lines", "Lines in a record", buckets=RECORD_LINES, registry=COLLECTOR
)
collector_ack_seconds = Histogram(
    "impressions_collector_ack_seconds",
    "From handing a record to the broker to its acknowledgement by all replicas in sync (s)",
    buckets=EDGE_SECONDS,
    registry=COLLECTOR,
)
collector_append_failures = Counter(
    "impressions_collector_append_failures",
    "Records that the broker did not acknowledge; each request in them is answered with 503 and may be sent again",
    registry=COLLECTOR,
)
collector_waiting_bytes = Gauge(
    "impressions_collector_waiting_bytes",
    "Bodies being read and lines not acknowledged yet (bytes): what the budget is for",
    registry=COLLECTOR,
)
collector_budget_bytes = Gauge(
    "impressions_collector_budget_bytes",
    "Most that may wait (bytes); above 70 % of it requests get 503 before their body is read",
    registry=COLLECTOR,
)
collector_waiting_seconds = Gauge(
    "impressions_collector_waiting_seconds",
    "How long the oldest line has waited for its acknowledgement (s); 0: none waits",
    registry=COLLECTOR,
)

# The read API.

collector_reads = Counter(
    "impressions_collector_reads",
    f"Read API requests answered, by call ({', '.join(CALLS)}) and HTTP status",
    CALL_STATUS,
    registry=COLLECTOR,
)
collector_read_seconds = Histogram(
    "impressions_collector_read_seconds",
    "From a read's complete header to its answer (s), by call",
    CALL,
    buckets=EDGE_SECONDS,
    registry=COLLECTOR,
)
collector_clickhouse_away = Counter(
    "impressions_collector_clickhouse_away_reads",
    "Reads answered with 503 because ClickHouse did not answer in time",
    registry=COLLECTOR,
)
collector_stale_reads = Counter(
    "impressions_collector_stale_reads",
    "Reads answered from the tail's last knowledge, and marked so, because ClickHouse did not answer in time",
    registry=COLLECTOR,
)
collector_tail_records = Gauge(
    "impressions_collector_tail_records",
    "Accepted rows in memory that ClickHouse hasn't shown yet",
    registry=COLLECTOR,
)
collector_tail_bytes = Gauge(
    "impressions_collector_tail_bytes", "Memory of those rows (bytes), as estimated", registry=COLLECTOR
)
collector_tail_behind_seconds = Gauge(
    "impressions_collector_tail_behind_seconds",
    "How far the tail is behind the end of impressions.accepted.v1 (s); 0: it has all",
    registry=COLLECTOR,
)
