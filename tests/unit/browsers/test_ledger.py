"""The ledger: what is lost, double, or recorded by nobody."""

from tests.browsers.ledger import Key, Ledger

USER, OTHER = "u1", "u2"


def ledger(*artworks: str) -> Ledger:
    found = Ledger()
    for each in artworks:
        found.note(USER, each)
    return found


def test_what_readers_see_once_is_neither_lost_nor_double() -> None:
    verdict = ledger("a1", "a2").compare({(USER, "a1"): 1, (USER, "a2"): 1})
    assert (verdict.recorded, verdict.arrived, verdict.lost, verdict.double, verdict.strange) == (2, 2, [], 0, [])


def test_what_has_no_row_is_lost_and_named() -> None:
    verdict = ledger("a1", "a2", "a3").compare({(USER, "a2"): 1})
    assert (verdict.arrived, verdict.lost) == (1, [Key(USER, "a1"), Key(USER, "a3")])


def test_another_users_row_does_not_count() -> None:
    verdict = ledger("a1").compare({(OTHER, "a1"): 1})
    assert (verdict.lost, verdict.strange) == ([Key(USER, "a1")], [Key(OTHER, "a1")])


def test_every_row_beyond_the_first_is_double() -> None:
    assert ledger("a1", "a2").compare({(USER, "a1"): 3, (USER, "a2"): 2}).double == 3


def test_an_impression_that_is_noted_twice_was_recorded_once() -> None:
    assert ledger("a1", "a1").compare({(USER, "a1"): 1}).recorded == 1


def test_what_may_have_been_recorded_may_arrive_once_or_not_at_all() -> None:
    found = ledger("a1")
    found.possible |= {Key(USER, "a2"), Key(USER, "a3")}
    verdict = found.compare({(USER, "a1"): 1, (USER, "a2"): 2})
    assert (verdict.recorded, verdict.lost, verdict.double, verdict.strange) == (1, [], 1, [])
