"""From a record's value to pieces: the parts in which a long record is decided (decision 0015, section 1).

A piece is a run of the record's whole lines: at most PIECE_LINES of them, and PIECE_BYTES with their line feeds. A line
that is longer is a piece of its own. Where pieces end depends on the record's value alone.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

PIECE_LINES = 1_000
PIECE_BYTES = 1024 * 1024
# The longest line that is kept whole: as base64 it fits into topics.yaml's 32 MiB for a rejected record. Brokers limit
# compressed batches (4 MiB), so a record may hold a line of any size.
KEPT_BYTES = 23 * 1024 * 1024
# What is kept of a longer one.
CUT_BYTES = 1024 * 1024

# The offset and the line of what is decided next.
Place = tuple[int, int]

_WHOLE_LINES = re.compile(rb"(?:[^\n]*+\n){1,%d}+" % PIECE_LINES)


class SourceRecord(Struct, frozen=True, gc=False):
    """A record of `impressions.v1`, or a piece of a long one: its offset, its append time A (ms) and its lines.

    `line` is the number of its first line, `next_line` the number of the next piece's first line; 0 if none follows.
    `omitted` counts the bytes of its only line that are not in `value`, because the line is too long to be kept.
    """

    offset: int
    appended_at: int
    value: bytes | None
    line: int = 0
    next_line: int = 0
    omitted: int = 0

    @property
    def place(self) -> Place:
        """Where it begins."""
        return self.offset, self.line

    @property
    def after(self) -> Place:
        """The place after it."""
        return (self.offset, self.next_line) if self.next_line else (self.offset + 1, 0)


def pieces(offset: int, appended_at: int, value: bytes | None) -> list[SourceRecord]:
    """Return the pieces of a record whose value is in memory."""
    if not value or (len(value) <= PIECE_BYTES and value.count(b"\n") < PIECE_LINES):
        return [SourceRecord(offset, appended_at, value)]
    return list(cut(offset, appended_at, len(value), [value]))


def cut(offset: int, appended_at: int, size: int, blocks: Iterable[bytes]) -> Iterator[SourceRecord]:
    """Yield the pieces of a value of `size` bytes, at least one, that comes in blocks.

    Holds one piece and one block. Each piece is yielded before the blocks after it are asked for.
    """
    cutter = _Cutter(size)
    line = 0
    for block in blocks:
        cutter.add(block)
        while (found := cutter.take()) is not None:
            value, omitted = found
            count = 1 if omitted else value.count(b"\n")
            follows = line + count if cutter.left else 0
            yield SourceRecord(offset, appended_at, value, line, follows, omitted)
            line = follows


class _Cutter:
    """Takes a value's bytes, and gives its pieces."""

    def __init__(self, size: int) -> None:
        # Bytes that no piece has taken yet: those in the buffer, and those that are still to come.
        self.left = size
        self._buffer = bytearray()
        # Of the buffer's first line, if it is too long: how many bytes were dropped; how far its end was searched for.
        self._dropped = 0
        self._searched = 0

    def add(self, block: bytes) -> None:
        self._buffer += block

    def take(self) -> tuple[bytes, int] | None:
        """Return the next piece and how many bytes of it are omitted; None if more are needed, or none are left."""
        buffer, complete = self._buffer, len(self._buffer) + self._dropped == self.left
        if not buffer and not self._dropped:
            return None
        if self._dropped or self._searched:
            return self._long(complete)
        lines = _WHOLE_LINES.match(buffer, 0, PIECE_BYTES)
        end = lines.end() if lines else 0
        if complete and len(buffer) <= PIECE_BYTES and (end == len(buffer) or self._tail_fits(end)):
            return self._taken(len(buffer)), 0
        if end and (len(buffer) > PIECE_BYTES or buffer.count(b"\n", 0, end) == PIECE_LINES):
            return self._taken(end), 0
        if len(buffer) > PIECE_BYTES:
            return self._long(complete)
        return None

    def _tail_fits(self, end: int) -> bool:
        """Return whether what follows the whole lines up to `end` is one more line of the piece, without line feed."""
        return self._buffer.find(b"\n", end) < 0 and self._buffer.count(b"\n", 0, end) < PIECE_LINES

    def _long(self, complete: bool) -> tuple[bytes, int] | None:
        """Return the first line, which is longer than a piece may be, once its end is known."""
        buffer = self._buffer
        end = buffer.find(b"\n", self._searched)
        if end < 0 and not complete:
            self._searched = len(buffer)
            if self._dropped or len(buffer) > KEPT_BYTES:
                self._drop(len(buffer))
            return None
        end = len(buffer) if end < 0 else end
        if self._dropped or end > KEPT_BYTES:
            self._drop(end)
            omitted, self._dropped, self._searched = self._dropped, 0, 0
            feed = buffer.startswith(b"\n", CUT_BYTES)
            value = self._taken(CUT_BYTES, feed)
            self.left -= omitted
            return value, omitted
        self._searched = 0
        return self._taken(min(end + 1, len(buffer))), 0

    def _drop(self, end: int) -> None:
        """Drop the bytes of the first line, which is in the buffer up to `end`, that are not kept."""
        self._dropped += end - CUT_BYTES
        del self._buffer[CUT_BYTES:end]
        self._searched = CUT_BYTES

    def _taken(self, size: int, feed: bool = False) -> bytes:
        """Take bytes from the buffer's start, and the line feed after them if there is one."""
        with memoryview(self._buffer) as view:
            value = bytes(view[:size])
        del self._buffer[: size + feed]
        self.left -= size + feed
        return value


def from_place(records: Sequence[SourceRecord], place: Place) -> Sequence[SourceRecord]:
    """Drop everything before `place`. It is usually where a piece begins; if not, that piece loses its first lines."""
    if records and records[0].place >= place:
        return records
    kept = []
    for record in records:
        if record.place >= place:
            kept.append(record)
        elif record.after > place:
            rest = (record.value or b"").split(b"\n", place[1] - record.line)[-1]
            kept.append(SourceRecord(record.offset, record.appended_at, rest, place[1], record.next_line))
    return kept
