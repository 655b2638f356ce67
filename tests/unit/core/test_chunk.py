"""A chunk: what it forwards, its totals, the line of an error, and coverage while the catalogue changes."""

from itertools import count
from typing import Any

import orjson
import pytest

from streams.core import chunk
from streams.core.chunk import LineError, SourceRecord
from streams.core.partitioner import partition_of
from streams.errors import StateUnreadableError
from streams.state.memory import MemoryStore
from streams.state.partition_state import State, User
from tests.support.flushes import (
    TOPIC_ID,
    WINDOW,
    A,
    catalogue_of,
    decide,
    decider,
    impression,
    line,
    payload,
    put,
    seen,
)

STRANGER = next(user for n in count() if partition_of(user := f"u{n}", 4) == 3)
NATIVE = next(user for n in count() if partition_of(user := f"u{n}", 4) == 0)


def test_a_misrouted_flush_is_forwarded_whole_and_not_judged_here() -> None:
    bad = [impression(), impression(seen_at=-1), impression(seen_at=A + 10**9)]
    text = line(user_id=STRANGER, impressions=bad).replace(b'{"v":1', b'{ "x":1e999, "v":1')
    here = decider(catalogue_of(a1={"pool_id": "p", "ordinal": 0}), partitions=4)
    outcome = decide(b"\n".join([b"?", text]), by=here, first=5)
    (forward,) = outcome.forwards
    assert (forward.partition, forward.user_id, forward.line) == (3, STRANGER, text)
    assert orjson.loads(forward.origin) == {"topic_id": TOPIC_ID, "partition": 0, "offset": 5, "line": 1}
    row = outcome.ledger[1]
    assert (row["received"], row["forwarded"], row["accepted"], row["rejected"]) == (3, 3, 0, 0)
    assert outcome.accepted == []
    assert outcome.coverage == {}
    assert outcome.reasons == ["malformed"]


def test_the_total_is_the_sum_of_the_ledger() -> None:
    outputs = decider(partitions=4).decide(
        [SourceRecord(0, A, b"\n".join([b"?", line(user_id=STRANGER), *seen(("a", A), ("a", A), user_id=NATIVE)]))], A
    )
    total = outputs.total
    assert (total.received, total.accepted, total.fresh) == (4, 1, 1)
    assert (total.duplicates, total.rejected, total.forwarded) == (1, 1, 1)


def test_a_line_that_failed_too_often_is_malformed() -> None:
    outcome = decide(*seen(("a", A), ("b", A)), by=decider(poisoned=frozenset({(1, 0)})))
    assert outcome.letters == "fx"
    assert outcome.reasons == ["malformed"]
    assert payload(outcome.rejected[0]) == seen(("a", A), ("b", A))[1]


@pytest.mark.parametrize("marked", [True, False])
def test_a_line_that_failed_too_often_is_not_even_read(monkeypatch: pytest.MonkeyPatch, marked: bool) -> None:
    found: list[bytes] = []

    def read(lines: list[bytes]) -> list[None]:
        found.extend(lines)
        return [None for _ in lines]

    monkeypatch.setattr(chunk, "read", read)
    first, second = seen(("a", A), ("b", A))
    by = decider(poisoned=frozenset({(1, 1)}))
    by.decide([SourceRecord(1, A, first + b"\n" + second)], A, (lambda *_: None) if marked else None)
    assert found == [first, b""]


class FailingState(State):
    """A state with a defect."""

    def user(self, user_id: str) -> User:
        raise RuntimeError("defect")


class DamagedStore(MemoryStore):
    """A store of which a value was cut."""

    def get(self, key: bytes) -> bytes | None:
        return b"\x02\x05abc" if key == b"cu1" else super().get(key)


def test_a_state_that_can_t_be_read_is_no_lines_fault() -> None:
    with pytest.raises(StateUnreadableError):
        decide(b"?\n" + line(), by=decider(tables=State(DamagedStore())))


def test_a_defect_of_ours_names_its_line() -> None:
    with pytest.raises(LineError) as raised:
        decide(b"?\n" + line(), by=decider(tables=FailingState(MemoryStore())), first=7)
    assert (raised.value.offset, raised.value.line) == (7, 1)
    assert isinstance(raised.value.__cause__, RuntimeError)


class UnreadableState(State):
    """A state whose store fails."""

    def user(self, user_id: str) -> User:
        raise StateUnreadableError("the store is broken")


@pytest.mark.parametrize("text", [line(), line(more=1)], ids=["fast path", "slow path"])
def test_a_state_that_cannot_be_read_is_not_the_lines_fault(text: bytes) -> None:
    with pytest.raises(StateUnreadableError):
        decide(text, by=decider(tables=UnreadableState(MemoryStore())))


def test_marks_precede_each_line_and_change_nothing() -> None:
    lines = [b"?", line(), b"", line(user_id="u2")]
    value, marked = b"\n".join(lines), []
    by = decider()
    records = [SourceRecord(7, A, value), SourceRecord(8, A, value)]
    outputs = by.decide(records, A, lambda offset, number: marked.append((offset, number)))
    assert marked == [(7, 0), (7, 1), (7, 2), (7, 3), (8, 0), (8, 1), (8, 2), (8, 3)]
    assert outputs == decider().decide(records, A)


def test_the_mark_of_a_line_that_fails_is_the_last_one() -> None:
    marked: list[tuple[int, int]] = []
    by = decider(tables=FailingState(MemoryStore()))
    with pytest.raises(LineError):
        by.decide([SourceRecord(7, A, b"?\n" + line() + b"\n?")], A, lambda *place: marked.append(place))
    assert marked[-1] == (7, 1)


# Lines that are rejected alike, rule 6.


def test_lines_that_are_rejected_alike_share_a_row_from_line_1000_on() -> None:
    wrong = line(v=2)
    outcome = decide(b"\n".join([b""] * 1_002 + [wrong] * 3 + [line()] + [b"{"] * 2))
    rows, rejected = outcome.ledger, outcome.rejected
    assert [(row["line"], row["lines"], row["received"], row["rejected"]) for row in rows[:1_000]] == [
        (n, 1, 1, 1) for n in range(1_000)
    ]
    assert [(row["line"], row["lines"], row["rejected"], row["bytes"]) for row in rows[1_000:]] == [
        (1_000, 2, 2, 1),
        (1_002, 3, 3, 3 * len(wrong) + 2),
        (1_005, 1, 0, len(line())),
        (1_006, 2, 2, 3),
    ]
    assert [(row["line"], row["lines"], payload(row)) for row in rejected[1_000:]] == [
        (1_000, 2, b"\n"),
        (1_002, 3, b"\n".join([wrong] * 3)),
        (1_006, 2, b"{\n{"),
    ]
    assert [row["user_id"] for row in rejected[1_000:]] == ["", "u1", ""]
    assert "2 lines" in rejected[-1]["detail"]
    total = outcome.summary.total
    assert sum(row["lines"] for row in rows) == total.lines == 1_008
    assert total.rejected == sum(row["lines"] for row in rejected) == 1_007
    assert (outcome.summary.refused, outcome.summary.whole, len(outcome.summary.sizes)) == (1_007, 1, 1_008)


def test_a_record_of_line_feeds_has_a_row_for_a_thousand() -> None:
    outcome = decide(b"\n" * 300_000)
    assert [row["lines"] for row in outcome.ledger[1_000:]] == [1_000] * 299
    assert [payload(row) for row in outcome.rejected[1_000:]] == [b"\n" * 999] * 299
    assert outcome.summary.total.rejected == outcome.summary.reasons["malformed"] == 300_000


# Coverage, rule 5.

P = {"a": {"pool_id": "p", "ordinal": 0}, "b": {"pool_id": "p", "ordinal": 1}, "c": {"pool_id": "q", "ordinal": 2}}


def row_of(pool_id: str, seen_count: int, size: int, updated_at: int = A) -> dict[str, Any]:
    share = seen_count / size if size else 0
    return {
        "user_id": "u1",
        "pool_id": pool_id,
        "seen": seen_count,
        "pool_size": size,
        "coverage": share,
        "freshness": 1 - share,
        "updated_at": updated_at,
    }


def test_coverage_counts_distinct_active_artworks_of_the_catalogues_pool() -> None:
    impressions = [impression(artwork_id=a, impression_id=a, pool_id="elsewhere") for a in ("a", "c", "unknown")]
    outcome = decide(line(impressions=impressions), *seen(("a", A - WINDOW)), by=decider(catalogue_of(**P)))
    assert outcome.coverage == {"u1|p": row_of("p", 1, 2), "u1|q": row_of("q", 1, 1)}


def test_coverage_needs_an_accepted_artwork_of_the_pool() -> None:
    assert decide(*seen(("unknown", A)), by=decider(catalogue_of(**P))).coverage == {}
    assert decide(*seen(("a", A + 10**9)), by=decider(catalogue_of(**P))).coverage == {}


def test_retired_artworks_count_neither_as_seen_nor_in_the_pool_and_keep_the_row() -> None:
    catalogue = catalogue_of(**P)
    by = decider(catalogue)
    decide(*seen(("a", A), ("b", A), ("c", A)), by=by)
    put(catalogue, "a", pool_id="p", ordinal=0, retired=True)
    catalogue.apply(b"c", None)
    assert decide(*seen(("c", A)), by=by, at=A + 1).coverage == {
        "u1|p": row_of("p", 1, 1, A + 1),
        "u1|q": row_of("q", 0, 0, A + 1),
    }


def test_an_artwork_catalogued_later_counts_from_the_next_impression() -> None:
    catalogue = catalogue_of(a=P["a"])
    by = decider(catalogue)
    decide(*seen(("a", A), ("b", A)), by=by)
    put(catalogue, "b", pool_id="p", ordinal=1)
    outcome = decide(*seen(("b", A), ("b", A - WINDOW)), by=by)
    assert outcome.letters == "dr", "still seen"
    assert outcome.coverage == {"u1|p": row_of("p", 2, 2)}


def test_an_artwork_that_moved_counts_in_its_new_pool() -> None:
    catalogue = catalogue_of(**P)
    by = decider(catalogue)
    decide(*seen(("a", A)), by=by)
    put(catalogue, "a", pool_id="q", ordinal=0)
    again = decide(*seen(("a", A)), by=by)
    assert again.coverage == {"u1|p": None, "u1|q": row_of("q", 1, 2)}, "None deletes the old pool's row"
    put(catalogue, "a", pool_id="p", ordinal=0)
    assert decide(*seen(("a", A)), by=by).coverage == {"u1|p": row_of("p", 1, 2), "u1|q": None}


def test_any_readable_flush_in_its_own_partition_updates_coverage() -> None:
    catalogue = catalogue_of(a=P["a"])
    by = decider(catalogue)
    decide(*seen(("a", A)), by=by)
    put(catalogue, "b", pool_id="p", ordinal=1)
    assert decide(line(impressions=[None]), by=by, at=A + 9).coverage == {"u1|p": row_of("p", 1, 2, A + 9)}
    assert decide(line(v=2), by=by).coverage == {}
