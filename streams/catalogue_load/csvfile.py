"""CSV, of which no line is swallowed by a quote that somebody forgot to close."""

import csv
from collections import deque
from collections.abc import Iterator
from typing import IO, NamedTuple

# A field that has line feeds, such as a description, has no more of them, and no more characters.
MOST_LINES = 50
MOST_CHARACTERS = 2 * 1024 * 1024


class CsvRecord(NamedTuple):
    """A record, by the number of its first line; if it is `wrong`, why."""

    number: int
    values: list[str]
    wrong: str = ""
    swallowed: tuple[str, ...] = ()  # the lines after the first that belong to it


class CsvReader:
    """Reads records from a text file."""

    def __init__(self, file: IO[str], delimiter: str) -> None:
        self._lines = _lines(file)
        self._waiting: deque[tuple[int, str]] = deque()
        self._delimiter = delimiter

    def __iter__(self) -> Iterator[CsvRecord]:
        while (found := self._next()) is not None:
            number, line = found
            if line is _TOO_LONG:
                yield CsvRecord(number, [], f"a line of more than {MOST_CHARACTERS} characters")
            elif '"' not in line:
                if line.strip("\r\n"):  # empty lines are ignored
                    yield CsvRecord(number, line.rstrip("\r\n").split(self._delimiter))
            else:
                yield self._quoted(number, line)

    def alone(self, line: str) -> list[str]:
        """Return the values of a line by itself; none if it is not a record."""
        return self._parse([line])[0]

    def _quoted(self, number: int, line: str) -> CsvRecord:
        """Read a record that may go on in the next lines. Where it can't end, they are read again by themselves."""
        taken = [(number, line)]
        while True:
            values, wrong = self._parse([text for _, text in taken])
            if not wrong:
                return CsvRecord(number, values, swallowed=tuple(text for _, text in taken[1:]))
            following = self._next() if wrong == _OPEN and len(taken) <= MOST_LINES else None
            if following is not None:
                taken.append(following)
            if following is None or following[1] is _TOO_LONG or sum(map(_size, taken)) > MOST_CHARACTERS:
                self._waiting.extendleft(reversed(taken[1:]))
                return CsvRecord(number, [], wrong)

    def _parse(self, lines: list[str]) -> tuple[list[str], str]:
        """Return the values of a record, or why it is none."""
        try:
            return next(csv.reader(lines, delimiter=self._delimiter, strict=True), []), ""
        except csv.Error as error:
            return [], _OPEN if "unexpected end of data" in str(error) else str(error)

    def _next(self) -> tuple[int, str] | None:
        return self._waiting.popleft() if self._waiting else next(self._lines, None)


_ENDS = ("\n", "\r")
# Stands for a line, by its identity.
_TOO_LONG = "a line that is too long"
_OPEN = "a quote is opened and not closed"


def _lines(file: IO[str]) -> Iterator[tuple[int, str]]:
    """Yield numbered lines, _TOO_LONG for one that is."""
    number = 0
    while line := file.readline(MOST_CHARACTERS):
        number += 1
        if len(line) == MOST_CHARACTERS and not line.endswith(_ENDS):
            while (more := file.readline(MOST_CHARACTERS)) and not more.endswith(_ENDS):
                pass
            line = _TOO_LONG
        yield number, line


def _size(line: tuple[int, str]) -> int:
    return len(line[1])
