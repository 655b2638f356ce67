"""The command line, `impressions`. Imports are local, so each command loads only what it needs."""

import os
import sys
from typing import Annotated, NoReturn

import typer

from streams.catalogue_load import command as catalogue_command
from streams.errors import KnownError
from streams.produce import command as produce_command
from streams.runtime import log
from streams.runtime.data_folder import require_writable, unwritable
from streams.runtime.exit import EXIT_USAGE, code
from streams.runtime.misspelt import unknown
from streams.runtime.version import version
from streams.settings import Settings
from streams.top import command as top_command

logger = log.get(__name__)

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
LOGGING = ("worker", "sink", "collector", "clickhouse", "supervise")
# Supervisors of these decide by the exit code whether to start them again.
MEMBERS = ("worker", "sink", "collector")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(version())
        raise typer.Exit


@app.callback()
def _setup(
    context: typer.Context,
    _shown: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the versions of what runs.")
    ] = False,
) -> None:
    """Set up logs: at IMPRESSIONS_LOG_LEVEL for what runs in the background, at WARNING for the rest."""
    level = Settings.load().log_level
    log.configure(level if context.invoked_subcommand in LOGGING else "WARNING")
    for variable, nearest in unknown(os.environ).items():
        if context.invoked_subcommand in LOGGING:
            logger.warning("setting_unknown", variable=variable, nearest=nearest)
        else:
            meant = f": is {nearest} meant?" if nearest else "."
            typer.echo(f"{variable} is no setting and has no effect{meant}", err=True)


@app.command()
def up(
    components: Annotated[
        list[str] | None, typer.Argument(help="kafka, clickhouse, worker-N, sink-N, collector-N.")
    ] = None,
) -> None:
    """Start the embedded stack in the background: Kafka, ClickHouse, topics and schema, a worker, a sink, a collector.

    What is already running is left alone; what dies is restarted until `down`.
    Example: impressions up        (all)      impressions up worker-1
    """
    from streams.embedded import stack
    from streams.embedded.components import DEFAULT

    settings = Settings.load()
    require_writable(settings.data_dir)
    stack.up(settings, components or DEFAULT, out=typer.echo, supervise=True)


@app.command()
def down() -> None:
    """Stop what `up` started, by recorded pid; the data is kept.

    Example: impressions down
    """
    from streams.embedded import stack

    settings = Settings.load()
    require_writable(settings.data_dir)
    stack.down(settings, out=typer.echo)


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
    require_writable(settings.data_dir)
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
def collector(index: Index = "0") -> None:
    """Run a collector: take flushes over HTTP, and answer once the brokers have them, until SIGTERM.

    Example: impressions collector --index 1
    """
    from streams.collector.server import main as run
    from streams.runtime.members import member

    settings = Settings.load()
    which = member(settings, "collector", index)
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
    require_writable(settings.data_dir)
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

    settings = Settings.load()
    require_writable(settings.data_dir)
    run(settings)


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


app.command()(produce_command.produce)


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
    """Run the command line. A KnownError prints its sentence, without a stack trace, and exits with 2.

    A worker, a sink or a collector exits with the code of the error's kind, as when it meets the error later.
    """
    try:
        app()
    except KnownError as error:
        _end(error)
    except OSError as error:
        if (known := unwritable(error)) is None:
            raise
        _end(known)


def _end(error: KnownError) -> NoReturn:
    typer.echo(str(error), err=True)
    command = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    sys.exit(code(error) if command in MEMBERS else EXIT_USAGE)
