"""The metrics of committed chunks."""

import time
from typing import get_args

from impression_streams.types import Transport
from streams.core.summary import Summary
from streams.metrics import catalogue as metrics
from streams.model.rows import RejectReason
from streams.worker.partition import Chunk, Partition

OUTCOMES = ("fresh", "repeat", "duplicate", "rejected", "forwarded")
BATCH_OUTCOMES = ("whole", "partial", "rejected", "forwarded")


def begin() -> None:
    """Set counters with known labels to 0: Prometheus sees no increase in one that first appears with a value."""
    for outcome in OUTCOMES:
        metrics.worker_impressions.labels(outcome)
    for outcome in BATCH_OUTCOMES:
        metrics.worker_batches.labels(outcome)
    for reason in get_args(RejectReason):
        metrics.worker_rejected.labels(reason)
    for transport in get_args(Transport):
        for counter in (
            metrics.worker_delivery_attempts,
            metrics.worker_delivery_failures,
            metrics.worker_producer_dropped,
        ):
            counter.labels(transport)


def observe(partition: Partition, chunk: Chunk) -> None:
    """Count a chunk of the partition, committed just now."""
    label, now = str(partition.number), time.time()
    summary = chunk.outputs.summary
    metrics.worker_lines.labels(label).inc(summary.total.lines)
    metrics.worker_poisoned.inc(chunk.poisoned)
    metrics.worker_chunk_records.observe(len(chunk.records))
    metrics.worker_position.labels(label).set(chunk.position.next_offset)
    metrics.worker_progress.labels(label).set(now)
    metrics.worker_state_bytes.labels(label).set(partition.state.store.size())
    if chunk.records:
        # Only the oldest record, which waited longest, so a chunk costs one observation.
        metrics.worker_latency_seconds.observe(max(0.0, now - chunk.records[0].appended_at / 1000))
    observe_summary(summary, now)


def observe_summary(summary: Summary, now: float) -> None:
    """Count the outcomes of the lines of a chunk that was committed at `now` (s since the epoch)."""
    _impressions(summary, now)
    _batches(summary)


def forget(number: int) -> None:
    """Drop the metrics of a partition that was given back."""
    metrics.forget(
        (str(number),),
        metrics.worker_position,
        metrics.worker_progress,
        metrics.worker_state_bytes,
        metrics.worker_lag,
        metrics.worker_lag_seconds,
    )


def _impressions(summary: Summary, now: float) -> None:
    total = summary.total
    counts = (total.fresh, total.accepted - total.fresh, total.duplicates, total.rejected, total.forwarded)
    metrics.worker_received.inc(total.received)
    for outcome, count in zip(OUTCOMES, counts, strict=True):
        metrics.worker_impressions.labels(outcome).inc(count)
    for reason, count in summary.reasons.items():
        metrics.worker_rejected.labels(reason).inc(count)
    metrics.worker_seen_to_accepted_seconds.observe_ages(now, summary.seen_at)
    metrics.worker_seen_to_coverage_seconds.observe_ages(now, summary.fresh_seen_at)
    by_pool: dict[str, list[float]] = {}
    for pool_id, share in summary.coverage:
        by_pool.setdefault(pool_id, []).append(share)
    for pool_id, shares in by_pool.items():
        metrics.worker_coverage.labels(metrics.pool_label(pool_id)).observe_all(shares)


def _batches(summary: Summary) -> None:
    counts = (summary.whole, summary.partial, summary.refused, summary.forwarded)
    for outcome, count in zip(BATCH_OUTCOMES, counts, strict=True):
        metrics.worker_batches.labels(outcome).inc(count)
    metrics.worker_batch_impressions.observe_all(summary.sizes)
    for transport, delivery in summary.deliveries.items():
        metrics.worker_delivery_attempts.labels(transport).inc(delivery.attempts)
        metrics.worker_delivery_failures.labels(transport).inc(delivery.failures)
        metrics.worker_producer_dropped.labels(transport).inc(delivery.dropped)
