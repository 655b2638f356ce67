"""`impressions produce FILE...`: play logs of impressions to Kafka.

All rows are read and sorted by time before the first is sent: about 0.6 kB a row, so 10^6 rows take 0.6 GB. So any
error in the files shows before anything is sent.
"""

from collections.abc import Sequence
from pathlib import Path
from time import monotonic

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from rich.console import Console

from impression_streams.encode import flush_json
from streams.errors import UserError
from streams.kafka.client import cluster
from streams.kafka.names import IMPRESSIONS
from streams.produce.batches import batches, make_flush
from streams.produce.options import ProduceOptions
from streams.produce.playback import play
from streams.produce.readers import read
from streams.produce.report import SHOWN_BAD, Report, iso, say, say_bad, say_end, say_problems
from streams.produce.rows import BadRow, Row
from streams.produce.timeline import Timeline
from streams.runtime.interrupt import Interrupt
from streams.runtime.progress import Progress
from streams.settings import Settings

SHOWN_FLUSHES = 3
BROKER_SECONDS = 10.0


def run(files: Sequence[Path | str], options: ProduceOptions, settings: Settings, out: Console) -> Report:
    """Read the files, sort their impressions by time, send them as flushes, and wait for the acknowledgements.

    Raises UserError if a file can't be read, a row is bad (with `strict`), no broker answers, or the topic is
    missing; nothing has been sent in these cases. Running it again is safe: without `new_ids` and with the same
    times the ids are the same, so the stream drops what it already has.
    """
    if not options.dry_run:
        require_topic(settings)
    report = Report()
    with Interrupt() as interrupt:
        rows = _read(files, options, out, report, interrupt)
        say_bad(report, out)
        if interrupt:
            report.interrupted = True
            say(out, f"Interrupted after {report.rows:,} rows were read; nothing was sent.")
            return report
        timeline = Timeline(
            rows[0].seen_at if rows else 0, rows[-1].seen_at if rows else 0, options.rebase_to, options.compress_to
        )
        if rows:
            _say_span(rows, timeline, options.columns.times.zone, out)
        if options.dry_run:
            _show(rows, timeline, options, out, report)
            return report
        _play(rows, timeline, options, settings, out, report, interrupt)
    say_end(report, options, out)
    return report


def require_topic(settings: Settings) -> None:
    """Raise UserError unless a broker answers and has the topic."""
    admin = AdminClient({**cluster(settings), "log_level": 2})
    try:
        topics = admin.list_topics(timeout=BROKER_SECONDS).topics
    except KafkaException:
        raise UserError(
            f"No Kafka broker answers at {settings.kafka_bootstrap}: `impressions up` starts one,"
            " IMPRESSIONS_KAFKA_BOOTSTRAP names another."
        ) from None
    if IMPRESSIONS not in topics:
        raise UserError(f"The broker has no topic {IMPRESSIONS}: `impressions provision` creates it.")


def _read(
    files: Sequence[Path | str], options: ProduceOptions, out: Console, report: Report, interrupt: Interrupt
) -> list[Row]:
    def on_bad(bad: BadRow) -> None:
        if options.strict:
            raise UserError(f"{bad}. Nothing was sent.")
        if len(report.bad) < SHOWN_BAD:
            report.bad.append(bad)

    rows = []
    report.tally.limit = options.limit
    with Progress(out, "Reading", None) as progress:
        found = read(
            files,
            options.columns,
            dialect=options.dialect,
            file_format=options.file_format,
            on_bad=on_bad,
            tally=report.tally,
        )
        for row in found:
            rows.append(row)
            progress.update(report.rows)
            if interrupt:
                break
    rows.sort(key=lambda row: row.seen_at)
    return rows


def _play(
    rows: list[Row],
    timeline: Timeline,
    options: ProduceOptions,
    settings: Settings,
    out: Console,
    report: Report,
    interrupt: Interrupt,
) -> None:
    started = monotonic()
    with Progress(out, "Acknowledged", len(rows)) as progress:
        stats, report.problem = play(rows, timeline, options, settings, progress, interrupt)
    report.seconds = monotonic() - started
    report.sent, report.acknowledged = stats.sent, stats.acknowledged
    report.interrupted = bool(interrupt)
    report.settle()


def _show(rows: list[Row], timeline: Timeline, options: ProduceOptions, out: Console, report: Report) -> None:
    count = size = 0
    for batch in batches(rows, timeline, options.batch, options.interval_ms):
        line = flush_json(make_flush(batch, timeline, options.tier, options.columns.new_ids))
        if count < SHOWN_FLUSHES:
            say(out, line.decode())
        count += 1
        size += len(line)
    say_problems(report, out)
    users, artworks = len({row.user_id for row in rows}), len({row.fields["artwork_id"] for row in rows})
    say(
        out,
        f"Dry run, nothing sent: {len(rows):,} impressions of {users:,} users and {artworks:,} artworks in"
        f" {count:,} flushes, {size:,} bytes; {report.rows:,} rows read, {report.tally.text()}.",
    )


def _say_span(rows: list[Row], timeline: Timeline, zone: str, out: Console) -> None:
    first, last = rows[0].seen_at, rows[-1].seen_at
    played = f", played as {iso(timeline.map(first))} to {iso(timeline.map(last))}"
    moved = "" if timeline.rebase_to is None and timeline.compress_to is None else played
    say(out, f"{len(rows):,} impressions from {iso(first)} to {iso(last)} (times without a zone are {zone}){moved}")
