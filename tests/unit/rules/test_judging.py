"""Contract section 4, rules 1 to 4: future, late, duplicate and accepted, each at its boundary, and their order."""

import hashlib
import json
from collections.abc import Callable

import pytest

from oracle import judge as oracle_judge
from oracle.rules import Rules
from streams.core import identity
from tests.support.flushes import LATENESS, TOLERANCE, WINDOW, A, flush, impression, seen
from tests.support.judging import Implementation, log

LAST = 9_999_999_999_999
# (artwork_id, seen_at) of one user's impressions in log order, all appended at A; then what becomes of each.
HISTORIES: dict[str, tuple[list[tuple[str, int]], str, list[str]]] = {
    "a retry": ([("a", A), ("a", A)], "fd", []),
    "a double fire across a boundary": ([("a", A - 1), ("a", A + 60)], "fd", []),
    "only accepted ones make duplicates": ([("a", A - n * WINDOW * 2 // 3) for n in range(5)], "fdrdr", []),
    "only accepted ones, from old to new": ([("a", A - (5 - n) * WINDOW * 2 // 3) for n in range(5)], "fdrdr", []),
    "a duplicate makes no duplicates": ([("a", A - n * WINDOW + k) for n, k in ((3, 0), (2, -1), (2, 0))], "fdr", []),
    "out of order": ([("a", A), ("a", A - WINDOW), ("a", A - WINDOW + 1)], "frd", []),
    "between two accepted": ([("a", A), ("a", A - 2 * WINDOW + 1), ("a", A - WINDOW + 1)], "frd", []),
    "both sides of one": (
        [("a", A - 10 * WINDOW + by) for by in (0, 0, WINDOW - 1, 1 - WINDOW, WINDOW, -WINDOW)],
        "fdddrr",
        [],
    ),
    "two artworks": ([("a", A), ("b", A), ("a", A)], "ffd", []),
    "late, never seen": ([("a", A - LATENESS - 1)], "f", []),
    "a week late, never seen": ([("a", A - 7 * LATENESS)], "f", []),
    "from 1970, never seen": ([("a", 0)], "f", []),
    "late, seen since": ([("a", A - LATENESS - 1), ("a", A - LATENESS - 1)], "fx", ["late"]),
    "long late, seen since": ([("a", A - LATENESS - 1), ("a", A - 9 * LATENESS)], "fx", ["late"]),
    "one ms before late": ([("a", A), ("a", A - LATENESS + 1)], "fr", []),
    "exactly late": ([("a", A), ("a", A - LATENESS)], "fr", []),
    "late by a ms": ([("a", A), ("a", A - LATENESS - 1)], "fx", ["late"]),
    "late comes before duplicate": ([("a", A - LATENESS), ("a", A - LATENESS - 1)], "fx", ["late"]),
    "exactly late may still be a duplicate": ([("a", A - LATENESS - 1), ("a", A - LATENESS)], "fd", []),
    "future comes before duplicate": ([("a", A + TOLERANCE), ("a", A + TOLERANCE + 1)], "fx", ["future"]),
    "a rejected one leaves no trace": ([("a", A + TOLERANCE + 1), ("a", A)], "xf", ["future"]),
    "the latest possible time is future, not invalid": ([("a", LAST)], "x", ["future"]),
    **{
        f"{distance} ms {'after' if sign > 0 else 'before'} one at {start - A}": (
            [("a", start), ("a", start + sign * distance)],
            "fd" if distance < WINDOW else "fr",
            [],
        )
        for distance in (1, WINDOW - 1, WINDOW, WINDOW + 1)
        for sign in (1, -1)
        for start in (A - 3 * WINDOW, A - 3 * WINDOW + 1, A - 3 * WINDOW - 1, A - 2 * WINDOW - 77)
    },
}
ARTWORKS = [(b"a", b'{"pool_id":"p","ordinal":0}'), (b"b", b'{"pool_id":"p","ordinal":1}')]


@pytest.mark.parametrize(("impressions", "letters", "reasons"), HISTORIES.values(), ids=HISTORIES)
@pytest.mark.parametrize("artworks", [[], ARTWORKS], ids=["uncatalogued", "catalogued"])
@pytest.mark.parametrize("as_one", [False, True], ids=["one record each", "one record"])
def test_impressions_are_judged_in_log_order(
    judge: Implementation,
    impressions: list[tuple[str, int]],
    letters: str,
    reasons: list[str],
    artworks: list[tuple[bytes, bytes]],
    as_one: bool,
) -> None:
    values = [b"\n".join(seen(*impressions))] if as_one else seen(*impressions)
    found = judge(log(*values), artworks)
    assert (found.letters, found.reasons) == (letters, reasons)


def test_only_impressions_of_the_same_user_make_duplicates(judge: Implementation) -> None:
    values = [*seen(("a", A)), *seen(("a", A), user_id="u2"), *seen(("b", A), ("a", A))]
    assert judge(log(*values)).letters == "fffd"
    late = [("a", A - LATENESS - 1)]
    assert judge(log(*seen(*late, *late), *seen(*late, user_id="u2"))).letters == "fxf"


def test_duplicates_are_found_within_one_flush_regardless_of_pools_and_ids(judge: Implementation) -> None:
    twice = [impression(pool_id="p"), impression(impression_id="i2", pool_id="q", seen_at=A + 1)]
    (row,) = judge(log(json.dumps(flush(impressions=twice)).encode())).ledger
    assert (row.received, row.accepted, row.duplicates) == (2, 1, 1)


@pytest.mark.parametrize("tolerance", [TOLERANCE, 0], ids=["tolerance", "no tolerance"])
@pytest.mark.parametrize(("beyond", "reasons"), [(-1, []), (0, []), (1, ["future"])])
def test_future_is_further_ahead_than_the_tolerance(
    judge: Implementation, tolerance: int, beyond: int, reasons: list[str]
) -> None:
    rules = Rules(WINDOW, LATENESS, tolerance)
    assert judge(log(*seen(("a", A + tolerance + beyond))), rules=rules).reasons == reasons


def test_future_comes_before_late(judge: Implementation) -> None:
    """Uses a lateness so far below 0 that one impression can be both."""
    rules = Rules(WINDOW, -TOLERANCE - 2, TOLERANCE)
    found = judge(log(*seen(("a", A), ("a", A), ("a", A + TOLERANCE + 1))), rules=rules)
    assert (found.letters, found.reasons) == ("fxx", ["late", "future"])


def test_each_line_is_judged_by_the_append_time_of_its_own_record(judge: Implementation) -> None:
    (line,) = seen(("a", A))
    later = A + LATENESS + 1
    found = judge([*log(line), *log(line, at=later, first=1)])
    assert [(row.reason, row.rejected_at) for row in found.rejected] == [("late", later)]
    assert [row.appended_at for row in found.ledger] == [A, later]


# Of one user and artwork: (A, seen_at) of each impression; from RAISED on, the lateness is a hundred times as long.
SWEPT = A + LATENESS + 2 * WINDOW  # sweeps the windows that start before A
RAISED = SWEPT + 1
LATER: dict[str, tuple[list[tuple[int, int]], str, list[str]]] = {
    "an old event_id again": ([(A, A - 1), (SWEPT, SWEPT), (RAISED, A - 1)], "frx", ["late"]),
    "may match what was swept": ([(A, A - 1), (SWEPT, SWEPT), (RAISED, A + WINDOW - 1)], "frx", ["late"]),
    "can't match what was swept": ([(A, A - 1), (SWEPT, SWEPT), (RAISED, A + WINDOW)], "frr", []),
    "matches what was kept": ([(A + WINDOW, A + WINDOW - 1), (SWEPT, SWEPT), (RAISED, A + WINDOW)], "frd", []),
    "swept less": ([(A, A - 1), (SWEPT - WINDOW - 1, SWEPT - WINDOW), (RAISED, A - 1)], "frd", []),
    "never seen": ([(SWEPT, A - 1), (RAISED, A - 1)], "fx", ["late"]),
    "swept by another's record": ([(A, A + 1), (SWEPT + WINDOW, SWEPT), (SWEPT, A + WINDOW - 1)], "frx", ["late"]),
    "stays so for ever": ([(A, A - 1), (SWEPT, SWEPT), (RAISED, A), (RAISED + 9, A)], "frxx", ["late"] * 2),
}


@pytest.mark.parametrize(("impressions", "letters", "reasons"), LATER.values(), ids=LATER)
def test_what_was_swept_stays_late_when_the_lateness_is_raised(
    judge: Implementation, impressions: list[tuple[int, int]], letters: str, reasons: list[str]
) -> None:
    records = [log(*seen(("a", seen_at)), at=at, first=n)[0] for n, (at, seen_at) in enumerate(impressions)]
    found = judge(records, rules=Rules(WINDOW, LATENESS, TOLERANCE, ((RAISED, 100 * LATENESS),)))
    assert (found.letters, found.reasons) == (letters, reasons)
    assert len({row.event_id for row in found.accepted}) == len(found.accepted)


def test_a_lowered_lateness_holds_at_once(judge: Implementation) -> None:
    records = [*log(*seen(("a", A))), *log(*seen(("a", A)), at=A + WINDOW, first=1)]
    found = judge(records, rules=Rules(WINDOW, LATENESS, TOLERANCE, ((A + 1, WINDOW - 1),)))
    assert (found.letters, found.reasons) == ("fx", ["late"])


EventId = Callable[[str, str, int, int], str]


@pytest.fixture(params=[identity.event_id, oracle_judge.event_id], ids=["core", "oracle"])
def event_id(request: pytest.FixtureRequest) -> EventId:
    implementation: EventId = request.param
    return implementation


@pytest.mark.parametrize(
    ("user_id", "artwork_id", "seen_at", "hashed"),
    [
        # floor(1732431599000 / 600000) = 2887385
        ("u42", "a0042", 1_732_431_599_000, b"\0\0\0\3u42" + b"\0\0\0\5a0042" + b"\0\0\0\x072887385"),
        ("u", "a", 2_887_386 * WINDOW + WINDOW - 1, b"\0\0\0\1u" + b"\0\0\0\1a" + b"\0\0\0\x072887386"),
        ("u1", "a", 1_200_000, b"\0\0\0\2u1" + b"\0\0\0\1a" + b"\0\0\0\1" + b"2"),
    ],
)
def test_an_event_id_is_the_first_half_of_a_sha_256_over_length_prefixed_parts(
    event_id: EventId, user_id: str, artwork_id: str, seen_at: int, hashed: bytes
) -> None:
    assert event_id(user_id, artwork_id, seen_at, WINDOW) == hashlib.sha256(hashed).hexdigest()[:32]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param(("u", "a", 0), ("u", "a", WINDOW - 1), True, id="one window"),
        pytest.param(("u1", "a", 2 * WINDOW), ("u1", "a", 3 * WINDOW - 1), True, id="a later window"),
        pytest.param(("u", "a", WINDOW - 1), ("u", "a", WINDOW), False, id="two windows"),
        pytest.param(("u", "a", 0), ("v", "a", 0), False, id="two users"),
        pytest.param(("u", "a", 0), ("u", "b", 0), False, id="two artworks"),
        pytest.param(("ua", "b", 0), ("u", "ab", 0), False, id="the same letters, cut elsewhere"),
        pytest.param(("u", "a1", 0), ("u", "a", 10 * WINDOW), False, id="a digit of the window's number"),
    ],
)
def test_an_event_id_distinguishes_user_artwork_and_window(
    event_id: EventId, one: tuple[str, str, int], other: tuple[str, str, int], same: bool
) -> None:
    assert (event_id(*one, WINDOW) == event_id(*other, WINDOW)) == same


def test_a_known_event_id(judge: Implementation) -> None:
    line = seen(("a0042", 1_732_431_599_000), user_id="u42")
    assert [row.event_id for row in judge(log(*line)).accepted] == ["cda00e6dd3c711d48e8b8b2f658f1540"]
