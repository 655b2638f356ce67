"""The metrics of the sink's own work. ClickHouse's KPIs of all users are exported by streams.sink.kpi_exporter."""

import time
from collections.abc import Sequence

from streams.metrics import catalogue as metrics

# A topic and the number of one of its partitions.
Labels = tuple[str, str]


def readable(topic: str, appended: Sequence[int], seen: Sequence[int]) -> None:
    """Observe how long rows took to become readable, from the given times (ms since the epoch) to now."""
    now = time.time()
    metrics.sink_latency_seconds.labels(topic).observe_ages(now, appended)
    metrics.sink_seen_to_readable_seconds.observe_ages(now, seen)


def inserted(table: str, rows: int, seconds: float) -> None:
    """Count an insert that took `seconds`."""
    metrics.sink_insert_seconds.labels(table).observe(seconds)
    metrics.sink_blocks.labels(table).inc()
    metrics.sink_rows.labels(table).inc(rows)


def failed(code: str) -> None:
    """Count a request that ClickHouse didn't answer, or refused."""
    metrics.sink_errors.labels(code).inc()


def set_aside(labels: Labels, yes: bool) -> None:
    """Show whether a partition is not read until a person has looked."""
    metrics.sink_partition_refused.labels(*labels).set(yes)


def refused() -> None:
    """Count a catalogue record that breaks a rule."""
    metrics.sink_refused.inc()


def lost(labels: Labels, offsets: int) -> None:
    """Count offsets that can no longer be read; 0 makes the counter appear."""
    metrics.sink_lost.labels(*labels).inc(offsets)


def buffered(labels: Labels, rows: int) -> None:
    """Show how many rows are held."""
    metrics.sink_buffered_rows.labels(*labels).set(rows)


def progressed(labels: Labels) -> None:
    """Show that something of the partition was inserted just now."""
    metrics.sink_progress.labels(*labels).set(time.time())


def committed(labels: Labels, offset: int) -> None:
    """Show the committed offset."""
    metrics.sink_committed.labels(*labels).set(offset)


def lag(labels: Labels, records: int, seconds: float) -> None:
    """Show how many records are not inserted, and how long the oldest of them has waited."""
    metrics.sink_lag.labels(*labels).set(records)
    metrics.sink_lag_seconds.labels(*labels).set(seconds)


def forget(labels: Labels) -> None:
    """Drop the gauges of a partition that another sink has now."""
    metrics.forget(
        labels,
        metrics.sink_buffered_rows,
        metrics.sink_lag,
        metrics.sink_lag_seconds,
        metrics.sink_committed,
        metrics.sink_progress,
        metrics.sink_partition_refused,
    )


def waiting(yes: bool) -> None:
    """Show whether the sink waits for ClickHouse."""
    metrics.sink_waiting.set(yes)


def ready(yes: bool) -> None:
    """Show whether every assigned partition is being read."""
    metrics.sink_ready.set(yes)
