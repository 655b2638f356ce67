"""The workers' part of the pipeline dashboard."""

from grafana_foundation_sdk.models import dashboard as model

from dashboards.source.layout import Row
from dashboards.source.panels import Head, Look, areas, heat, lines, number
from dashboards.source.promql import each, mean, percentile, percentiles, rates
from dashboards.source.queries import buckets, metric, now
from dashboards.source.style import (
    BAD,
    BYTES,
    COUNT,
    GOOD,
    MISSED,
    PER_SECOND,
    PERCENTILES,
    QUIET,
    SECONDS,
    at_most,
    steps,
    zero_is_right,
)

SEEN = {"to accepted": "blue", "to coverage": "green", "to readable": "purple"}


def latency() -> Row:
    """How long each stage takes."""
    return Row(
        "Latency",
        lines(
            Head(
                "Append to commit",
                "From a record's append by the broker to the commit of its chunk: from then on, coverage is known. "
                "A chunk counts with its oldest record. Target: P95 below 0.1 s.",
                (12, 9),
            ),
            Look(SECONDS, least=0, thresholds=at_most(0.1), colours=PERCENTILES),
            *percentiles("impressions_worker_latency_seconds"),
        ),
        heat(
            Head(
                "Append to commit, as a heatmap",
                "The same as a distribution: chunks a second, by how long they took. Two bands are two kinds of load.",
                (12, 9),
            ),
            Look(SECONDS),
            buckets("sum by (le) (rate(impressions_worker_latency_seconds_bucket[$__rate_interval]))"),
        ),
        lines(
            Head(
                "Append to readable in ClickHouse",
                "From the append of the source record until its accepted impressions are readable: worker and sink "
                "together.",
                (12, 9),
            ),
            Look(SECONDS, least=0, colours=PERCENTILES),
            *percentiles("impressions_sink_latency_seconds", '{topic="impressions.accepted.v1"}'),
        ),
        lines(
            Head(
                "Seen to accepted, to coverage, to readable: P95",
                "From seen_at, by the device's clock, of accepted impressions. It includes time offline, so it "
                "shows how old impressions are when they arrive.",
                (12, 9),
            ),
            Look(SECONDS, least=0, colours=SEEN),
            percentile("impressions_worker_seen_to_accepted_seconds", "P95", "to accepted"),
            percentile("impressions_worker_seen_to_coverage_seconds", "P95", "to coverage"),
            percentile("impressions_sink_seen_to_readable_seconds", "P95", "to readable"),
        ),
    )


def throughput() -> Row:
    """How much is decided, in what chunks, and how long that takes."""
    return Row(
        "Throughput",
        areas(
            Head(
                "Lines a second, by partition",
                "Lines that workers decide. Each partition holds some of the users.",
                (8, 8),
            ),
            Look(PER_SECOND, least=0),
            rates("impressions_worker_lines_total", "partition"),
        ),
        lines(
            Head(
                "Batches a second, by outcome",
                "A batch is a line. Whole: nothing in it was rejected; partial: some of it was; rejected: all of "
                "it was; forwarded: it was sent on to its user's partition.",
                (8, 8),
            ),
            Look(PER_SECOND, least=0, colours={"whole": GOOD, "partial": MISSED, "rejected": BAD, "forwarded": QUIET}),
            rates("impressions_worker_batches_total", "outcome"),
        ),
        lines(
            Head("Impressions in a batch", "How many impressions a line holds.", (8, 8)),
            Look(COUNT, least=0, colours={"mean": GOOD, "P95": MISSED}),
            mean("impressions_worker_batch_impressions", "mean"),
            percentile("impressions_worker_batch_impressions", "P95", "P95"),
        ),
        lines(
            Head(
                "Records in a chunk",
                "How many records are decided and committed together: few when little arrives, which keeps latency "
                "low; many while there is a backlog, which keeps cost low.",
                (8, 8),
            ),
            Look(COUNT, least=0, colours={"mean": GOOD, "P95": MISSED}),
            mean("impressions_worker_chunk_records", "mean"),
            percentile("impressions_worker_chunk_records", "P95", "P95"),
        ),
        lines(
            Head("Time to decide a chunk", "The rules alone: pure code that waits for nothing.", (8, 8)),
            Look(SECONDS, least=0, colours=PERCENTILES),
            *percentiles("impressions_worker_decide_seconds"),
        ),
        lines(
            Head(
                "Time to commit a chunk",
                "The transaction: the part of the latency that the broker and its disks account for.",
                (8, 8),
            ),
            Look(SECONDS, least=0, colours=PERCENTILES),
            *percentiles("impressions_worker_commit_seconds"),
        ),
    )


def _figures() -> list[model.Panel]:
    return [
        number(
            Head(
                "Mean time to recover a partition",
                "Mean of all recoveries since workers were started: how long a partition's users wait at a rebalance.",
                (6, 5),
            ),
            Look(SECONDS, 2, thresholds=at_most(10)),
            now("sum(impressions_worker_restore_seconds_sum) / sum(impressions_worker_restore_seconds_count)", "mean"),
        ),
        number(
            Head("Artworks known", "Artworks in the workers' catalogue, retired ones included.", (6, 5)),
            Look(COUNT, 0, thresholds=steps("blue")),
            now("max(impressions_catalogue_artworks)", "artworks"),
        ),
        number(
            Head(
                "Catalogue records refused",
                "Records of artworks.v1 that change or reuse an ordinal or can't be read, since workers were started.",
                (6, 5),
            ),
            Look(COUNT, 0, thresholds=zero_is_right(MISSED)),
            now("max(impressions_catalogue_refused_total)", "refused"),
        ),
        number(
            Head(
                "Lines given up on",
                "Lines rejected because deciding them failed repeatedly, since workers were started: our own defect.",
                (6, 5),
            ),
            Look(COUNT, 0, thresholds=zero_is_right()),
            now("sum(impressions_worker_poisoned_lines_total)", "lines"),
        ),
    ]


def state() -> Row:
    """What workers hold, and what recovering it took."""
    return Row(
        "State and recovery",
        areas(
            Head("Size of the state", "Windows and coverage of a partition, on disk and in memory tables.", (8, 8)),
            Look(BYTES, least=0),
            each("sum", "impressions_worker_state_bytes", "partition"),
        ),
        lines(
            Head(
                "Partitions held and recovered",
                "Partitions that workers hold, and recoveries since they were started: each step is a rebalance or "
                "a restart.",
                (8, 8),
            ),
            Look(COUNT, least=0),
            metric("sum(impressions_worker_partitions)", "held"),
            metric("sum(impressions_worker_restores_total)", "recovered"),
            calcs=("max", "lastNotNull"),
        ),
        lines(
            Head(
                "Records read by recoveries",
                "Changelog records that recoveries have read since the workers were started: few if the local "
                "store still existed.",
                (8, 8),
            ),
            Look(COUNT, least=0),
            each("sum", "impressions_worker_restored_records_total", "instance"),
            calcs=("max", "lastNotNull"),
        ),
        *_figures(),
        lines(
            Head(
                "Coverage of active users: median",
                "Coverage of a pool by a user, each time that a chunk updates it.",
                (24, 7),
            ),
            Look("percentunit", least=0, most=1),
            percentile("impressions_worker_coverage_ratio", "P50", "{{pool}}", by="pool"),
        ),
    )
