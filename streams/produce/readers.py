"""The files that a replay can read: CSV, NDJSON (impressions or whole flushes) and Parquet."""

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any, Literal

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from streams.core.decode import DecodedFlush, InvalidImpression, decode
from streams.errors import UserError
from streams.produce.columns import Binding, Columns
from streams.produce.rows import BadRow, Envelope, Row

Format = Literal["csv", "ndjson", "parquet"]

EXTENSIONS: dict[str, Format] = {".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson", ".parquet": "parquet"}
# A field that none of a file's first records has is considered missing, not rare.
SAMPLE = 100
PARQUET_ROWS = 10_000
BOM = codecs.BOM_UTF8


def format_of(path: Path, given: Format | None = None) -> Format:
    """Return a file's format, by its extension unless given. Raises UserError."""
    name = path.name.lower().removesuffix(".gz")
    found = given or EXTENSIONS.get(Path(name).suffix)
    if found is None:
        raise UserError(f"{path}: what format is it? Say --format csv, ndjson or parquet.")
    return found


def read_file(path: Path, columns: Columns, given: Format | None = None) -> Iterator[Row | BadRow]:
    """Yield a file's impressions in its order. Raises UserError if it can't be read or lacks a column."""
    reader = {"csv": _read_csv, "ndjson": _read_ndjson, "parquet": _read_parquet}[format_of(path, given)]
    try:
        yield from reader(path, columns)
    except OSError as error:  # including gzip's own errors
        raise UserError(f"{path} can't be read: {error.strerror or error}.") from None
    except (EOFError, zlib.error) as error:
        raise UserError(f"{path} is damaged: {error}.") from None
    except pa.ArrowException as error:
        raise UserError(f"{path} is not a readable Parquet file: {str(error).splitlines()[0]}") from None


def _open(path: Path) -> IO[bytes]:
    return gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb")  # type: ignore[return-value]


def _read_csv(path: Path, columns: Columns) -> Iterator[Row | BadRow]:
    # surrogateescape: a byte that is not UTF-8 makes its field invalid, not the file.
    with io.TextIOWrapper(_open(path), "utf-8-sig", errors="surrogateescape", newline="") as file:
        reader = csv.reader(file)
        names = next(reader, None)
        if names is None:
            raise UserError(f"{path} is empty: a CSV file begins with the names of its columns.")
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise UserError(f"{path} has two columns of the name {', '.join(twice)}.")
        binding = columns.bind(path.name, names)
        while True:
            number = reader.line_num + 1
            try:
                values = next(reader)
            except StopIteration:
                return
            except csv.Error as error:  # this line is not CSV; the next one may be
                yield BadRow(path.name, number, str(error))
                continue
            if len(values) == len(names):
                yield binding.attempt(number, dict(zip(names, values, strict=True)))
            elif values:  # empty lines are ignored
                yield BadRow(path.name, number, f"{len(values)} columns, the header has {len(names)}")


def _read_ndjson(path: Path, columns: Columns) -> Iterator[Row | BadRow]:
    with _open(path) as file:
        lines = ((number, line.removeprefix(BOM).rstrip(b"\r\n")) for number, line in enumerate(file, 1))
        parsed = (_parse(path.name, number, line) for number, line in lines if line.strip())
        sample = list(islice(parsed, SAMPLE))
        flat = [item[2] for item in sample if not isinstance(item, BadRow) and "impressions" not in item[2]]
        names = dict.fromkeys(key for record in flat for key in record)
        # A file of flushes needs no columns; nor does one if its first records are not JSON.
        binding = columns.bind(path.name, names, sparse=True) if flat else columns.bind_sparse(path.name)
        for item in chain(sample, parsed):
            if isinstance(item, BadRow):
                yield item
                continue
            number, line, record = item
            if "impressions" in record:
                yield from _flush_rows(binding, path.name, number, line)
            else:
                yield binding.attempt(number, record)


def _parse(source: str, number: int, line: bytes) -> tuple[int, bytes, dict[str, Any]] | BadRow:
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return BadRow(source, number, f"not JSON: {error}")
    if not isinstance(record, dict):
        return BadRow(source, number, "a JSON object is expected")
    return number, line, record


def _flush_rows(binding: Binding, source: str, number: int, line: bytes) -> Iterator[Row | BadRow]:
    decoded = decode(line)
    if not isinstance(decoded, DecodedFlush):
        yield BadRow(source, number, f"{decoded.reason}: {decoded.detail}")
        return
    header = decoded.flush.model_dump(exclude_unset=True, exclude={"impressions"})
    good = sum(not isinstance(impression, InvalidImpression) for impression in decoded.impressions)
    envelope = Envelope(header, good)
    for index, impression in enumerate(decoded.impressions):
        if isinstance(impression, InvalidImpression):
            yield BadRow(source, number, f"impression {index}: {impression.detail}")
            continue
        found = {**impression.model_dump(exclude_unset=True), "user_id": decoded.flush.user_id}
        row = binding.make(number, found)
        row.envelope = envelope
        yield row


def _read_parquet(path: Path, columns: Columns) -> Iterator[Row | BadRow]:
    with pq.ParquetFile(path) as file:
        names = file.schema_arrow.names
        binding = columns.bind(path.name, names)
        wanted = [name for name in names if name in binding.columns]
        number = 0
        for batch in file.iter_batches(PARQUET_ROWS, columns=wanted):
            for record in _plain(batch).to_pylist():
                number += 1
                yield binding.attempt(number, record)


def _plain(batch: Any) -> Any:
    """Return the batch with its times in us, which Python's datetime can hold; finer times are not needed."""
    arrays = [
        array.cast(pa.timestamp("us", array.type.tz), safe=False) if pa.types.is_timestamp(array.type) else array
        for array in batch.columns
    ]
    return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)


def _refuse(bad: BadRow) -> None:
    raise UserError(f"{bad}.")


def read(
    files: Iterable[Path | str],
    columns: Columns | None = None,
    *,
    file_format: Format | None = None,
    on_bad: Callable[[BadRow], None] = _refuse,
) -> Iterator[Row]:
    """Yield the files' impressions, file by file, in their order; `on_bad` gets the bad rows.

    By default the first bad row raises UserError. Raises UserError for a file that can't be read or lacks a column.
    """
    for file in files:
        for item in read_file(Path(file), columns or Columns(), file_format):
            if isinstance(item, BadRow):
                on_bad(item)
            else:
                yield item
