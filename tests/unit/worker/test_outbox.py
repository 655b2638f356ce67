"""What a chunk commits: topics, partitions, keys and sizes."""

import pytest
from msgspec import json
from msgspec.structs import astuple, replace

from streams.core.chunk import Forward, Outputs
from streams.core.rows import Accepted, Ledger, as_lines
from streams.kafka import names
from streams.state.partition_state import Change, Table
from streams.worker import outbox

LIMIT = outbox.MAX_RECORD_BYTES
LEDGER = Ledger("t", 2, 0, 0, "f", "u", "sdk", "timer", "free", {}, "", 1, 0, 0, 0, 99, 1, 2, 3, 1)
ACCEPTED = Accepted(
    *("e", "u", "a", "p", "i", "f", "s", 1, 2, True, None, None, None, "", "sdk", "timer", "free", {}, "t", 2, 0, 0, 0)
)


def test_everything_but_forwards_goes_to_the_source_partition() -> None:
    outputs = Outputs(
        accepted=[as_lines([ACCEPTED]), as_lines([ACCEPTED])],
        ledger=[as_lines([LEDGER, LEDGER])],
        rejected=[("u1", b"r1"), ("", b"r2")],
        forwards=[Forward(3, "u9", b"line", b"origin")],
        coverage=[("u1|p", b"c1"), ("u1|q", None)],
    )
    changes = [
        Change(Table.WINDOWS, b"k", b"v"),
        Change(Table.WINDOWS, b"old", None),
        Change(Table.COVERAGE, b"u", b"s"),
    ]
    assert [astuple(record) for record in outbox.records(2, outputs, changes)] == [
        ("impressions-windows-changelog", 2, b"k", b"v", None),
        ("impressions-windows-changelog", 2, b"old", None, None),
        ("impressions-coverage-changelog", 2, b"u", b"s", None),
        (names.ACCEPTED, 2, None, as_lines([ACCEPTED, ACCEPTED])[:-1], None),
        (names.LEDGER, 2, None, as_lines([LEDGER, LEDGER])[:-1], None),
        (names.REJECTED, 2, b"u1", b"r1", None),
        (names.REJECTED, 2, None, b"r2", None),
        (names.COVERAGE, 2, b"u1|p", b"c1", None),
        (names.COVERAGE, 2, b"u1|q", None, None),
        (names.IMPRESSIONS, 3, b"u9", b"line", [("origin", b"origin")]),
    ]


def test_a_chunk_without_outputs_commits_only_its_position() -> None:
    assert len(outbox.records(0, Outputs(), [Change(Table.COVERAGE, b"p", b"1")])) == 1


@pytest.mark.parametrize(
    ("sizes", "records"),
    [
        pytest.param([LIMIT], 1, id="one row at the limit"),
        pytest.param([LIMIT // 2 - 1, LIMIT // 2], 1, id="two that fill it with their separator"),
        pytest.param([LIMIT // 2, LIMIT // 2 + 1], 2, id="two that don't fit"),
        pytest.param([1000] * 5000, 6, id="many"),
    ],
)
def test_rows_are_packed_whole_and_in_order_up_to_the_limit(sizes: list[int], records: int) -> None:
    bare = len(as_lines([replace(LEDGER, flush_id="")])) - 1
    rows = [replace(LEDGER, flush_id=f"{n % 10}" * (size - bare)) for n, size in enumerate(sizes)]
    packed = [r.value or b"" for r in outbox.records(0, Outputs(ledger=[as_lines(rows)]), ())]
    assert len(packed) == records
    assert [json.decode(row, type=Ledger) for value in packed for row in value.split(b"\n")] == rows
    assert all(len(value) <= LIMIT for value in packed)
