"""What a committed chunk leaves in the metrics."""

import time

from streams import metrics
from streams.agents.partition import Chunk

OUTCOMES = ("accepted", "duplicates", "rejected", "forwarded")


def observe(number: int, chunk: Chunk) -> None:
    """Count a chunk of source partition `number` that was committed just now."""
    partition, now = str(number), time.time()
    total = chunk.outputs.total
    metrics.worker_lines.labels(partition).inc(total.lines)
    for outcome in OUTCOMES:
        metrics.worker_impressions.labels(outcome).inc(getattr(total, outcome))
    metrics.worker_poisoned.inc(chunk.poisoned)
    metrics.worker_chunk_records.observe(len(chunk.records))
    metrics.worker_position.labels(partition).set(chunk.position.next_offset)
    metrics.worker_progress.labels(partition).set(now)
    if chunk.records:
        # The chunk's oldest record waited longest; it stands for all, so that a chunk costs one observation.
        metrics.worker_latency_seconds.observe(max(0.0, now - chunk.records[0].appended_at / 1000))
