"""The recount on hand-made histories: rules 1 to 6 of the contract, each at its boundary."""

import hashlib
import json
from typing import Any

import pytest

from demo.check.recount import event_id, recount
from demo.check.recount_types import CatalogueRecord, Config, Coverage, Record, Result

A = 1_732_431_600_000
WINDOW, LATENESS, TOLERANCE = 600_000, 86_400_000, 300_000
ONE = Config(WINDOW, LATENESS, TOLERANCE, partitions=1)


def history(
    *seen: tuple[str, str, int], config: Config = ONE, catalogue: list[CatalogueRecord] | None = None
) -> Result:
    """Recount one record an impression, (user, artwork, seen_at), all appended at A."""
    records = []
    for offset, (user_id, artwork_id, seen_at) in enumerate(seen):
        impression = {"impression_id": f"i{offset}", "artwork_id": artwork_id, "seen_at": seen_at}
        flush = {"v": 1, "flush_id": f"f{offset}", "user_id": user_id, "sent_at": A, "impressions": [impression]}
        records.append(Record("t", 0, offset, A, json.dumps(flush).encode()))
    return recount(records, catalogue or [], config)


def outcomes(result: Result) -> str:
    """Return a letter a line: fresh, repeat (accepted, not fresh), duplicate, x for rejected."""
    return "".join(
        "f" if row.fresh else "r" if row.accepted else "d" if row.duplicates else "x" for row in result.ledger
    )


@pytest.mark.parametrize(("distance", "outcome"), [(WINDOW - 1, "fd"), (WINDOW, "fr"), (WINDOW + 1, "fr")])
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("start", [A - WINDOW * 3, A - WINDOW * 3 + 1, A - WINDOW * 3 - 1, A - WINDOW * 2 - 77])
def test_a_duplicate_is_closer_than_the_window_in_either_direction(
    distance: int, outcome: str, sign: int, start: int
) -> None:
    assert outcomes(history(("u", "a", start), ("u", "a", start + sign * distance))) == outcome


def test_only_accepted_impressions_make_duplicates() -> None:
    step = WINDOW * 2 // 3
    start = A - WINDOW * 5
    seen = [("u", "a", start + n * step) for n in range(5)]
    assert outcomes(history(*seen)) == "fdrdr"


def test_duplicates_are_of_one_user_and_one_artwork() -> None:
    assert outcomes(history(("u", "a", A), ("v", "a", A), ("u", "b", A), ("u", "a", A))) == "fffd"


@pytest.mark.parametrize(("ahead", "reason"), [(-1, None), (0, None), (1, "future")])
@pytest.mark.parametrize("tolerance", [TOLERANCE, 0])
def test_future_begins_beyond_the_tolerance(ahead: int, reason: str | None, tolerance: int) -> None:
    config = Config(WINDOW, LATENESS, tolerance, partitions=1)
    result = history(("u", "a", A + tolerance + ahead), config=config)
    assert [row.reason for row in result.rejected] == ([reason] if reason else [])


@pytest.mark.parametrize(("older", "reason"), [(-1, None), (0, None), (1, "late")])
def test_late_begins_beyond_the_lateness_for_a_seen_artwork(older: int, reason: str | None) -> None:
    result = history(("u", "a", A), ("u", "a", A - LATENESS - older))
    assert [row.reason for row in result.rejected] == ([reason] if reason else [])
    assert outcomes(result) == ("fx" if reason else "fr")


def test_a_late_impression_of_an_unseen_artwork_is_accepted_once() -> None:
    old = A - LATENESS - 1
    assert outcomes(history(("u", "a", old), ("u", "a", old), ("v", "a", old))) == "fxf"


def test_late_is_judged_before_duplicate() -> None:
    old = A - LATENESS
    assert outcomes(history(("u", "a", old), ("u", "a", old - 1))) == "fx"


def test_each_line_is_judged_with_the_time_of_its_own_record() -> None:
    line = json.dumps(
        {
            "v": 1,
            "flush_id": "f",
            "user_id": "u",
            "sent_at": A,
            "impressions": [{"impression_id": "i", "artwork_id": "a", "seen_at": A}],
        }
    ).encode()
    records = [Record("t", 0, 0, A, line), Record("t", 0, 1, A + LATENESS + 1, line)]
    result = recount(records, [], ONE)
    assert [(row.reason, row.rejected_at) for row in result.rejected] == [("late", A + LATENESS + 1)]


def test_order_is_that_of_the_log_not_of_the_argument() -> None:
    result = history(("u", "a", A - 100), ("u", "a", A))
    again = recount(
        [
            Record("t", 0, row.source_offset, A, json.dumps(flush_of(row.source_offset)).encode())
            for row in reversed(result.ledger)
        ],
        [],
        ONE,
    )
    assert [row.source_offset for row in again.accepted] == [0]


def flush_of(offset: int) -> dict[str, Any]:
    impression = {"impression_id": "i", "artwork_id": "a", "seen_at": A - 100 * offset}
    return {"v": 1, "flush_id": "f", "user_id": "u", "sent_at": A, "impressions": [impression]}


def test_event_id_hashes_length_prefixed_parts_and_the_window_number() -> None:
    text = b"\0\0\0\2u1" + b"\0\0\0\1a" + b"\0\0\0\1" + b"2"
    assert event_id("u1", "a", 1_200_000, WINDOW) == hashlib.sha256(text).digest()[:16].hex()
    assert event_id("u1", "a", 1_799_999, WINDOW) == event_id("u1", "a", 1_200_000, WINDOW)
    assert event_id("u1", "a", 1_800_000, WINDOW) != event_id("u1", "a", 1_200_000, WINDOW)
    assert event_id("u", "1a", 0, WINDOW) != event_id("u1", "a", 0, WINDOW)


def artwork(key: str, **fields: Any) -> CatalogueRecord:
    return CatalogueRecord(key.encode(), json.dumps({"pool_id": "main", "ordinal": 0} | fields).encode())


def test_coverage_counts_distinct_active_artworks_of_the_pool_as_the_catalogue_is_now() -> None:
    catalogue = [
        artwork("a", ordinal=0),
        artwork("b", ordinal=1),
        artwork("c", ordinal=2),
        artwork("d", ordinal=3, pool_id="extra"),
        artwork("c", ordinal=2, pool_id="extra"),
        artwork("b", ordinal=1, retired=True),
        artwork("e", ordinal=4),
    ]
    seen = [("u", "a", A), ("u", "a", A - WINDOW), ("u", "b", A), ("u", "c", A), ("u", "unknown", A)]
    rows = {row.pool_id: row for row in history(*seen, catalogue=catalogue).coverage}
    assert rows["main"] == Coverage("u", "main", 1, 2, 0.5, 0.5)
    assert rows["extra"] == Coverage("u", "extra", 1, 2, 0.5, 0.5)


def test_a_pool_without_active_artworks_has_coverage_0() -> None:
    result = history(("u", "a", A), catalogue=[artwork("a"), CatalogueRecord(b"a", None)])
    assert result.coverage == [Coverage("u", "main", 0, 0, 0.0, 1.0)]


def test_no_row_without_an_artwork_known_in_the_pool() -> None:
    assert not history(("u", "x", A), catalogue=[artwork("a")]).coverage


def test_ordinals_are_unique_for_ever() -> None:
    catalogue = [
        artwork("a", ordinal=0),
        artwork("b", ordinal=0),
        artwork("a", ordinal=1),
        CatalogueRecord(b"a", None),
        artwork("c", ordinal=0),
        artwork("b", ordinal=1),
        artwork("a", ordinal=0, pool_id="extra"),
    ]
    result = history(catalogue=catalogue)
    assert result.refused_catalogue_records == 3
    assert {row.artwork_id: (row.pool_id, row.ordinal, row.retired) for row in result.artworks} == {
        "a": ("extra", 0, False),
        "b": ("main", 1, False),
    }


@pytest.mark.parametrize(
    "fields",
    [
        {"ordinal": -1},
        {"ordinal": 1.0},
        {"ordinal": None},
        {"pool_id": ""},
        {"created_at": -1},
        {"retired": 1},
        {"retired": None},
        {"dna": [True]},
        {"dna": {}},
        {"artwork_id": "b"},
    ],
    ids=str,
)
def test_a_wrong_catalogue_record_is_refused(fields: dict[str, Any]) -> None:
    result = history(catalogue=[artwork("a", **fields), CatalogueRecord(b"a", b"nonsense"), artwork("a b")])
    assert (result.refused_catalogue_records, result.artworks) == (3, [])


def test_every_column_of_an_accepted_impression_and_its_ledger_row() -> None:
    impression = {
        "impression_id": "i1",
        "artwork_id": "a1",
        "seen_at": A - 5,
        "pool_id": "p",
        "dwell_ms": 3,
        "visible": 0.25,
        "position": 2,
        "surface": "s",
    }
    flush = {
        "v": 1,
        "flush_id": "f1",
        "user_id": "u1",
        "session_id": "s1",
        "sent_at": A - 1,
        "transport": "beacon",
        "reason": "pagehide",
        "tier": "pro",
        "experiments": {"flush": "2s"},
        "impressions": [impression],
        "telemetry": {"attempts": 4, "failures": 3, "queued": 2, "dropped": 1},
    }
    line = json.dumps(flush).encode()
    result = recount([Record("t", 0, 9, A, b"x\n" + line)], [], ONE)
    accepted, row = result.accepted[0], result.ledger[1]
    assert (accepted.user_id, accepted.artwork_id, accepted.pool_id, accepted.session_id) == ("u1", "a1", "p", "s1")
    assert (accepted.impression_id, accepted.flush_id, accepted.seen_at) == ("i1", "f1", A - 5)
    assert (accepted.received_at, accepted.fresh, accepted.surface) == (A, True, "s")
    assert (accepted.dwell_ms, accepted.visible, accepted.position) == (3, 0.25, 2)
    assert (accepted.transport, accepted.reason, accepted.tier) == ("beacon", "pagehide", "pro")
    assert accepted.experiments == row.experiments == {"flush": "2s"}
    assert (accepted.source_topic_id, accepted.source_partition, accepted.source_offset) == ("t", 0, 9)
    assert (accepted.line, accepted.idx) == (1, 0)
    assert (row.line, row.flush_id, row.user_id, row.received, row.accepted) == (1, "f1", "u1", 1, 1)
    assert (row.transport, row.reason, row.tier) == ("beacon", "pagehide", "pro")
    assert (row.attempts, row.failures, row.queued, row.dropped) == (4, 3, 2, 1)
    assert (row.bytes, row.sent_at, row.appended_at) == (len(line), A - 1, A)


def test_absent_optional_fields_have_the_contracts_defaults() -> None:
    accepted = history(("u", "a", A)).accepted[0]
    assert (accepted.pool_id, accepted.session_id, accepted.surface) == ("", "", "")
    assert (accepted.dwell_ms, accepted.visible, accepted.position) == (None, None, None)
    assert (accepted.transport, accepted.reason, accepted.tier, accepted.experiments) == ("sdk", "manual", "free", {})
