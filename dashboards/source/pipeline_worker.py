"""The workers' part of the pipeline dashboard."""

from grafana_foundation_sdk.models import dashboard as model

from dashboards.source.colours import BAD, HUES, PERCENTILES, QUIET
from dashboards.source.layout import Row
from dashboards.source.look import Head, Look
from dashboards.source.overrides import by_instance, dashed
from dashboards.source.panels import areas, heat, lines, number
from dashboards.source.pipeline_catalogue import catalogue_refused, known, uncatalogued_over_time
from dashboards.source.promql import each, mean, percentile, percentiles, rates
from dashboards.source.queries import buckets, metric, now
from dashboards.source.scales import FAST, Mark, at_most, zero_is_right
from dashboards.source.units import BYTES, SECONDS, count, rate, share

SEEN = {"to accepted": HUES[0], "to coverage": HUES[2], "to readable": HUES[1]}
MEAN = {"mean": PERCENTILES["P50"], "P95": PERCENTILES["P95"]}


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
            Look(SECONDS, least=0, scale=FAST, colours=PERCENTILES),
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
            cells=rate("chunks"),
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
            Look(SECONDS, least=0, colours=SEEN, overrides=dashed("to coverage")),
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
                "Lines, by partition",
                "Lines that workers decide. Each partition holds some of the users.",
                (8, 8),
            ),
            Look(rate("lines"), least=0),
            rates("impressions_worker_lines_total", "partition"),
        ),
        lines(
            Head(
                "Batches, by outcome",
                "A batch is a line. Whole: nothing in it was rejected; partial: some of it was; rejected: all of "
                "it was; forwarded: it was sent on to its user's partition.",
                (8, 8),
            ),
            Look(
                rate("batches"),
                least=0,
                colours={"whole": HUES[0], "partial": HUES[1], "rejected": BAD, "forwarded": QUIET},
            ),
            rates("impressions_worker_batches_total", "outcome"),
        ),
        lines(
            Head("Impressions in a batch", "How many impressions a line holds.", (8, 8)),
            Look(count("impressions"), least=0, colours=MEAN),
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
            Look(count("records"), least=0, colours=MEAN),
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


def given_up(width: int) -> model.Panel:
    """How many lines were given up on."""
    return number(
        Head(
            "Lines given up on",
            "Lines rejected because deciding them failed repeatedly, since workers were started: our own defect. An "
            "alert is raised.",
            (width, 4),
        ),
        Look(count("lines"), 0, scale=zero_is_right()),
        now("sum(impressions_worker_poisoned_lines_total)", "lines"),
    )


def recovery(width: int) -> model.Panel:
    """How long a recovery takes."""
    return number(
        Head(
            "Mean time to recover a partition",
            "Mean of all recoveries since workers were started: how long a partition's users wait at a rebalance.",
            (width, 4),
        ),
        Look(SECONDS, 2, scale=at_most(Mark(10, "10 s"))),
        now("sum(impressions_worker_restore_seconds_sum) / sum(impressions_worker_restore_seconds_count)", "mean"),
    )


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
            Look(
                count("partitions"),
                least=0,
                colours={"held": HUES[0], "recovered": HUES[1]},
                overrides=dashed("recovered"),
            ),
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
            Look(count("records"), least=0, hues=by_instance()),
            each("sum", "impressions_worker_restored_records_total", "instance"),
            calcs=("max", "lastNotNull"),
        ),
        *(recovery(6), given_up(6), known(6), catalogue_refused(6)),
        uncatalogued_over_time((24, 7)),
        lines(
            Head(
                "Coverage of active users: median",
                "Coverage of a pool by a user, each time that a chunk updates it.",
                (24, 7),
            ),
            Look(share("the pool"), least=0, most=1),
            percentile("impressions_worker_coverage_ratio", "P50", "{{pool}}", by="pool"),
        ),
    )
