"""Lines of a long record that are rejected alike are one row in each piece; all others have rows of their own."""

import hashlib

from oracle.alike import FIRST_SHARED, pieces_of
from oracle.judge import Judge
from oracle.rules import Record, Rules
from tests.support.flushes import LATENESS, TOLERANCE, WINDOW, A, line

MIB = 2**20


def judged(value: bytes) -> Judge:
    """Judge one record."""
    judge = Judge(Rules(WINDOW, LATENESS, TOLERANCE), 1)
    judge.judge(Record("t", 0, 0, A, None, value))
    return judge


def test_a_piece_has_at_most_1000_lines_and_1_mib() -> None:
    assert list(pieces_of(b"x")) == [0]
    assert list(pieces_of(b"\n" * 2_500)) == [0] * 1_000 + [1] * 1_000 + [2] * 500
    assert list(pieces_of(b"x" * (MIB - 1) + b"\n" + b"y")) == [0, 1]
    assert list(pieces_of(b"x" * (MIB - 2) + b"\n" + b"y")) == [0, 0]
    assert list(pieces_of(b"x" * (MIB - 2) + b"\n" + b"y\n")) == [0, 1]
    assert list(pieces_of(b"a\n" + b"x" * 2 * MIB + b"\nb\nc")) == [0, 1, 2, 2]


def test_lines_alike_are_one_row_a_piece_from_line_1000_on() -> None:
    judge = judged(b"\n" * (2 * FIRST_SHARED + 5))
    assert [(row.line, row.lines, row.received, row.rejected, row.bytes) for row in judge.ledger] == [
        *((number, 1, 1, 1, 0) for number in range(FIRST_SHARED)),
        (FIRST_SHARED, 1_000, 1_000, 1_000, 999),
        (2 * FIRST_SHARED, 5, 5, 5, 4),
    ]
    kept = judge.rejected[-1]
    assert (kept.line, kept.lines, kept.payload_bytes) == (2 * FIRST_SHARED, 5, 4)
    assert kept.payload == hashlib.sha256(b"\n" * 4).hexdigest()
    assert judge.totals["lines"] == judge.totals["rejected"] == 2 * FIRST_SHARED + 5


def test_another_reason_user_or_flush_and_a_good_line_begin_another_row() -> None:
    bad = [line(user_id=user, flush_id=flush, v=2) for user, flush in (("u1", "f1"), ("u1", "f2"), ("u2", "f2"))]
    good = line(impressions=[{"impression_id": "i", "artwork_id": "a", "seen_at": A}, {}])
    tail = [b"{", b"[", b"{}", bad[0], bad[0], bad[1], bad[2], good, b"{}", b"{}"]
    judge = judged(b"\n".join([b""] * FIRST_SHARED + tail))
    rows = [(row.line - FIRST_SHARED, row.lines, row.accepted) for row in judge.ledger[FIRST_SHARED:]]
    assert rows == [(0, 2, 0), (2, 1, 0), (3, 2, 0), (5, 1, 0), (6, 1, 0), (7, 1, 1), (8, 2, 0)]
    assert sum(row.lines for row in judge.ledger) == FIRST_SHARED + len(tail)


def test_a_line_too_long_to_be_kept_is_oversize_whatever_it_holds() -> None:
    judge = judged(b"[" * 24 * MIB + b"\n" + b"{" * 2 * MIB)
    assert [(row.reason, row.payload_bytes) for row in judge.rejected] == [("oversize", MIB), ("malformed", 2 * MIB)]
    assert [row.bytes for row in judge.ledger] == [24 * MIB, 2 * MIB]
