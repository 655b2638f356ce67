"""The command line, `impressions`. Imports are local, so each command loads only what it needs."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from streams.catalogue_load import command as catalogue_command
from streams.errors import KnownError
from streams.runtime import log
from streams.settings import Settings
from streams.top import command as top_command

app = typer.Typer(
    name="impressions",
    help="Exact, real-time impression recording as a stream. `impressions COMMAND --help` shows an example.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(catalogue_command.app, name="catalogue")

Index = Annotated[
    str,
    typer.Option(
        metavar="N|auto",
        help="Its index: names its state folder, group member and metrics port. auto: the lowest number that is free "
        "in the data folder; the port is then that of number 0, for processes in containers of their own.",
    ),
]


# These run until they are stopped and are visible only by their logs; the others talk to a person.
LOGGING = ("worker", "sink", "clickhouse", "supervise")


@app.callback()
def _setup(context: typer.Context) -> None:
    """Set up logs: at IMPRESSIONS_LOG_LEVEL for what runs in the background, at WARNING for the rest."""
    level = Settings.load().log_level
    log.configure(level if context.invoked_subcommand in LOGGING else "WARNING")


@app.command()
def up(
    components: Annotated[list[str] | None, typer.Argument(help="kafka, clickhouse, worker-N, sink-N.")] = None,
) -> None:
    """Start the embedded stack in the background: Kafka, ClickHouse, topics and schema, a worker and a sink.

    What is already running is left alone; what dies is restarted until `down`.
    Example: impressions up        (all)      impressions up worker-1
    """
    from streams.embedded import stack
    from streams.embedded.components import DEFAULT

    stack.up(Settings.load(), components or DEFAULT, out=typer.echo, supervise=True)


@app.command()
def down() -> None:
    """Stop what `up` started, by recorded pid; the data is kept.

    Example: impressions down
    """
    from streams.embedded import stack

    stack.down(Settings.load(), out=typer.echo)


@app.command()
def status() -> None:
    """Show what runs, where and since when. Exits with 1 if anything that was started is down.

    Example: impressions status
    """
    from streams.embedded import stack
    from streams.embedded.notes import notes

    settings = Settings.load()
    rows = stack.status(settings)
    for row in rows:
        since = f"since {row.since:%Y-%m-%d %H:%M:%S}" if row.since else ""
        line = f"{row.component:12}{'up' if row.up else 'down':6}{row.pid or '-':<9}{row.address:28}{since}{row.hint}"
        typer.echo(line.rstrip())
    for note in notes(settings, rows):
        typer.echo(note)
    raise typer.Exit(0 if all(row.up for row in rows) else 1)


app.command()(top_command.top)


@app.command()
def provision(dry_run: Annotated[bool, typer.Option(help="Only show what would change.")] = False) -> None:
    """Make Kafka's topics match topics.yaml, and ClickHouse's schema the migrations. Never deletes.

    Example: impressions provision --dry-run
    """
    from streams.provision.run import provision as run

    run(Settings.load(), dry_run, typer.echo)


@app.command()
def worker(index: Index = "0") -> None:
    """Run a worker: decide what arrives on impressions.v1, until SIGTERM.

    Example: impressions worker --index 1
    """
    from streams.runtime.members import member
    from streams.worker.app import main as run

    settings = Settings.load()
    which = member(settings, "worker", index)
    run(settings, which.number, which.port)


@app.command()
def sink(index: Index = "0") -> None:
    """Run a sink: insert what the workers decided into ClickHouse, until SIGTERM.

    Example: impressions sink --index 1
    """
    from streams.runtime.members import member
    from streams.sink.run import main as run

    settings = Settings.load()
    which = member(settings, "sink", index)
    run(settings, which.number, which.port)


@app.command()
def clickhouse() -> None:
    """Run the embedded ClickHouse: the real engine behind its HTTP interface, until SIGTERM.

    Example: impressions clickhouse
    """
    from streams.embedded.clickhouse.config import ServerConfig
    from streams.embedded.clickhouse.server import serve
    from streams.runtime import failpoints

    settings = Settings.load()
    failpoints.enable(settings, "clickhouse")
    host, port = settings.clickhouse_address
    serve(
        ServerConfig(
            host=host,
            port=port,
            path=settings.data_dir / "clickhouse",
            writer_password=settings.ensure_writer_password(),
            hosts=tuple(name.strip() for name in settings.clickhouse_hosts.split(",") if name.strip()),
        )
    )


@app.command(hidden=True)
def supervise() -> None:
    """Restart what `up` started and what has died since, until SIGTERM. `up` runs this; you don't need to.

    Example: impressions supervise
    """
    from streams.embedded.supervisor import main as run

    run(Settings.load())


@app.command()
def rebuild(
    dry_run: Annotated[bool, typer.Option(help="Only say what would be rebuilt.")] = False,
    replace: Annotated[bool, typer.Option(help="Rebuild a state that is whole, too.")] = False,
) -> None:
    """Rebuild the worker's state from ClickHouse's impressions after its changelogs were lost.

    Stop the workers and let the sinks finish first. Example: impressions rebuild
    """
    from rich.console import Console

    from streams.rebuild.run import rebuild as run

    run(Settings.load(), Console(stderr=False), dry_run=dry_run, replace=replace)


@app.command()
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


@app.command()
def settings() -> None:
    """List every setting with its value, default, unit and meaning. docs/contract.md defines the rules they name.

    Example: IMPRESSIONS_LATENESS_SECONDS=3600 impressions settings
    """
    typer.echo("# The rules that settings name, and what else users may rely on: docs/contract.md.")
    for line in Settings.load().table():
        typer.echo(line)


@app.command()
def doctor() -> None:
    """Say what is missing on this machine and how to get it. Exits with 1 if anything is.

    Example: impressions doctor
    """
    from streams.embedded import doctor as examination

    checks = examination.doctor(Settings.load())
    examination.report(checks, typer.echo)
    raise typer.Exit(0 if examination.well(checks) else 1)


def main() -> None:
    """Run the command line. A KnownError prints its sentence, without a stack trace, and exits with 2."""
    try:
        app()
    except KnownError as error:
        typer.echo(str(error), err=True)
        sys.exit(2)
