"""The options and texts of `impressions produce`."""

from pathlib import Path
from typing import Annotated

import typer

from streams.settings import Settings


def produce(  # noqa: PLR0913, PLR0917 - each is an option of the command
    files: Annotated[list[Path], typer.Argument(help="CSV, NDJSON or Parquet, also gzipped.")],
    preset: Annotated[
        str | None,
        typer.Option(
            help="A log that people have: ga4, bigquery, snowplow, segment, posthog, open-bandit, mind, kuairand, "
            "outbrain. Other options win over it."
        ),
    ] = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", help="FIELD=COLUMN, as user_id=user, or a path, as user_id=properties.user. Repeatable."),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(help="COLUMN=VALUE, as event=artwork_seen: which records are impressions. Repeatable."),
    ] = None,
    null: Annotated[
        list[str] | None,
        typer.Option(help="A word that stands for no value, instead of NULL, NA, nan, None and others. Repeatable."),
    ] = None,
    encode: Annotated[
        list[str] | None,
        typer.Option(help="A field whose ids may have any characters, as user_id for e-mail addresses. Repeatable."),
    ] = None,
    artwork_format: Annotated[str, typer.Option(help="Turns a column into the artwork_id, such as a{:04d}.")] = "{}",
    user_format: Annotated[str, typer.Option(help="Turns a column into the user_id.")] = "{}",
    time_unit: Annotated[
        str | None, typer.Option(help="s, ms, us or ns, if times are numbers; auto: what fits the whole column.")
    ] = None,
    time_format: Annotated[str | None, typer.Option(help="Of times that are not ISO 8601, such as %d/%m/%Y.")] = None,
    time_zone: Annotated[str, typer.Option(help="Of times that name no zone, such as Europe/Berlin.")] = "UTC",
    time_origin: Annotated[str | None, typer.Option(help="The time from which numbers count, if not 1970.")] = None,
    file_format: Annotated[str | None, typer.Option("--format", help="csv, ndjson or parquet; else by name.")] = None,
    encoding: Annotated[str, typer.Option(help="Of text that is not UTF-8, such as utf-16 or cp1252.")] = "",
    delimiter: Annotated[str | None, typer.Option(help="Between a CSV file's columns: ';', tab, ...")] = None,
    quote: Annotated[str | None, typer.Option(help="The CSV file's quote; none if quotes mean nothing.")] = None,
    header: Annotated[str, typer.Option(help="A,B,...: the columns of a CSV file that doesn't name them.")] = "",
    rebase_to: Annotated[str | None, typer.Option(help="now, or a time: the new time of the last event.")] = None,
    compress_to: Annotated[str | None, typer.Option(help="Scale the whole time span to this, such as 12h.")] = None,
    speed: Annotated[str, typer.Option(help="Seconds of events per second, or max.")] = "max",
    batch: Annotated[int, typer.Option(help="Most impressions per flush.")] = 200,
    pool: Annotated[str, typer.Option(help="pool_id for rows without one.")] = "",
    tier: Annotated[str, typer.Option(help="free or pro: how often a user's impressions are flushed.")] = "free",
    limit: Annotated[int | None, typer.Option(help="Stop after this many rows.")] = None,
    dry_run: Annotated[bool, typer.Option(help="Show the first flushes and the totals; send nothing.")] = False,
    strict: Annotated[bool, typer.Option(help="Stop at the first bad row.")] = False,
    new_ids: Annotated[bool, typer.Option(help="Use new ids, so a second run is not a retry of the first.")] = False,
) -> None:
    """Send impressions from files to impressions.v1. Exits with 1 if a row was bad or not acknowledged.

    Example: impressions produce log.csv.gz --map user_id=user --map artwork_id=item_id --map seen_at=timestamp
    --rebase-to now --compress-to 12h
    """
    from rich.console import Console

    from streams.produce import run as player
    from streams.produce.options import ProduceOptions

    options = ProduceOptions.parse(
        preset=preset,
        maps=mapping or (),
        where=where or (),
        null=null or (),
        encode=encode or (),
        artwork_format=artwork_format,
        user_format=user_format,
        time_unit=time_unit,
        time_format=time_format,
        time_zone=time_zone,
        time_origin=time_origin,
        file_format=file_format,  # type: ignore[arg-type] # parse checks it, and says what it accepts
        encoding=encoding,
        delimiter=delimiter,
        quote=quote,
        header=header,
        rebase_to=rebase_to,
        compress_to=compress_to,
        speed=speed,
        batch=batch,
        pool=pool,
        tier=tier,  # type: ignore[arg-type]
        limit=limit,
        dry_run=dry_run,
        strict=strict,
        new_ids=new_ids,
    )
    report = player.run(files, options, Settings.load(), Console(stderr=False))
    raise typer.Exit(report.exit_code)
