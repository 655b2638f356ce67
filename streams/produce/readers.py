"""The files that can be played: CSV, NDJSON (impressions, whole flushes, mixed events) and Parquet."""

import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pyarrow as pa

from streams.errors import UserError
from streams.produce.columns import Columns
from streams.produce.csvfile import Dialect, read_csv
from streams.produce.ndjson import read_ndjson
from streams.produce.parquet import read_parquet
from streams.produce.rows import BadRow, Format, Item, OtherEvent, Row
from streams.produce.tally import Tally

EXTENSIONS: dict[str, Format] = {
    **dict.fromkeys((".csv", ".tsv", ".tab"), "csv"),
    **dict.fromkeys((".ndjson", ".jsonl", ".json"), "ndjson"),
    ".parquet": "parquet",
}


def format_of(path: Path, given: Format | None = None, unnamed: Format | None = None) -> Format:
    """Return a file's format, by its extension unless given; `unnamed` if that says none. Raises UserError."""
    name = path.name.lower().removesuffix(".gz")
    found = given or EXTENSIONS.get(Path(name).suffix, unnamed)
    if found is None:
        raise UserError(f"{path}: what format is it? Say --format csv, ndjson or parquet.")
    return found


def read_file(path: Path, columns: Columns, dialect: Dialect, given: Format | None, tally: Tally) -> Iterator[Item]:
    """Yield a file's items in its order. Raises UserError if it can't be read or lacks a column."""
    before, came = tally.rows, 0
    try:
        for item in _items(path, columns, dialect, given, tally):
            came += 1
            tally.add(item)
            yield item
    except OSError as error:  # including gzip's own errors
        raise UserError(f"{path} can't be read: {error.strerror or error}.") from None
    except (EOFError, zlib.error) as error:
        raise UserError(f"{path} is damaged: {error}.") from None
    except pa.ArrowException as error:
        raise UserError(f"{path} is not a readable Parquet file: {str(error).splitlines()[0]}") from None
    tally.require(path.name, "rows", tally.rows - before, came)


def _items(path: Path, columns: Columns, dialect: Dialect, given: Format | None, tally: Tally) -> Iterator[Item]:
    match format_of(path, given, dialect.unnamed):
        case "csv":
            return read_csv(path, columns, dialect, tally)
        case "ndjson":
            return read_ndjson(path, columns, dialect.encoding, tally)
        case "parquet":
            return read_parquet(path, columns, tally)


def _refuse(bad: BadRow) -> None:
    raise UserError(f"{bad}.")


def read(
    files: Iterable[Path | str],
    columns: Columns | None = None,
    *,
    dialect: Dialect | None = None,
    file_format: Format | None = None,
    on_bad: Callable[[BadRow], None] = _refuse,
    tally: Tally | None = None,
) -> Iterator[Row]:
    """Yield the files' impressions, file by file, in their order; `on_bad` gets the bad rows, `tally` all counts.

    By default the first bad row raises UserError. Raises UserError for a file that can't be read or lacks a column.
    """
    counts = Tally() if tally is None else tally
    for file in files:
        if counts.full:
            return
        for item in read_file(Path(file), columns or Columns(), dialect or Dialect(), file_format, counts):
            if isinstance(item, BadRow):
                on_bad(item)
            elif not isinstance(item, OtherEvent):
                yield item
