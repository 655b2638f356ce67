"""Rules 1 to 3, each at -1, 0 and +1 ms from its limit, and the order in which they apply."""

import pytest

from impression_streams.flush import Impression
from streams.core.judge import Rules, Verdict, judge
from streams.core.seen import Seen
from tests.support.flushes import LATENESS, RULES, TOLERANCE, WINDOW, A


def verdict(
    seen_at: int,
    *accepted: int,
    catalogued: bool = True,
    learned_since: bool = False,
    rules: Rules = RULES,
    kept_since: int = 0,
) -> Verdict:
    """Judge an impression of artwork `a`, appended at A, against accepted ones of the same artwork."""
    ordinal = 7 if catalogued else None
    seen = Seen()
    buckets: dict[int, dict[str, int]] = {}
    for at in accepted:
        seen.add("a", None if learned_since else ordinal)
        buckets.setdefault(at - at % WINDOW, {})["a"] = at % WINDOW
    impression = Impression(impression_id="i", artwork_id="a", seen_at=seen_at)
    return judge(
        impression,
        A,
        rules,
        seen,
        ordinal,
        lambda start, artwork_id: buckets.get(start, {}).get(artwork_id),
        kept_since,
    )


KNOWN = [
    pytest.param(True, False, id="catalogued"),
    pytest.param(False, False, id="not catalogued"),
    pytest.param(True, True, id="catalogued since"),
]


@pytest.mark.parametrize("tolerance", [TOLERANCE, 0], ids=["tolerance", "no tolerance"])
@pytest.mark.parametrize(("beyond", "expected"), [(-1, Verdict.FRESH), (0, Verdict.FRESH), (1, Verdict.FUTURE)])
def test_future_is_further_ahead_than_the_tolerance(tolerance: int, beyond: int, expected: Verdict) -> None:
    assert verdict(A + tolerance + beyond, rules=Rules(WINDOW, LATENESS, tolerance)) == expected


@pytest.mark.parametrize(("catalogued", "learned_since"), KNOWN)
@pytest.mark.parametrize(("beyond", "expected"), [(-1, Verdict.REPEAT), (0, Verdict.REPEAT), (1, Verdict.LATE)])
def test_late_is_older_than_the_lateness_of_an_artwork_seen_before(
    beyond: int, expected: Verdict, catalogued: bool, learned_since: bool
) -> None:
    age = LATENESS + beyond
    assert verdict(A - age, A, catalogued=catalogued, learned_since=learned_since) == expected


@pytest.mark.parametrize("age", [LATENESS + 1, 7 * LATENESS, A], ids=["just late", "a week", "1970"])
def test_late_but_never_seen_is_accepted(age: int) -> None:
    assert verdict(A - age) == Verdict.FRESH


@pytest.mark.parametrize(("catalogued", "learned_since"), KNOWN)
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("distance", "expected"),
    [(WINDOW - 1, Verdict.DUPLICATE), (WINDOW, Verdict.REPEAT), (WINDOW + 1, Verdict.REPEAT)],
)
def test_duplicate_is_closer_than_the_window(
    distance: int, expected: Verdict, sign: int, catalogued: bool, learned_since: bool
) -> None:
    at = A - 5 * WINDOW
    assert verdict(at + sign * distance, at, catalogued=catalogued, learned_since=learned_since) == expected


@pytest.mark.parametrize(("before", "expected"), [(-1, Verdict.REPEAT), (0, Verdict.REPEAT), (1, Verdict.LATE)])
def test_what_may_match_a_swept_window_is_late_whatever_the_lateness_is(before: int, expected: Verdict) -> None:
    seen_at = A - 3 * WINDOW
    assert verdict(seen_at - before, A, kept_since=seen_at) == expected
    assert verdict(seen_at - before, kept_since=seen_at) == Verdict.FRESH, "never seen"


def test_future_comes_before_duplicate() -> None:
    assert verdict(A + TOLERANCE + 1, A + TOLERANCE) == Verdict.FUTURE


def test_late_comes_before_duplicate() -> None:
    assert verdict(A - LATENESS - 1, A - LATENESS) == Verdict.LATE


def test_exactly_late_may_still_be_a_duplicate() -> None:
    assert verdict(A - LATENESS, A - LATENESS - 1) == Verdict.DUPLICATE
