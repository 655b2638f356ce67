"""The collector's metrics and logs. Counts are exact; of the flushes that succeed, only a share is logged.

Log lines carry the ids of flushes, never those of users, nor addresses, nor payloads.
"""

from collections.abc import Sequence
from functools import cache
from typing import get_args

from prometheus_client import Counter

from streams.collector.rules import sampling
from streams.collector.rules.reading import Reading
from streams.metrics import collector as metrics
from streams.metrics.histogram import Histogram
from streams.model.rows import RejectReason
from streams.runtime import log

logger = log.get(__name__)

# A request has up to 500 flushes: a failure names the first of them, and counts the others.
NAMED_FLUSHES = 20
# Of a header that anyone may write.
ORIGIN_CHARACTERS = 100


UNNAMED = ("malformed", "oversize", "invalid")
KNOWN: dict[Counter, tuple[str, ...]] = {
    metrics.collector_received_bytes: ("sent", "inflated"),
    metrics.collector_impressions: ("accepted", "rejected"),
    metrics.collector_rejected: (*get_args(RejectReason), "unauthorised"),
    metrics.collector_unnamed: UNNAMED,
    metrics.collector_refused: (*metrics.TOO_MUCH, *metrics.NOT_NOW),
    metrics.collector_limited: metrics.LIMITED,
    metrics.collector_token_failures: metrics.TOKEN_FAILURES,
    metrics.collector_connections_ended: metrics.ENDS,
}


@cache
def _count(metric: Counter, *labels: str) -> Counter:
    """Return a counter's child: looking it up anew costs more than counting."""
    return metric.labels(*labels)


@cache
def _time(metric: Histogram, *labels: str) -> Histogram:
    return metric.labels(*labels)


def begin() -> None:
    """Set counters with known labels to 0: Prometheus sees no increase in one that first appears with a value."""
    for metric, values in KNOWN.items():
        for value in values:
            _count(metric, value)


def answered(route: str, status: int, seconds: float) -> None:
    """Count an answer, and how long it took since the request's head was complete."""
    _count(metrics.collector_requests, route, str(status)).inc()
    _time(metrics.collector_request_seconds, route).observe(seconds)


def received(sent: int, inflated: int) -> None:
    """Count a body's bytes, whatever became of it."""
    _count(metrics.collector_received_bytes, "sent").inc(sent)
    _count(metrics.collector_received_bytes, "inflated").inc(inflated)


def refused(reason: str) -> None:
    """Count a request that was refused whole."""
    _count(metrics.collector_refused, reason).inc()


def limited(kind: str) -> None:
    """Count a request that was answered with 429."""
    _count(metrics.collector_limited, kind).inc()


def token_failed(reason: str) -> None:
    """Count a token that authorised nothing."""
    _count(metrics.collector_token_failures, reason).inc()


def bot() -> None:
    """Count a request of what calls itself a bot."""
    metrics.collector_bots.inc()


def judged(reading: Reading) -> None:
    """Count what an answer names, once it is certain that it will be sent."""
    if reading.accepted:
        _count(metrics.collector_impressions, "accepted").inc(reading.accepted)
    if reading.rejected:
        _count(metrics.collector_impressions, "rejected").inc(len(reading.rejected))
        for each in reading.rejected:
            _count(metrics.collector_rejected, each.reason).inc()
    for reason, lines in reading.refused.items():
        if reason != "unauthorised":
            _count(metrics.collector_unnamed, reason).inc(lines)


def acknowledged(lines: int, _size: int, seconds: float) -> None:
    """Count a record that the brokers have."""
    metrics.collector_flushes.inc(lines)
    metrics.collector_record_lines.observe(lines)
    metrics.collector_ack_seconds.observe(seconds)


def append_failed() -> None:
    """Count a record that the brokers didn't acknowledge."""
    metrics.collector_append_failures.inc()


def connection_refused(status: int) -> None:
    """Count a request that ended before its head did, or a connection that found no room."""
    reasons = {400: "http", 408: "header_time", 431: "header_bytes", 503: "limit"}
    _count(metrics.collector_requests, "other", str(int(status))).inc()
    refused(reasons[status])


def connection_ended(reason: str) -> None:
    """Count a connection that is over."""
    _count(metrics.collector_connections_ended, reason).inc()


def log_unwritten(lines: int) -> None:
    """Count log lines that nobody will see."""
    metrics.collector_unwritten_logs.inc(lines)


def recorded(reading: Reading, share: float, bot: bool) -> None:
    """Log those flushes of a request that succeeded whose ids are in the share."""
    for each in reading.logged:
        if sampling.keeps(each.flush_id, share):
            logger.info(
                "flush_recorded",
                flush_id=each.flush_id,
                line=each.line,
                impressions=each.impressions,
                rejected=each.rejected,
                bot=bot,
            )


def failed(status: int, reason: str, why: str, flush_ids: Sequence[str], sent: int, origin: str) -> None:
    """Log a request that got anything but 2xx."""
    logger.warning(
        "request_failed",
        status=status,
        reason=reason,
        why=why,
        flushes=len(flush_ids),
        flush_ids=list(flush_ids[:NAMED_FLUSHES]),
        bytes=sent,
        origin=origin[:ORIGIN_CHARACTERS],
    )
