"""What the oracle's checks find in given rows."""

from pathlib import Path

import pytest

from oracle.balance import check_ledger
from oracle.offsets import FEEDS, Sent, compare_offsets
from oracle.progress import Counts, is_caught_up
from oracle.rows import Accepted, LedgerRow, Rejected
from oracle.state import compare_states, partition_of, position_of
from oracle.verdict import Difference, Verdict, compare

COLUMNS = ("id", "user_id", "value")


def difference(expected: list[tuple[object, ...]], actual: list[tuple[object, ...]]) -> Difference:
    """Compare rows that have an id, a user and a value."""
    return compare("I1", "view", COLUMNS, 1, expected, actual)


def test_equal_rows_in_any_order_do_not_differ() -> None:
    rows: list[tuple[object, ...]] = [(1, "u", "a"), (2, "u", {"x": 1})]
    found = difference(rows, rows[::-1])
    assert not found.found
    assert (found.expected, found.actual) == (2, 2)


def test_missing_extra_and_wrong_rows_are_counted() -> None:
    found = difference([(1, "u", "a"), (2, "u", "b"), (3, "u", "c")], [(1, "u", "a"), (2, "u", "z"), (4, "v", "d")])
    assert (found.missing, found.extra, found.wrong) == (1, 1, 1)
    assert str(found) == (
        "I1 view: 1 missing, 1 extra, 1 wrong "
        "(wrong id=2 user_id=u value 'z', not 'b'; extra id=4 user_id=v; missing id=3 user_id=u)"
    )


def test_a_repeated_row_is_extra() -> None:
    found = difference([(1, "u", "a")], [(1, "u", "a"), (1, "u", "a"), (2, "u", "a"), (2, "u", "a")])
    assert (found.missing, found.extra, found.repeated, found.wrong) == (0, 3, 1, 0)
    assert (found.expected, found.actual, found.rows) == (1, 4, 3)


def test_a_value_of_another_type_is_wrong_and_a_long_one_is_shortened() -> None:
    found = difference([(1, "u", "x" * 5_000)], [(1, "u", None)])
    assert found.wrong == 1
    assert len(found.examples[0]) < 200


def test_at_most_three_examples_are_kept() -> None:
    found = difference([(n, "u", "a") for n in range(9)], [])
    assert (found.missing, len(found.examples)) == (9, 3)


def test_a_row_that_is_expected_twice_raises_an_error() -> None:
    with pytest.raises(ValueError, match="expected twice"):
        difference([(1, "u", "a"), (1, "u", "b")], [])


def ledger_row(line: int, received: int, accepted: int, rejected: int) -> list[object]:
    """Return a ledger row without duplicates and forwards."""
    row = dict.fromkeys(LedgerRow._fields, 0) | {"line": line, "received": received, "accepted": accepted}
    return list((row | {"source_topic_id": "t", "rejected": rejected}).values())


def pieces(columns: tuple[str, ...], count: int, lines: int = 1) -> list[list[object]]:
    """Return rows of a view, all of partition 0."""
    more = {"source_topic_id": "t"} | ({"lines": lines} if "lines" in columns else {})
    return [list((dict.fromkeys(columns, 0) | more).values()) for _ in range(count)]


def test_a_ledger_that_balances_has_no_difference() -> None:
    rows = [ledger_row(0, 3, 2, 1), ledger_row(1, 1, 0, 1)]
    found = check_ledger(rows, pieces(Accepted._fields, 2), pieces(Rejected._fields, 2), rows)
    assert not [each for each in found if each.found]


def test_a_row_of_several_lines_balances_with_a_rejected_row_of_as_many() -> None:
    rows = [ledger_row(0, 7, 0, 7)]
    found = check_ledger(rows, [], pieces(Rejected._fields, 1, lines=7), rows)
    assert not [each for each in found if each.found]
    found = check_ledger(rows, [], pieces(Rejected._fields, 1, lines=6), rows)
    assert [each.examples for each in found if each.found] == [["rejected: the ledger says 7, there are 6"]]


def test_a_ledger_that_does_not_balance_is_reported_by_line_and_by_partition() -> None:
    rows = [ledger_row(0, 3, 2, 0)]
    found = check_ledger(rows, pieces(Accepted._fields, 1), pieces(Rejected._fields, 1), [ledger_row(0, 4, 0, 0)])
    lines, partition = [each for each in found if each.found]
    assert (lines.what, lines.wrong) == ("lines of the ledger", 1)
    assert partition.examples == [
        "accepted: the ledger says 2, there are 1",
        "rejected: the ledger says 0, there are 1",
        "received: the ledger says 3, there are 4",
    ]


def test_a_committed_record_that_is_not_in_its_table_is_missing() -> None:
    records = [Sent(0, 0, [("a",), ("b",)]), Sent(0, 1, [("c",)]), Sent(0, 2, [("d",)]), Sent(1, 0, [("e",)])]
    found = compare_offsets(FEEDS[0], {0: (2, 3), 1: (0, 1)}, records, {("a",), ("c",)})
    (difference,) = [each for each in found if each.found]
    assert (difference.missing, difference.examples) == (1, ["missing of offset 0: ('b',)"])


def test_an_offset_after_the_end_of_the_log_is_wrong() -> None:
    (found,) = compare_offsets(FEEDS[0], {0: (4, 3)}, [], set())
    assert found.wrong == 1


def test_states_are_compared_byte_by_byte() -> None:
    found = Difference("I4", "state")
    compare_states({b"wa": b"1", b"wb": b"2", b"wc": b"3"}, {b"wa": b"1", b"wb": b"x", b"wd": b"4"}, "worker-0", found)
    assert (found.missing, found.extra, found.wrong) == (1, 1, 1)


def test_the_position_is_read_from_the_state() -> None:
    assert position_of({}) is None
    assert position_of({b"c\x00p": b'{"topic_id":"t","next_offset":7,"codec":1}'}) == ("t", 7, 0)
    assert position_of({b"c\x00p": b'{"topic_id":"t","next_offset":7,"line":3,"codec":2}'}) == ("t", 7, 3)


def test_the_partition_is_read_from_the_name_of_a_folder() -> None:
    assert partition_of(Path("worker-0/partition-12")) == 12
    with pytest.raises(ValueError, match="not a folder"):
        partition_of(Path("worker-0"))


LINES, ARTWORKS = {("t", 0): 2}, {"c": 3}


@pytest.mark.parametrize(
    ("counts", "caught_up"),
    [
        (Counts({("t", 0): 2}, {("t", 0): (5, 1)}, {("t", 0): (5, 1)}, {"c": 3}), True),
        (Counts({("t", 0): 3, ("old", 0): 9}, {}, {("t", 0): (6, 1)}, {"c": 4}), True),
        (Counts({("t", 0): 1}, {("t", 0): (5, 1)}, {("t", 0): (5, 1)}, {"c": 3}), False),
        (Counts({("t", 0): 2}, {("t", 0): (5, 1)}, {("t", 0): (4, 1)}, {"c": 3}), False),
        (Counts({("t", 0): 2}, {("t", 0): (5, 1)}, {("t", 0): (5, 0)}, {"c": 3}), False),
        (Counts({("t", 0): 2}, {("t", 0): (5, 1)}, {}, {"c": 3}), False),
        (Counts({("t", 0): 2}, {("t", 0): (5, 1)}, {("t", 0): (5, 1)}, {"c": 2}), False),
        (Counts(), False),
    ],
)
def test_it_has_caught_up_once_the_ledger_has_all_lines_and_the_views_all_rows(counts: Counts, caught_up: bool) -> None:
    assert is_caught_up(counts, LINES, ARTWORKS) is caught_up


def test_a_verdict_without_differences_is_ok() -> None:
    assert Verdict([], 1, 1, 1, 0, 0, 0, {}).ok
    assert not Verdict([Difference("I1", "x", missing=1)], 1, 1, 1, 0, 0, 0, {}).ok
