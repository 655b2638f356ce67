"""Pieces hold all lines of a record, and depend on its bytes alone."""

import re
from itertools import pairwise
from random import Random
from unittest import mock

import pytest

from oracle.alike import pieces_of
from streams.core import pieces
from streams.core.lines import split
from streams.core.pieces import SourceRecord, cut, from_place

MIB = 1024 * 1024


@pytest.mark.parametrize("seed", range(300))
def test_pieces_hold_the_records_lines_however_its_bytes_arrive(seed: int) -> None:
    rng = Random(seed)
    lines, size, kept = rng.randint(1, 5), rng.randint(3, 12), rng.randint(14, 30)
    value = b"".join(rng.choice([b"\n", b"a", b"bb\n", b"c" * rng.randint(1, 40)]) for _ in range(rng.randint(1, 30)))
    blocks, at = [], 0
    while at < len(value):
        blocks.append(value[at : at + rng.randint(1, 9)])
        at += len(blocks[-1])
    with (
        mock.patch.multiple(pieces, PIECE_LINES=lines, PIECE_BYTES=size, KEPT_BYTES=kept, CUT_BYTES=3),
        mock.patch.object(pieces, "_WHOLE_LINES", re.compile(rb"(?:[^\n]*+\n){1,%d}+" % lines)),
        mock.patch.multiple("oracle.alike", PIECE_LINES=lines, PIECE_BYTES=size),
    ):
        whole = pieces.pieces(7, 1, value)
        assert list(cut(7, 1, len(value), blocks)) == whole
        numbers = list(pieces_of(value))
    wanted = split(value)
    assert whole[0].place == (7, 0)
    assert whole[-1].after == (8, 0)
    assert all(before.after == piece.place for before, piece in pairwise(whole))
    for number, piece in enumerate(whole):
        found = split(piece.value)
        mine = wanted[piece.line : piece.line + len(found)]
        assert [n for n, of in enumerate(numbers) if of == number] == list(range(piece.line, piece.line + len(found)))
        assert len(found) <= lines
        assert len(found) == 1 or len(piece.value or b"") <= size
        if piece.omitted:
            assert mine == [(found[0] + mine[0][3:])]
            assert len(mine[0]) == 3 + piece.omitted > kept
        else:
            assert found == mine
            assert max(map(len, found)) <= kept or len(found) > 1


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        pytest.param(None, [1], id="no value"),
        pytest.param(b"", [1], id="empty"),
        pytest.param(b"\n" * 1_000, [1_000], id="as many as a piece may have"),
        pytest.param(b"\n" * 1_001, [1_000, 1], id="one more"),
        pytest.param(b"\n" * 1_000 + b"x", [1_000, 1], id="one more without a line feed"),
        pytest.param(b"\n" * 999 + b"x", [1_000], id="the last one without a line feed"),
        pytest.param(b"x" * (MIB - 1) + b"\n", [1], id="1 MiB"),
        pytest.param(b"x" * MIB + b"\nyy\nz", [1, 2], id="a long line is a piece of its own"),
        pytest.param(b"yy\nz\n" + b"x" * MIB + b"\n", [2, 1], id="a long line after short ones"),
        pytest.param((b"x" * (MIB // 2 - 1) + b"\n") * 3, [2, 1], id="two of half a MiB"),
    ],
)
def test_a_piece_has_at_most_1000_lines_and_1_mib(value: bytes | None, lines: list[int]) -> None:
    found = pieces.pieces(0, 1, value)
    assert [len(split(piece.value)) for piece in found] == lines
    assert [piece.value for piece in found] == [value] or b"".join(piece.value or b"" for piece in found) == value


def test_each_piece_is_there_before_the_bytes_after_it_are_asked_for() -> None:
    asked = []

    def blocks() -> list[bytes]:
        asked.append(1)
        return [b"\n" * 1_000]

    found = cut(0, 1, 10_000, (block for _ in range(10) for block in blocks()))
    next(found)
    assert len(asked) == 1
    next(found)
    assert len(asked) == 2


def test_a_line_above_23_mib_is_never_held() -> None:
    held = []
    value = b"x" * MIB

    def blocks() -> list[bytes]:
        held.append(1)
        return [value]

    (found,) = cut(0, 1, 64 * MIB, (block for _ in range(64) for block in blocks()))
    assert (found.value, found.omitted) == (value, 63 * MIB)


PARTS = [SourceRecord(4, 1, b"a"), SourceRecord(5, 1, b"b\n\nd\n", 0, 3), SourceRecord(5, 1, b"e\nf", 3)]


@pytest.mark.parametrize(
    ("place", "kept"),
    [
        ((3, 0), PARTS),
        ((5, 0), PARTS[1:]),
        ((5, 3), PARTS[2:]),
        ((5, 1), [SourceRecord(5, 1, b"\nd\n", 1, 3), PARTS[2]]),
        ((5, 2), [SourceRecord(5, 1, b"d\n", 2, 3), PARTS[2]]),
        ((5, 4), [SourceRecord(5, 1, b"f", 4)]),
        ((6, 0), []),
    ],
)
def test_what_is_before_a_place_is_dropped_even_within_a_piece(
    place: tuple[int, int], kept: list[SourceRecord]
) -> None:
    assert list(from_place(PARTS, place)) == kept
