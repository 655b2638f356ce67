"""The check finds each way in which ClickHouse can differ from what the users recorded."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from load.check import Line, Row, Verdict, compare
from load.users.ledger import Ledger
from load.users.plan import Plan
from tests.support.crowds import plan

OF: Plan = plan(Path("/s"))


@dataclass
class Found:
    """What ClickHouse shows of two users: one saw three artworks, the second of them twice; the other saw one."""

    rows: list[Row] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)


def recorded(acknowledged: bool = True) -> tuple[Ledger, Found]:
    """Return the users' ledger, and what follows from it."""
    ledger = Ledger()
    of_first = [ledger.see(0, n, artwork, 1_000 + n, first) for n, (artwork, first) in enumerate(SEEN)]
    flushes = [ledger.cut(0, 0, 5_000, 5.0, of_first), ledger.cut(1, 0, 5_000, 5.0, [ledger.see(1, 0, 9, 1_000, True)])]
    for row in flushes if acknowledged else flushes[:1]:
        ledger.attempt(row, 5.0)
        assert ledger.acknowledge(row, 5.25) == 0.25
    rows = [
        Row(each.impression_id, OF.user_id(each.user), f"a{each.artwork:05d}", each.seen_at)
        for each in ledger.impressions()
        if each.first
    ]
    first, second = (each.flush_id for each in ledger.flushes())
    lines = [Line(first, 4, 3, 1, 0, 0), Line(second, 1, 1, 0, 0, 0)]
    return ledger, Found(rows, lines, {OF.user_id(0): 3, OF.user_id(1): 1})


SEEN = ((3, True), (4, True), (4, False), (5, True))


def judge(change: Callable[[Found], object] = lambda found: None, acknowledged: bool = True) -> Verdict:
    """Compare after a change."""
    ledger, found = recorded(acknowledged)
    change(found)
    return compare(OF, ledger, found.rows, found.lines, found.seen)


def test_what_is_all_there_is_right() -> None:
    verdict = judge()
    assert verdict.right
    assert (verdict.recorded, verdict.flushes, verdict.expected, verdict.found) == (5, 2, 4, 4)
    assert verdict.ledger == {"received": 5, "accepted": 4, "duplicates": 1, "rejected": 0, "forwarded": 0}


def test_what_was_sent_again_is_right_if_it_became_duplicates() -> None:
    verdict = judge(lambda found: found.lines.append(Line(found.lines[0].flush_id, 4, 0, 4, 0, 0)))
    assert verdict.right
    assert verdict.lines_again == 1


WRONG: dict[str, tuple[Callable[[Found], object], str, int]] = {
    "a row is missing": (lambda found: found.rows.pop(), "lost", 1),
    "a row is there twice": (lambda found: found.rows.append(found.rows[0]), "double", 1),
    "an artwork has a second row": (
        lambda found: found.rows.append(found.rows[0]._replace(impression_id="another")), "double", 1
    ),
    "nobody recorded it": (lambda found: found.rows.append(Row("x", "u-7", "a00001", 1)), "strange", 1),
    "another time": (lambda found: found.rows.append(found.rows.pop()._replace(seen_at=7)), "strange", 1),
    "a flush is missing": (lambda found: found.lines.pop(), "lines_lost", 1),
    "a line does not balance": (
        lambda found: found.lines.append(found.lines.pop()._replace(received=2)), "lines_wrong", 1
    ),
    "a line was rejected": (
        lambda found: found.lines.append(found.lines.pop()._replace(accepted=0, rejected=1)), "lines_wrong", 2
    ),
    "a retry was accepted once more": (lambda found: found.lines.append(found.lines[1]), "lines_wrong", 1),
    "nobody's flush": (lambda found: found.lines.append(Line("x", 1, 1, 0, 0, 0)), "lines_wrong", 1),
    "coverage is short": (lambda found: found.seen.update({OF.user_id(0): 2}), "wrong_coverage", 1),
    "coverage of nobody": (lambda found: found.seen.update({"u-7": 2}), "wrong_coverage", 1),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_differs_is_found_and_shown(name: str) -> None:
    change, kind, number = WRONG[name]
    verdict = judge(change)
    assert not verdict.right
    assert getattr(verdict, kind) == number
    assert verdict.examples


def test_what_was_never_acknowledged_may_be_there_or_not_and_is_not_right() -> None:
    def gone(found: Found) -> None:
        found.rows.pop()
        found.lines.pop()
        del found.seen[OF.user_id(1)]

    for verdict in (judge(gone, acknowledged=False), judge(acknowledged=False)):
        assert verdict.unacknowledged == 1
        assert verdict.lost == verdict.double == verdict.strange == verdict.lines_lost == 0
        assert not verdict.right
