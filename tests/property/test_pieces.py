"""Rows don't depend on where chunks end within a record, and the oracle, which sees whole records, expects the same."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from oracle import alike
from streams.core import chunk, outputs, pieces
from streams.core.catalogue import Catalogue
from streams.kafka import names
from tests.property.logs import PARTITIONS, SETTINGS, T0, events, flush_of, sizes
from tests.support.against_oracle import assert_same
from tests.support.memory_log import Event, MemoryLog, Worker, instead_of_kafka

_bad = st.sampled_from([b"", b"{", b'{"user_id":"u1"}', b'{"user_id":"u2"}', b'{"user_id":"u1","flush_id":"f"}'])
_good = st.builds(
    lambda user, artwork: flush_of(user, T0, [(artwork, T0), None]),
    st.sampled_from(["u1", "u2", "u3"]),
    st.sampled_from(["a", "b"]),
)
# Runs of equal lines, runs of lines that are rejected alike, and lines that end them.
_runs = st.builds(lambda line, count: [line] * count, st.one_of(_bad, _bad, _good), st.integers(1, 9))
_values = st.builds(
    lambda runs, feed: b"\n".join(line for run in runs for line in run) + b"\n" * feed,
    st.lists(_runs, min_size=1, max_size=6),
    st.booleans(),
)


@contextmanager
def small_pieces(lines: int, size: int, merged_from: int) -> Iterator[None]:
    """Make pieces and merged rows begin early, for the worker and for the oracle."""
    whole = re.compile(rb"(?:[^\n]*+\n){1,%d}+" % lines)
    with ExitStack() as stack:
        stack.enter_context(mock.patch.multiple(pieces, PIECE_LINES=lines, PIECE_BYTES=size, _WHOLE_LINES=whole))
        stack.enter_context(mock.patch.object(outputs, "MERGED_FROM", merged_from))
        stack.enter_context(mock.patch.object(chunk, "MERGED_FROM", merged_from))
        stack.enter_context(mock.patch.multiple(alike, PIECE_LINES=lines, PIECE_BYTES=size, FIRST_SHARED=merged_from))
        yield


@given(
    st.lists(_values, min_size=1, max_size=4),
    sizes,
    events,
    st.integers(1, 5),
    st.sampled_from([1, 30, 400, 10_000]),
    st.sampled_from([3, 5]),
)
def test_chunks_that_end_within_records_change_no_row(
    values: list[bytes], chunks: list[int], happening: list[Event], lines: int, size: int, merged_from: int
) -> None:
    log = MemoryLog(SETTINGS, PARTITIONS)
    for number, value in enumerate(values):
        log.append(number % PARTITIONS, T0, value)
    with small_pieces(lines, size, merged_from), instead_of_kafka(log):
        Worker(log, Catalogue(), chunks, happening).drain()
        judged = assert_same(log)
    assert sum(row.lines for row in judged.ledger) == judged.totals["lines"]
    ledger = log.rows(names.LEDGER)
    assert sum(row["lines"] for row in ledger if row["reason"] == "") == sum(
        row["lines"] for row in log.rows(names.REJECTED) if row["idx"] < 0
    )
