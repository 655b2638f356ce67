"""Files of artworks, record by record: CSV, NDJSON and Parquet, in the memory of a few records."""

import gzip
import io
import json
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from streams.catalogue_load.columns import Columns, Fields
from streams.catalogue_load.csvfile import CsvReader
from streams.errors import UserError

Format = Literal["csv", "ndjson", "parquet"]

EXTENSIONS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".parquet": "parquet",
}
# A record of the topic takes no more, and no artwork needs more of a file.
MOST_LINE_BYTES = 4 * 1024 * 1024
PARQUET_ROWS = 2_000
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_DELIMITERS = {";": "';'", "\t": "tab", "|": "'|'"}


class Row(NamedTuple):
    """A row by its number, from 1 (in CSV and NDJSON its line): an artwork's fields, or why it is `bad`."""

    number: int
    fields: Fields
    bad: str = ""


class Table:
    """A file. After it was read, `ignored` are its columns that no field was read from."""

    def __init__(self, path: Path, columns: Columns, given: Format | None = None, delimiter: str | None = None) -> None:
        """Raises UserError if the format is unknown."""
        self.path, self.ignored = path, dict[str, None]()
        self._columns, self._delimiter = columns, delimiter
        self._reader, self._wanted = columns.reader(), columns.wanted()
        found = given or EXTENSIONS.get(Path(path.name.lower().removesuffix(".gz")).suffix)
        if found is None:
            raise UserError(f"{path}: what format is it? Say --format csv, ndjson or parquet.")
        self._read = {"csv": self._csv, "ndjson": self._ndjson, "parquet": self._parquet}[found]

    def rows(self) -> Iterator[Row]:
        """Yield every row of the file, in its order. Raises UserError if it can't be read or lacks a column."""
        try:
            yield from self._read()
        except OSError as error:  # including gzip's own errors
            raise UserError(f"{self.path} can't be read: {error.strerror or error}.") from None
        except (EOFError, zlib.error) as error:
            raise UserError(f"{self.path} is damaged: {error}.") from None
        except pa.ArrowException as error:
            raise UserError(f"{self.path} is not a readable Parquet file: {str(error).splitlines()[0]}") from None

    def _row(self, number: int, record: Mapping[str, Any]) -> Row:
        try:
            return Row(number, self._reader.fields(record))
        except ValueError as error:
            return Row(number, {}, str(error))

    @contextmanager
    def _open(self) -> Iterator[IO[bytes]]:
        zipped = self.path.name.lower().endswith(".gz")
        with gzip.open(self.path) if zipped else self.path.open("rb") as file:
            if file.read(2) in _UTF16:
                raise UserError(f"{self.path} is UTF-16: write it as UTF-8, such as by iconv -f UTF-16 -t UTF-8.")
            file.seek(0)
            yield file  # type: ignore[misc]

    def _csv(self) -> Iterator[Row]:
        delimiter = self._delimiter or ("\t" if ".tsv" in self.path.name.lower() else ",")
        # surrogateescape: a byte that is not UTF-8 makes its field invalid, not the file.
        with (
            self._open() as raw,
            io.TextIOWrapper(raw, "utf-8-sig", errors="surrogateescape", newline="") as file,
        ):
            records = CsvReader(file, delimiter)
            reading = iter(records)
            header = next(reading, None)
            if header is None or header.wrong:
                why = f": {header.wrong}" if header else ""
                raise UserError(f"{self.path} has no line with the names of its columns{why}.")
            names = [name.strip() for name in header.values]
            self._require(names, names[0] if len(names) == 1 else "")
            width = len(names)
            for number, values, wrong, swallowed in reading:
                if wrong:
                    yield Row(number, {}, wrong)
                elif any(self._is_row(names, records.alone(line)) for line in swallowed):
                    yield Row(
                        number, {}, f"a quote goes over {len(swallowed)} lines, of which some are rows themselves"
                    )
                elif len(values) == width:
                    yield self._row(number, dict(zip(names, values, strict=True)))
                else:
                    yield Row(number, {}, f"{len(values)} columns, the header has {width}")

    def _is_row(self, names: list[str], values: list[str]) -> bool:
        return len(values) == len(names) and self._reader.is_artwork(dict(zip(names, values, strict=True)))

    def _require(self, names: list[str], only: str = "") -> None:
        if twice := sorted({name for name in names if name in self._wanted and names.count(name) > 1}):
            raise UserError(f"{self.path} has two columns of the name {', '.join(twice)}.")
        other = next((named for delimiter, named in _DELIMITERS.items() if delimiter in only), "")
        self._columns.require(str(self.path), names, f", or --delimiter {other}" if other else "")
        self.ignored = dict.fromkeys(name for name in names if name not in self._wanted)

    def _ndjson(self) -> Iterator[Row]:
        seen: set[str] = set()
        objects = 0
        with self._open() as file:
            for number, line in _lines(file):
                if len(line) > MOST_LINE_BYTES:
                    yield Row(number, {}, f"a line of more than {MOST_LINE_BYTES} bytes")
                    continue
                if not line.strip():
                    continue
                record = _object(line)
                if isinstance(record, str):
                    yield Row(number, {}, record)
                    continue
                if "artwork_id" not in self._columns.names and isinstance(record.get("impressions"), list):
                    raise UserError(
                        f"{self.path}:{number} is a flush of impressions: `impressions produce` sends those."
                    )
                objects += 1
                if len(seen) < 1_000:
                    seen |= record.keys()
                yield self._row(number, record)
        if objects:
            self._require(sorted(seen))

    def _parquet(self) -> Iterator[Row]:
        with pq.ParquetFile(self.path) as file:
            names = file.schema_arrow.names
            self._require(names)
            wanted = [name for name in names if name in self._wanted]
            number = 0
            for batch in file.iter_batches(PARQUET_ROWS, columns=wanted):
                columns = [_values(batch.column(index)) for index in range(batch.num_columns)]
                for row in zip(*columns, strict=True):
                    number += 1
                    yield self._row(number, dict(zip(batch.schema.names, row, strict=True)))


def _lines(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield lines; of one that is too long, the beginning."""
    number = 0
    while line := file.readline(MOST_LINE_BYTES + 1):
        number += 1
        ended = line.endswith(b"\n")
        yield number, line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
        while not ended and (more := file.readline(MOST_LINE_BYTES)):
            ended = more.endswith(b"\n")


def _object(line: bytes) -> dict[str, Any] | str:
    """Return the object of a line, its integers exact; or why it is none."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f"not JSON: {error}"
    return record if isinstance(record, dict) else "a JSON object is expected"


def _values(array: Any) -> list[Any]:
    """Return a column's values; times in us, which Python's datetime can hold. One that can't be read is a text."""
    if pa.types.is_timestamp(array.type):
        array = array.cast(pa.timestamp("us", "UTC" if array.type.tz else None), safe=False)
    try:
        return list(array.to_pylist())
    except (ValueError, OverflowError, LookupError, pa.ArrowException):
        return [_value(each) for each in array]


def _value(scalar: Any) -> Any:
    try:
        return scalar.as_py()
    except (ValueError, OverflowError, LookupError, pa.ArrowException) as error:
        return f"unreadable ({error})"
