"""Which lines of a long record share one row of the ledger, and one of the rejections (contract §4.6)."""

import hashlib
from collections.abc import Iterator, Sequence

from oracle.rows import LedgerRow, Rejected

# A line before this one always has rows of its own.
FIRST_SHARED = 1_000
# The most lines of a piece, and its most bytes with their line feeds. A longer line is a piece of its own.
PIECE_LINES, PIECE_BYTES = 1_000, 2**20


def pieces_of(value: bytes) -> Iterator[int]:
    """Yield the number of each line's piece."""
    lines = value.split(b"\n")
    if not lines[-1]:
        lines.pop()
    piece = count = size = 0
    for number, line in enumerate(lines):
        length = len(line) + (number < len(lines) - 1 or value.endswith(b"\n"))
        if count and (count == PIECE_LINES or size + length > PIECE_BYTES):
            piece, count, size = piece + 1, 0, 0
        count, size = count + 1, size + length
        yield piece


def share(
    value: bytes, ledger: Sequence[LedgerRow], rejected: Sequence[Rejected]
) -> tuple[list[LedgerRow], list[Rejected]]:
    """Join the rows of a record's consecutive lines that are rejected alike. Each line has a row in `ledger`."""
    lines = value.split(b"\n")
    whole = {row.line: row for row in rejected if row.idx < 0}
    rows: list[LedgerRow] = []
    joined: dict[int, list[bytes]] = {}  # by the first line
    last: tuple[object, ...] | None = None
    for piece, row in zip(pieces_of(value), ledger, strict=True):
        refused = whole.get(row.line)
        key = (piece, refused.reason, row.user_id, row.flush_id) if refused and row.line >= FIRST_SHARED else None
        if key is not None and key == last:
            joined[rows[-1].line].append(lines[row.line])
        else:
            rows.append(row)
            joined[row.line] = [lines[row.line]]
        last = key
    texts = {first: b"\n".join(each) for first, each in joined.items() if len(each) > 1}
    return (
        [_ledger(row, texts[row.line], len(joined[row.line])) if row.line in texts else row for row in rows],
        [
            _rejected(row, texts[row.line], len(joined[row.line])) if row.line in texts else row
            for row in rejected
            if row.line in joined
        ],
    )


def _ledger(row: LedgerRow, text: bytes, count: int) -> LedgerRow:
    return row._replace(received=count, rejected=count, lines=count, bytes=len(text))


def _rejected(row: Rejected, text: bytes, count: int) -> Rejected:
    return row._replace(payload=hashlib.sha256(text).hexdigest(), payload_bytes=len(text), lines=count)
