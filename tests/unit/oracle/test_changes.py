"""What the oracle is told about an installation: the lateness was changed, a line was given up."""

import pytest

from oracle.judge import Judge
from oracle.rules import Record, Rules
from tests.support.flushes import LATENESS, TOLERANCE, WINDOW, A, impression, line

DAY = 86_400_000
TOPIC_ID = "t"


def reasons(changes: tuple[tuple[int, int], ...], *seen: tuple[int, int]) -> list[str]:
    """Judge impressions of one user and artwork, by (A, seen_at); return what became of each."""
    judge = Judge(Rules(WINDOW, LATENESS, TOLERANCE, changes), 1)
    outcomes = []
    for offset, (at, seen_at) in enumerate(seen):
        judge.judge(Record(TOPIC_ID, 0, offset, at, None, line(impressions=[impression(seen_at=seen_at)])))
        row = judge.ledger[-1]
        outcomes.append(
            judge.rejected[-1].reason
            if row.rejected
            else "duplicate"
            if row.duplicates
            else "fresh"
            if row.fresh
            else "repeat"
        )
    return outcomes


def test_what_was_swept_stays_late_when_the_lateness_is_raised() -> None:
    changes = ((A + 10, 10 * DAY),)
    old = A - 3 * DAY
    assert reasons(changes, (A, old), (A, old), (A + 10, old), (A + 10, old + 2 * WINDOW)) == ["fresh", *["late"] * 3]


def test_what_was_not_swept_is_judged_by_the_new_lateness() -> None:
    changes = ((A + 10, 10 * DAY),)
    recent = A - LATENESS + WINDOW
    seen = [(A, recent), (A + 10, recent + 1), (A + DAY, recent), (A + DAY, recent + 2 * WINDOW)]
    assert reasons(changes, *seen) == ["fresh", "duplicate", "duplicate", "repeat"]


def test_a_lower_lateness_holds_at_once_and_what_it_swept_stays_late() -> None:
    changes = ((A + 10, DAY // 24), (A + 20, DAY))
    hours = A - DAY // 6
    seen = [(A, hours), (A, hours), (A + 10, hours), (A + 20, hours), (A + 20, A)]
    assert reasons(changes, *seen) == ["fresh", "duplicate", "late", "late", "repeat"]


@pytest.mark.parametrize("given_up", [True, False])
def test_a_line_that_was_given_up_is_malformed(given_up: bool) -> None:
    judge = Judge(Rules(WINDOW, LATENESS, TOLERANCE), 1)
    if given_up:
        judge.given_up = {(TOPIC_ID, 0, 7, 1)}
    judge.judge(Record(TOPIC_ID, 0, 7, A, None, b"\n".join([line(user_id=user) for user in ("u1", "u2", "u3")])))
    assert [row.rejected for row in judge.ledger] == [0, int(given_up), 0]
    assert [row.accepted for row in judge.ledger] == [1, int(not given_up), 1]
    assert [(row.reason, row.user_id) for row in judge.rejected] == ([("malformed", "")] if given_up else [])
