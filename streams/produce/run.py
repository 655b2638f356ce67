"""`impressions produce FILE...`: play logs of impressions to Kafka.

All rows are read and sorted by time before the first is sent: about 0.6 kB a row, so 10^6 rows take 0.6 GB. So any
error in the files shows before anything is sent.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
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
from streams.produce.fields import EPOCH
from streams.produce.interrupt import Interrupt
from streams.produce.options import ProduceOptions
from streams.produce.playback import play
from streams.produce.readers import read
from streams.produce.rows import BadRow, Row
from streams.produce.timeline import Timeline
from streams.runtime.progress import Progress
from streams.settings import Settings

# This many are enough to see what kind of rows are bad.
SHOWN_BAD = 5
SHOWN_FLUSHES = 3
BROKER_SECONDS = 10.0


@dataclass(slots=True)
class Report:
    """What became of the files' rows. `bad` has the first few of `bad_rows`."""

    rows: int = 0
    bad_rows: int = 0
    sent: int = 0
    acknowledged: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    problem: str = ""  # why not all were acknowledged
    bad: list[BadRow] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """Return 0 if all rows were acknowledged, 1 if some were bad or not acknowledged, 130 if interrupted."""
        if self.interrupted:
            return 130
        return 1 if self.bad_rows or self.problem else 0


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
        _say_bad(report, out)
        if interrupt:
            report.interrupted = True
            _say(out, f"Interrupted after {report.rows:,} rows were read; nothing was sent.")
            return report
        timeline = Timeline(
            rows[0].seen_at if rows else 0, rows[-1].seen_at if rows else 0, options.rebase_to, options.compress_to
        )
        if rows:
            _say_span(rows, timeline, out)
        if options.dry_run:
            _show(rows, timeline, options, out)
            return report
        _play(rows, timeline, options, settings, out, report, interrupt)
    _say_end(report, options, out)
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
        report.rows += 1
        report.bad_rows += 1
        if len(report.bad) < SHOWN_BAD:
            report.bad.append(bad)

    rows = []
    with Progress(out, "Reading", None) as progress:
        found = read(files, options.columns, file_format=options.file_format, on_bad=on_bad)
        for row in islice(found, options.limit):
            rows.append(row)
            report.rows += 1
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


def _show(rows: list[Row], timeline: Timeline, options: ProduceOptions, out: Console) -> None:
    count = size = 0
    for batch in batches(rows, timeline, options.batch, options.interval_ms):
        line = flush_json(make_flush(batch, timeline, options.tier, options.columns.new_ids))
        if count < SHOWN_FLUSHES:
            _say(out, line.decode())
        count += 1
        size += len(line)
    users, artworks = len({row.user_id for row in rows}), len({row.fields["artwork_id"] for row in rows})
    _say(
        out,
        f"Dry run, nothing sent: {len(rows):,} impressions of {users:,} users and {artworks:,} artworks in"
        f" {count:,} flushes, {size:,} bytes.",
    )


def _say_bad(report: Report, out: Console) -> None:
    for bad in report.bad:
        _say(out, f"bad row {bad}")
    if report.bad_rows > len(report.bad):
        _say(out, f"and {report.bad_rows - len(report.bad):,} more bad rows")


def _say_span(rows: list[Row], timeline: Timeline, out: Console) -> None:
    first, last = rows[0].seen_at, rows[-1].seen_at
    played = f", played as {_iso(timeline.map(first))} to {_iso(timeline.map(last))}"
    moved = "" if timeline.rebase_to is None and timeline.compress_to is None else played
    _say(out, f"{len(rows):,} impressions from {_iso(first)} to {_iso(last)} (times without a zone are UTC){moved}")


def _say_end(report: Report, options: ProduceOptions, out: Console) -> None:
    if report.interrupted:
        _say(out, f"Interrupted. {_again(options)}")
    if report.problem:
        _say(out, f"{report.problem} {_again(options)}")
    rate = report.acknowledged / max(report.seconds, 1e-3)
    _say(
        out,
        f"{report.rows:,} rows read, {report.sent:,} impressions sent, {report.acknowledged:,} acknowledged,"
        f" {report.bad_rows:,} bad, {report.seconds:.1f} s, {rate:,.0f}/s",
    )


def _again(options: ProduceOptions) -> str:
    """Say how to send the rest; a second run is a retry only with the same ids and times."""
    if options.columns.new_ids:
        return "A second run makes new ids; only impressions within the dedupe window of their first are known again."
    same = "" if options.rebase_to is None else f" with --rebase-to {_iso(options.rebase_to)}"
    return f"Run the same command again{same} to send the rest: what has arrived is not counted twice."


def _iso(ms: int) -> str:
    at: datetime = EPOCH + timedelta(milliseconds=ms)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _say(out: Console, line: str) -> None:
    out.print(line, markup=False, highlight=False, soft_wrap=True)
