"""The job in Pathway: its engine reads, groups and writes JSON, without Python per row.

Its tables have one row per key, and its micro-batches have no order within them. Without a Python call per row it can
express one impression of each tumbling window, so that is what it does. It keeps coverage in a table but not in the
rows: a join would rewrite a row at each change. Its persistence keeps the input. With `max_backlog_size` it reads no
more than it works off, as its documentation advises for a backlog. Its environment sets two threads, which are faster
here than one.
"""

import pathway as pw  # type: ignore[import-not-found] # in an environment of its own

from bench.peers.common import WINDOW_MS, Progress, Task, end_on_sigterm

# Impressions per micro-batch: fewer make it slower, more only make it larger.
BACKLOG = 300_000
AUTOCOMMIT_MS = 500
SNAPSHOT_MS = 10_000


class Flush(pw.Schema):  # type: ignore[misc]
    """A record of the input."""

    user_id: str
    impressions: pw.Json


def build(task: Task, progress: Progress) -> None:
    """Declare the tables, the output and the coverage."""
    settings = {"bootstrap.servers": task.bootstrap, "group.id": task.group, "auto.offset.reset": "earliest"}
    flushes = pw.io.kafka.read(
        settings,
        topic=task.input,
        schema=Flush,
        format="json",
        autocommit_duration_ms=AUTOCOMMIT_MS,
        max_backlog_size=BACKLOG // task.size,
        # Two would be two members of a group: what the first had read when the second joined was sometimes lost.
        parallel_readers=1,
        name="impressions",
    )
    each = flushes.flatten(pw.this.impressions)
    seen = each.select(
        pw.this.user_id,
        artwork_id=pw.this.impressions["artwork_id"].as_str(unwrap=True),
        impression_id=pw.this.impressions["impression_id"].as_str(unwrap=True),
        seen_at=pw.this.impressions["seen_at"].as_int(unwrap=True),
    )
    windows = seen.with_columns(window=pw.this.seen_at // WINDOW_MS)
    accepted = windows.groupby(pw.this.user_id, pw.this.artwork_id, pw.this.window).reduce(
        pw.this.user_id,
        pw.this.artwork_id,
        impression_id=pw.reducers.earliest(pw.this.impression_id),
        seen_at=pw.reducers.earliest(pw.this.seen_at),
    )
    pw.io.kafka.write(accepted, {"bootstrap.servers": task.bootstrap}, task.output, format="json", key=pw.this.user_id)
    pairs = accepted.groupby(pw.this.user_id, pw.this.artwork_id).reduce(pw.this.user_id)
    coverage = pairs.groupby(pw.this.user_id).reduce(pw.this.user_id, seen=pw.reducers.count())
    pw.io.null.write(coverage)

    def counted(key: object, row: dict[str, int], time: int, is_addition: bool) -> None:
        if is_addition:
            progress.impressions = row["impressions"]

    # One row, so one call per micro-batch.
    pw.io.subscribe(seen.reduce(impressions=pw.reducers.count()), counted)


def main() -> None:
    """Run it until SIGTERM."""
    end_on_sigterm()
    task, progress = Task.load(), Progress()
    progress.serve(task.metrics_port)
    build(task, progress)
    backend = pw.persistence.Backend.filesystem(str(task.folder))
    persistence = pw.persistence.Config(backend, snapshot_interval_ms=SNAPSHOT_MS)
    pw.run(monitoring_level=pw.MonitoringLevel.NONE, persistence_config=persistence)


if __name__ == "__main__":
    main()
