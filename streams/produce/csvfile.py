"""CSV: rows of a file whose quotes may be wrong. No row is ever swallowed by another one's quote."""

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from streams.errors import UserError
from streams.produce.binding import Binding, lacking
from streams.produce.columns import Columns
from streams.produce.rows import BadRow, Format, Item
from streams.produce.source import Line, Lines, too_long
from streams.produce.tally import Tally

# A field may hold lines; beyond this the quote that opened it is wrong.
MOST_FIELD = 1 << 20
# So many lines may stand before the one with the names of the columns.
MOST_PREAMBLE = 50
HOW_QUOTES = "--quote none takes quotes as characters"
EXCEL_SEPARATOR = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
DELIMITERS = (";", "\t", "|", ",")


@dataclass(frozen=True)
class Dialect:
    """How a CSV file is written. `delimiter` "" is a comma, or what the file's name or first line says.

    `quote` "" means that quotes are characters like any other. `header` are the columns of a file that doesn't name
    them. `unnamed` is the format of files whose names don't say one. Raises UserError.
    """

    encoding: str = ""
    delimiter: str = ""
    quote: str = '"'
    header: tuple[str, ...] = ()
    unnamed: Format | None = None

    def __post_init__(self) -> None:
        if len(self.delimiter) > 1 or (self.delimiter and self.delimiter in '\r\n"' + self.quote):
            raise UserError(f"--delimiter takes one character, or tab, not {self.delimiter!r}.")
        if len(self.quote) > 1 or self.quote in ("\r", "\n"):
            raise UserError(f"--quote takes one character, or none, not {self.quote!r}.")


class Record(NamedTuple):
    """A record: its values and its lines; no values if they can't be told, with the reason."""

    lines: list[Line]
    values: list[str]
    wrong: str = ""

    @property
    def number(self) -> int:
        """Return the number of the line that it begins with."""
        return self.lines[0].number


class Records:
    """Takes records from lines. A record that can't be right costs its first line; the others are read again."""

    def __init__(self, lines: Lines, delimiter: str, quote: str) -> None:
        self._lines, self._delimiter, self._quote = lines, delimiter, quote
        quoting = csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE
        self._format: dict[str, Any] = {"delimiter": delimiter, "quotechar": quote or None, "quoting": quoting}

    def take(self, suspicious: Callable[[list[str]], bool] = lambda _: False) -> Record | None:
        """Return the next record, None at the end.

        Where a record has several lines, `suspicious` is asked of each but the first whether it looks like a row of
        its own; then the quote before it is taken for one that was never closed.
        """
        first = self._lines.next()
        if first is None:
            return None
        if not first.whole:
            return Record([first], [], "too long")
        if not self._quote or self._quote not in first.text:
            return Record([first], first.text.rstrip("\r\n").split(self._delimiter))
        record = self._quoted(first)
        swallowed = record.lines[1:]
        if record.wrong or any(suspicious(self._alone(line)) for line in swallowed):
            self._lines.give_back(swallowed)
            return Record([first], [], record.wrong or "a quote that is not closed in its line")
        return record

    def give_back(self, record: Record) -> Record:
        """Take back all lines but the first, and return what is left: a record that is wrong."""
        self._lines.give_back(record.lines[1:])
        return Record(record.lines[:1], [], "a quote that is not closed in its line")

    def _quoted(self, first: Line) -> Record:
        taken = [first]
        size = len(first.text)

        def texts() -> Iterator[str]:
            nonlocal size
            yield first.text
            while size <= MOST_FIELD and (line := self._lines.next()) is not None:
                taken.append(line)
                size += len(line.text)
                if not line.whole:
                    return
                yield line.text

        try:
            values = next(csv.reader(texts(), strict=True, **self._format), [])
        except csv.Error as error:
            wrong = f"a quote is opened and not closed ({HOW_QUOTES})" if "end of data" in str(error) else str(error)
            return Record(taken, [], wrong)
        return Record(taken, values)

    def _alone(self, line: Line) -> list[str]:
        try:
            return next(csv.reader([line.text], **self._format), [])
        except csv.Error:
            return []


def read_csv(path: Path, columns: Columns, dialect: Dialect, tally: Tally) -> Iterator[Item]:
    """Yield the items of a CSV file. Raises UserError if its columns can't be found."""
    with Lines(path, dialect.encoding, "", tally) as lines:
        records = Records(lines, dialect.delimiter or _delimiter(path, lines), dialect.quote)
        header = list(dialect.header) or _header(path, columns, records, lines)
        _refuse_twice(path, header, columns)
        binding = Binding(columns, path.name, header, tally)
        if dialect.header and (absent := columns.missing(header)):
            raise UserError(lacking(str(path), absent, header))

        def suspicious(values: list[str]) -> bool:
            return len(values) == len(header) and binding.is_row(dict(zip(header, values, strict=True)))

        while not tally.full and (record := records.take(suspicious)) is not None:
            if len(record.lines) > 1 and len(record.values) != len(header):
                record = records.give_back(record)
            if record.wrong:
                tally.rows += 1
                long = not record.lines[0].whole
                yield too_long(path.name, record.lines[0]) if long else BadRow(path.name, record.number, record.wrong)
            elif _is_empty(record):
                lines.skip(record.lines[0])
            elif len(record.values) != len(header):
                tally.rows += 1
                reason = f"{len(record.values)} columns, the header has {len(header)}"
                yield BadRow(path.name, record.number, reason)
            elif record.values == list(dialect.header):
                lines.skip(record.lines[0])  # it has a header after all
            else:
                yield from binding.items(record.number, dict(zip(header, record.values, strict=True)))
        if not tally.full:
            lines.finish()
        yield from binding.close()


def _delimiter(path: Path, lines: Lines) -> str:
    """Return what stands between columns: what Excel's own first line says, a tab in .tsv files, else a comma."""
    first = lines.next()
    if first is not None:
        if (found := EXCEL_SEPARATOR.fullmatch(first.text)) is not None:
            lines.skip(first)
            return found[1]
        lines.give_back([first])
    return "\t" if path.name.lower().removesuffix(".gz").endswith((".tsv", ".tab")) else ","


def _header(path: Path, columns: Columns, records: Records, lines: Lines) -> list[str]:
    """Return the names of the columns: the first line that has all that are wanted, after at most a short preamble."""
    before: list[Record] = []
    while len(before) <= MOST_PREAMBLE and (record := records.take()) is not None:
        names = [name.strip() for name in record.values]
        if not columns.missing(names):
            for each in before:
                for line in each.lines:
                    lines.skip(line)
            return names
        before.append(record)
    named = next((record for record in before if not _is_empty(record)), None)
    if named is None:
        raise UserError(f"{path} is empty: a CSV file begins with the names of its columns, or --header names them.")
    if named.wrong:
        raise UserError(f"{path.name}:{named.number}: {named.wrong}; the names of the columns are expected.")
    names = [name.strip() for name in named.values]
    _refuse_twice(path, names, columns)
    raise UserError(lacking(path.name, columns.missing(names), names, _hint(named)))


def _hint(header: Record) -> str:
    text = header.lines[0].text
    if len(header.values) == 1:
        for delimiter in DELIMITERS:
            if delimiter in text:
                named = "tab" if delimiter == "\t" else f"'{delimiter}'"
                return f", or --delimiter {named} if that stands between its columns"
    return ", or --header NAMES if the file has no line of names"


def _refuse_twice(path: Path, header: Sequence[str], columns: Columns) -> None:
    """Refuse two columns of a name that is read; others may have what names they like."""
    read = {root for place in columns.places(header).values() for root in place.roots}
    if twice := sorted({name for name in header if header.count(name) > 1 and name in read}):
        raise UserError(f"{path} has two columns of the name {', '.join(twice)}.")


def _is_empty(record: Record) -> bool:
    return len(record.lines) == 1 and not record.lines[0].text.strip("\r\n ") and not record.wrong
