"""`impressions catalogue load FILE`: what the file says about artworks, against what the log says."""

from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

from rich.console import Console

from streams.catalogue_load.columns import SHOWN_COLUMNS
from streams.catalogue_load.files import Table
from streams.catalogue_load.options import LoadOptions
from streams.catalogue_load.report import Report, record
from streams.catalogue_load.staging import Staging, Step
from streams.catalogue_load.topic import Log
from streams.catalogue_load.writer import Pair, Writer
from streams.errors import KnownError
from streams.kafka.names import ARTWORKS
from streams.runtime.interrupt import Interrupt
from streams.runtime.progress import Progress
from streams.settings import Settings

# The records of one transaction: few enough that a kill loses little, and no reader waits for long.
BATCH_RECORDS = 5_000
BATCH_BYTES = 8 * 1024 * 1024
# Somebody else's producer may overtake a load; one that does so again and again writes the same artworks.
ROUNDS = 3


def load(file: Path, options: LoadOptions, settings: Settings, out: Console) -> Report:
    """Read the file and the log, show the difference, and write it unless this is a dry run.

    Nothing is written before both were read completely. Raises UserError if the file can't be read or has no column of
    ids, no broker answers, or the topic is missing or has lost its beginning; FencedError if another load began.
    """
    report = Report(out, options.everything)
    with Staging() as staging:
        log = Log(settings, staging)
        with closing(log):
            try:
                _read(file, options, staging, report)
                writer = None
                if not options.dry_run:
                    writer = Writer(settings)
                    writer.fence()
                _follow(log, report, wait=writer is not None)
                _plan(file, options, staging, report)
                if writer is not None:
                    _write(file, options, staging, log, writer, report)
            except KeyboardInterrupt:
                report.interrupted = True
                report.say(f"Interrupted. {_so_far(report)}")
    return report


def _read(file: Path, options: LoadOptions, staging: Staging, report: Report) -> None:
    table = Table(file, options.columns, options.file_format, options.delimiter)
    with Progress(report.out, "Reading the file", None) as progress:
        for row in table.rows():
            report.rows += 1
            if bad := row.bad or staging.want(row.number, row.fields):
                report.bad(f"{file.name}:{row.number}", bad)
            progress.update(report.rows)
    if table.ignored:
        more = ", ..." if len(table.ignored) > SHOWN_COLUMNS else ""
        names = ", ".join(list(table.ignored)[:SHOWN_COLUMNS])
        report.say(f"Not read: {names}{more} (--map FIELD=COLUMN names a column).")


def _follow(log: Log, report: Report, wait: bool) -> None:
    with Progress(report.out, f"Reading {ARTWORKS}", None) as progress:
        log.read_on(lambda at, _: progress.update(at), report.say if wait else None)


def _plan(file: Path, options: LoadOptions, staging: Staging, report: Report) -> None:
    """Name the rows that the log doesn't allow, and show the difference."""
    _refuse(file, staging, report)
    for step in staging.steps(_retires(options, report)):
        report.step(step)
    report.say_plan(staging.wanted())
    if options.retire_missing and report.bad_rows:
        report.say("Nothing is retired while rows are bad: what they name would seem to be missing.")
    elif options.retire_missing and (others := staging.other_pools()):
        more = ", ..." if len(others) > SHOWN_COLUMNS else ""
        named = ", ".join(others[:SHOWN_COLUMNS])
        report.say(f"Pools that the file doesn't name stay as they are: {named}{more}.")
    elif not options.retire_missing and (count := staging.stay_retired()):
        report.say(f"Retired, and staying so: {count:,} of these artworks. A column `retired` would say otherwise.")
    if options.dry_run:
        report.say("Dry run: nothing was written.")


def _refuse(file: Path, staging: Staging, report: Report) -> None:
    for line, reason in staging.refuse_conflicts():
        report.bad(f"{file.name}:{line}", reason)
    staging.name_pools()


def _retires(options: LoadOptions, report: Report) -> bool:
    return options.retire_missing and not report.bad_rows


def _write(file: Path, options: LoadOptions, staging: Staging, log: Log, writer: Writer, report: Report) -> None:
    """Write what the log lacks, and read it again, until it lacks nothing."""
    left = 0
    try:
        for _ in range(ROUNDS):
            if not _write_once(staging.steps(_retires(options, report)), writer, report):
                break
            _follow(log, report, wait=True)
            _refuse(file, staging, report)
        else:
            left = sum(1 for _ in staging.steps(_retires(options, report)))
    except KeyboardInterrupt:
        writer.abort()
        raise
    except KnownError as error:
        raise type(error)(f"{str(error).rstrip('.')}. {_so_far(report)}") from None
    report.say(f"{report.written:,} records were written to {ARTWORKS}.")
    if left:
        report.problem = f"Another producer writes the same artworks: {left:,} still differ from the file."
        report.say(report.problem)


def _write_once(steps: Iterator[Step], writer: Writer, report: Report) -> int:
    """Write these records; return how many there were."""
    before = report.written
    with Progress(report.out, f"Writing {ARTWORKS}", sum(report.planned.values())) as progress:
        for batch in batches(steps):
            # An interrupt waits until the records are written and counted. A second one doesn't.
            with Interrupt() as interrupt:
                writer.write(batch)
                report.written += len(batch)
            if interrupt:
                raise KeyboardInterrupt
            progress.update(report.written)
    return report.written - before


def batches(steps: Iterator[Step]) -> Iterator[list[Pair]]:
    """Yield the records of steps, cut into transactions."""
    pairs = ((step.after.artwork_id, record(step.after)) for step in steps)
    for first in pairs:
        batch, size = [first], len(first[1])
        for pair in islice(pairs, BATCH_RECORDS - 1):
            batch.append(pair)
            size += len(pair[1])
            if size >= BATCH_BYTES:
                break
        yield batch


def _so_far(report: Report) -> str:
    if not sum(report.planned.values()):
        return "Nothing was written."
    written, planned = report.written, sum(report.planned.values())
    return f"{written:,} of {planned:,} records were written: running it again writes the rest."
