"""A file's bytes and its lines of text, in any encoding, bounded, with every byte accounted for."""

import codecs
import gzip
import io
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

from streams.errors import UserError
from streams.produce.rows import BadRow
from streams.produce.tally import Tally

BOM = "\ufeff"
# A longer line is one bad row: it is read to its end in pieces, and not kept. A flush has at most 1 MiB, and a line
# above 23 MiB isn't read by the stream (contract §3).
MOST_LINE = 23 * 1024 * 1024
UTF_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What a file begins with that is not text, and what to do with it.
MAGIC = (
    (b"PAR1", "is a Parquet file: say --format parquet"),
    (b"PK\x03\x04", "is a zip archive: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "is compressed with zstd: unpack it first"),
    (b"BZh91AY&SY", "is compressed with bzip2: unpack it first"),
    (b"\xfd7zXZ", "is compressed with xz: unpack it first"),
    (b"Obj\x01", "is an Avro file: convert it to Parquet or NDJSON first"),
)
GZIP = b"\x1f\x8b"
NEED_MARK = ("utf-16", "utf-32")  # their text begins with a mark
SNIFFED = 4096
# In these, a text has one form as bytes, so that its bytes can be counted afterwards.
COUNTABLE = ("utf-8", "utf-16", "utf-32", "ascii", "iso8859", "cp125", "latin", "koi8")


def open_bytes(path: Path) -> BinaryIO:
    """Open a file, unpacked if it is gzipped."""
    with path.open("rb") as file:
        packed = file.read(2) == GZIP or path.name.lower().endswith(".gz")
    return gzip.open(path) if packed else path.open("rb")  # type: ignore[return-value] # a GzipFile is one


def check_encoding(name: str) -> str:
    """Return the encoding that Python knows by a name. Raises UserError."""
    try:
        io.TextIOWrapper(io.BytesIO(bytes(4)), name, errors="surrogateescape").read()
    except (LookupError, UnicodeError) as error:
        if isinstance(error, UnicodeError) and codecs.lookup(name).name in NEED_MARK:
            return codecs.lookup(name).name
        raise UserError(f"--encoding takes the name of an encoding, as utf-16 or cp1252, not {name!r}.") from None
    return codecs.lookup(name).name.removesuffix("-sig")  # a mark at the beginning is skipped in any case


class _Counted(io.RawIOBase):
    """Counts the bytes that are read of a file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        self.bytes += len(data)
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()


class Line(NamedTuple):
    """A line of text with its end. `whole` is False for one that was too long, of which only the beginning is kept."""

    number: int
    text: str
    whole: bool = True


class Lines:
    """The lines of a text file, from 1. What is taken by `next` is used; tell `skip` about what isn't a row.

    `newline` is "" where a line may end in \\n, \\r or both, and "\\n" where only that ends one. Raises UserError if
    the file isn't text in this encoding.
    """

    def __init__(self, path: Path, encoding: str, newline: Literal["", "\n"], tally: Tally) -> None:
        self._path, self._tally = path, tally
        self._raw = _Counted(open_bytes(path))
        buffered = io.BufferedReader(self._raw, 1 << 16)
        self._encoding = check_encoding(encoding or "utf-8")
        self._check(buffered.peek(SNIFFED)[:SNIFFED], bool(encoding))
        # surrogateescape: a byte that is not UTF-8 makes its field invalid, not the file.
        self._text = io.TextIOWrapper(buffered, self._encoding, errors="surrogateescape", newline=newline)
        self._back: deque[Line] = deque()
        self._number = self._bytes = 0
        self._plain = self._encoding in ("utf-8", "ascii") or self._encoding.startswith(("iso8859", "cp125", "koi8"))
        self._countable = self._encoding.startswith(COUNTABLE)

    def _check(self, start: bytes, stated: bool) -> None:
        for magic, what in MAGIC:
            if start.startswith(magic):
                raise UserError(f"{self._path} {what}.")
        if stated:
            return
        for mark, name in UTF_BOMS:
            if start.startswith(mark):
                raise UserError(f"{self._path} is not UTF-8 but {name.upper()}: say --encoding {name}.")
        if start.count(0) * 4 > len(start):  # fewer may stand in a file that was cut by a crash
            raise UserError(
                f"{self._path} has zero bytes, so it is not UTF-8: say --encoding utf-16-le if it is text at all."
            )

    def __enter__(self) -> "Lines":
        return self

    def __exit__(self, *exception: object) -> None:
        self._text.close()

    def __iter__(self) -> Iterator[Line]:
        while (line := self.next()) is not None:
            yield line

    def next(self) -> Line | None:
        """Return the next line, None at the end."""
        if self._back:
            return self._back.popleft()
        try:
            text = self._text.readline(MOST_LINE)
            whole = len(text) < MOST_LINE or text.endswith(("\n", "\r"))
            self._bytes += self._size(text)
            while not whole:
                rest = self._text.readline(MOST_LINE)
                self._bytes += self._size(rest)
                whole = len(rest) < MOST_LINE or rest.endswith(("\n", "\r"))
                if whole:
                    return self._line(text, False)
        except UnicodeError:
            order = f"; {self._encoding}-le and -be need no mark" if self._encoding in NEED_MARK else ""
            raise UserError(
                f"{self._path} is not text in {self._encoding} after line {self._number}: --encoding names another"
                f"{order}."
            ) from None
        return self._line(text, True) if text else None

    def _line(self, text: str, whole: bool) -> Line:
        self._number += 1
        if self._number == 1 and text.startswith(BOM):
            text = text.removeprefix(BOM)
            self._tally.skipped_bytes += self._size(BOM)
        return Line(self._number, text, whole)

    def give_back(self, lines: list[Line]) -> None:
        """Take back lines that were taken last, in their order."""
        self._back.extendleft(reversed(lines))

    def skip(self, line: Line) -> None:
        """Count a line that was taken as skipped: it is none of the file's rows."""
        self._tally.skipped_bytes += self._size(line.text)

    def finish(self) -> None:
        """Note a problem if a byte of the file was not among the lines that were taken."""
        if self._countable:
            mark = self._raw.bytes - self._bytes
            if self._encoding in ("utf-16", "utf-32") and mark == (2 if self._encoding == "utf-16" else 4):
                self._tally.skipped_bytes += mark  # the decoder takes the mark away
                mark = 0
            self._tally.require(self._path.name, "bytes", self._raw.bytes, self._raw.bytes - mark)

    def _size(self, text: str) -> int:
        if self._plain and text.isascii():
            return len(text)
        # The name without an order of bytes would write a mark before each text.
        name = f"{self._encoding}-le" if self._encoding in ("utf-16", "utf-32") else self._encoding
        return len(text.encode(name, errors="surrogateescape" if self._countable else "replace"))


def too_long(source: str, line: Line) -> BadRow:
    """Return the bad row that a line above the limit is."""
    return BadRow(source, line.number, f"a line above {MOST_LINE // 1024 // 1024} MiB")
