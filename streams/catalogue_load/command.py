"""The options and texts of `impressions catalogue`."""

from pathlib import Path
from typing import Annotated

import typer

from streams.settings import Settings

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def catalogue() -> None:
    """Tell the stream which artworks there are: `load` makes the catalogue say what a file says.

    Example: impressions catalogue load artworks.csv --dry-run
    """


@app.command()
def load(  # noqa: PLR0913, PLR0917 - each is an option of the command
    file: Annotated[Path, typer.Argument(help="CSV, NDJSON or Parquet, also gzipped: a row is an artwork.")],
    mapping: Annotated[
        list[str] | None, typer.Option("--map", help="FIELD=COLUMN, such as artwork_id=sku. Repeatable.")
    ] = None,
    artwork_format: Annotated[str, typer.Option(help="Turns a column into the artwork_id, such as a{:04d}.")] = "{}",
    pool: Annotated[str, typer.Option(help="pool_id for rows without one.")] = "",
    time_unit: Annotated[
        str | None, typer.Option(help="s, ms, us or ns, if created_at is a number; ms if not given.")
    ] = None,
    no_value: Annotated[
        list[str] | None,
        typer.Option("--null", help="A word for no value, in place of NULL, NA, None, NaN and \\N. Repeatable."),
    ] = None,
    delimiter: Annotated[
        str | None, typer.Option(help="What separates the columns of CSV, or tab; else a comma.")
    ] = None,
    file_format: Annotated[str | None, typer.Option("--format", help="csv, ndjson or parquet; else by name.")] = None,
    retire_missing: Annotated[
        bool, typer.Option(help="Retire the artworks of the file's pools that the file doesn't have.")
    ] = False,
    dry_run: Annotated[bool, typer.Option(help="Show what would be added, changed, retired; write nothing.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Show each difference, not only the first ones.")] = False,
) -> None:
    """Make artworks.v1 say what a file says about artworks.

    The fields are artwork_id, pool_id, ordinal, created_at, retired and dna, of which only artwork_id, and pool_id for
    new artworks, must be there; what a row doesn't say stays as it is. New artworks get the next ordinals. Running it
    again writes what is left to write. Exits with 1 if rows were bad; the others are loaded.

    Example: impressions catalogue load artworks.csv --map artwork_id=sku --pool main --dry-run
    """
    from rich.console import Console

    from streams.catalogue_load.options import LoadOptions
    from streams.catalogue_load.run import load as run

    options = LoadOptions.parse(
        maps=mapping or (),
        artwork_format=artwork_format,
        pool=pool,
        time_unit=time_unit,
        no_value=no_value or (),
        file_format=file_format,
        delimiter=delimiter,
        retire_missing=retire_missing,
        dry_run=dry_run,
        everything=everything,
    )
    raise typer.Exit(run(file, options, Settings.load(), Console(stderr=False)).exit_code)
