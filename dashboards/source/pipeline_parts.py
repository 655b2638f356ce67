"""What the pipeline relies on: Faust, Kafka, ClickHouse, and the processes themselves."""

from grafana_foundation_sdk.models import dashboard as model

from dashboards.source.colours import HUES, MISSED, TOPICS
from dashboards.source.layout import Row
from dashboards.source.look import Head, Look
from dashboards.source.overrides import TEXT, by_instance, dashed, named
from dashboards.source.panels import lines, number, rows_table
from dashboards.source.promql import each, percentile
from dashboards.source.queries import metric, rows
from dashboards.source.scales import Mark, at_most, plain, zero_is_right
from dashboards.source.units import BYTES, ISO, MS, NONE, SECONDS, count, rate, share

PARTS = at_most(Mark(300, "300"), bad=Mark(1000, "1,000"))
REFRESHED = at_most(Mark(120, "2 min"), bad=Mark(600, "10 min"))


def _faust() -> list[model.Panel]:
    return [
        lines(
            Head(
                "Chunks",
                "Faust's events are our chunks: those that came in, and those that its agent processed.",
                (8, 8),
            ),
            Look(rate("chunks"), least=0, colours={"received": HUES[0], "taken": HUES[1]}, overrides=dashed("taken")),
            metric("sum(rate(faust_messages_received_total[$__rate_interval]))", "received"),
            metric("sum(rate(faust_total_events_total[$__rate_interval]))", "taken"),
        ),
        lines(
            Head(
                "Time of a chunk in Faust: P95",
                "How long the agent works on a chunk, the commit included; and Faust's own commit of its offset, "
                "which only serves displays of lag.",
                (8, 8),
            ),
            Look(MS, least=0, colours={"chunk": HUES[0], "commit of the offset": HUES[1]}),
            percentile("faust_events_runtime_ms", "P95", "chunk"),
            metric(
                "histogram_quantile(0.95, sum by (le) (rate(faust_consumer_commit_latency_bucket[$__rate_interval])))",
                "commit of the offset",
            ),
        ),
        lines(
            Head(
                "Rebalances",
                "Rebalances in progress, and assignments of partitions completed since the workers were started.",
                (8, 8),
            ),
            Look(count("rebalances"), least=0, colours={"going on": HUES[1], "assignments": HUES[0]}),
            metric("sum(faust_total_rebalances)", "going on"),
            metric('sum(faust_assignment_operations_total{operation="completed"})', "assignments"),
            calcs=("max", "lastNotNull"),
        ),
    ]


def _offsets() -> list[model.Panel]:
    return [
        lines(
            Head(
                "Growth of the source, by partition",
                "Offsets a second that producers append to impressions.v1: the workers' position plus their lag, "
                "as far as they see it.",
                (8, 8),
            ),
            Look(rate("offsets")),
            metric(
                """sum by (partition) (deriv(impressions_worker_position[$__rate_interval]))
                + sum by (partition) (deriv(impressions_worker_lag[$__rate_interval]))""",
                "partition {{partition}}",
            ),
        ),
        lines(
            Head(
                "Position of workers, by partition",
                "Next offset to decide. It only grows: a step back means that the topic was re-created.",
                (8, 8),
            ),
            Look(count("offset")),
            each("max", "impressions_worker_position", "partition"),
        ),
        lines(
            Head("Committed by sinks, by topic", "Sum of the next offsets to read after a restart.", (8, 8)),
            Look(count("offsets"), colours=TOPICS),
            each("sum", "impressions_sink_committed_offset", "topic"),
        ),
    ]


def faust_and_kafka() -> Row:
    """Faust's own sensor, and Kafka as worker and sink see it."""
    return Row("Faust and Kafka", *_faust(), *_offsets())


def _server() -> model.Panel:
    return number(
        Head(
            "Merges, mutations, parts and size",
            "Merges and unfinished mutations, the most parts in any partition of a table (inserts are slowed "
            "down from 1,000, refused from 3,000), memory, and the size of our database on disk. Most parts: "
            f"{PARTS.meaning} Unfinished mutations: {zero_is_right(MISSED).meaning}",
            (24, 4),
        ),
        Look(
            count("merges"),
            0,
            scale=plain(),
            overrides=[
                named("most parts", thresholds=PARTS),
                named("unfinished mutations", thresholds=zero_is_right(MISSED)),
                named("memory", unit=BYTES, decimals=1),
                named("on disk", unit=BYTES, decimals=1),
            ],
        ),
        rows("""
            SELECT
                (SELECT count() FROM system.merges) AS merges,
                (SELECT count() FROM system.mutations WHERE NOT is_done) AS "unfinished mutations",
                (
                    SELECT max(parts) FROM (
                        SELECT count() AS parts FROM system.parts
                        WHERE active AND database = currentDatabase() GROUP BY table, partition_id
                    )
                ) AS "most parts",
                (SELECT sum(value) FROM system.metrics WHERE metric = 'MemoryTracking') AS memory,
                (
                    SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = currentDatabase()
                ) AS "on disk"
        """),
        values=True,
    )


def _tables() -> model.Panel:
    return rows_table(
        Head(
            "Tables",
            "Active parts, the most of them in any partition of the table, rows before duplicates are "
            f"collapsed, and size. In one partition: {PARTS.meaning}",
            (12, 9),
        ),
        Look(
            NONE,
            overrides=[
                named("table", custom__width=190),
                named("on disk", unit=BYTES, decimals=1),
                named("newest part", unit=ISO, custom__width=170),
                named(
                    "in one partition",
                    custom__width=130,
                    thresholds=PARTS,
                    custom__cellOptions=TEXT,
                ),
            ],
        ),
        rows("""
            SELECT
                one.table AS table, sum(one.parts) AS parts, max(one.parts) AS "in one partition",
                sum(one.rows) AS rows,
                sum(one.bytes) AS "on disk", max(one.newest) AS "newest part"
            FROM
            (
                SELECT
                    table, partition_id, count() AS parts, sum(part.rows) AS rows, sum(bytes_on_disk) AS bytes,
                    max(modification_time) AS newest
                FROM system.parts AS part
                WHERE active AND database = currentDatabase()
                GROUP BY table, partition_id
            ) AS one
            GROUP BY table
            ORDER BY "on disk" DESC, table
        """),
    )


def _rollups() -> model.Panel:
    return rows_table(
        Head(
            "Rollups",
            "Rollups that ClickHouse refreshes by itself once a minute: when it last did, how long that took, "
            f"and what failed. Ago: {REFRESHED.meaning} Failed tries: {zero_is_right().meaning}",
            (12, 9),
        ),
        Look(
            NONE,
            overrides=[
                named("last", unit=ISO, custom__width=170),
                named("view", custom__width=170),
                named("ago", unit=SECONDS, thresholds=REFRESHED, custom__cellOptions=TEXT),
                named("took", unit=MS),
                named("failed tries", thresholds=zero_is_right(), custom__cellOptions=TEXT),
            ],
        ),
        rows("""
            SELECT
                view, status, last_success_time AS last, dateDiff('second', last_success_time, now()) AS ago,
                last_success_duration_ms AS took, retry AS "failed tries", exception
            FROM system.view_refreshes
            WHERE database = currentDatabase()
            ORDER BY view
        """),
    )


def clickhouse() -> Row:
    """ClickHouse now, from its system tables."""
    return Row("ClickHouse, now", _server(), _tables(), _rollups())


def processes() -> Row:
    """The processes of workers and sinks."""
    return Row(
        "Processes",
        lines(
            Head("Processor", "Share of one core that a process uses.", (8, 8)),
            Look(share("a core"), least=0, hues=by_instance()),
            metric("rate(process_cpu_seconds_total[$__rate_interval])", "{{job}} {{instance}}"),
        ),
        lines(
            Head("Memory", "Resident memory of a process.", (8, 8)),
            Look(BYTES, least=0, hues=by_instance()),
            metric("process_resident_memory_bytes", "{{job}} {{instance}}"),
        ),
        lines(
            Head("Uptime", "Time since the process was started: a fall is a restart.", (8, 8)),
            Look(SECONDS, least=0, hues=by_instance()),
            metric("time() - process_start_time_seconds", "{{job}} {{instance}}"),
            calcs=("min", "lastNotNull"),
        ),
    )
