"""A chunk: what it forwards, its totals, the line of an error, and coverage while the catalogue changes."""

from itertools import count
from typing import Any

import orjson
import pytest

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
