"""The tail: what is kept, what is dropped, and when its source must wait."""

import pytest

from streams.collector.reads.errors import RowsGoneError
from streams.collector.reads.rows import Row
from streams.collector.reads.tail import Tail
from tests.support.reads import row


def test_rows_are_kept_by_user_until_clickhouse_has_them() -> None:
    tail = Tail(1 << 20)
    tail.begin({0: 5, 1: 0})
    tail.append(0, 5, [row("u1", 1), row("u2", 2)])
    tail.append(0, 7, [row("u1", 3)])
    tail.append(1, 0, [row("u3", 4)])
    assert [each.artwork_id for each in tail.of("u1")] == ["a1", "a3"]
    tail.forget({0: 6, 1: 0})
    assert [each.artwork_id for each in tail.of("u1")] == ["a3"]
    assert tail.of("u2") == []
    assert (tail.rows, tail.positions) == (2, {0: 6, 1: 0})
    tail.forget({0: 8, 1: 1})
    assert (tail.rows, tail.bytes) == (0, 0)


def test_a_record_that_comes_again_is_passed_over() -> None:
    tail = Tail(1 << 20)
    tail.begin({0: 5})
    heard: list[Row] = []
    tail.listener = heard.append
    for offset in (4, 5, 5, 4, 6):
        tail.append(0, offset, [row("u1", offset)])
    assert tail.of("u1") == heard == [row("u1", 5), row("u1", 6)]


def test_it_is_full_at_its_budget_and_no_longer_once_clickhouse_has_more() -> None:
    tail = Tail(2 * row("u1", 1).size)
    tail.begin({0: 0})
    tail.append(0, 0, [row("u1", 1)])
    assert not tail.full
    tail.append(0, 1, [row("u1", 2)])
    assert tail.full
    tail.forget({0: 1})
    assert not tail.full


def test_it_knows_when_clickhouse_is_ahead_of_it() -> None:
    tail = Tail(1 << 20)
    tail.begin({0: 5})
    assert not tail.lacks({0: 5})
    assert tail.lacks({0: 6})
    tail.append(0, 8, [row("u1", 1)])
    assert not tail.lacks({0: 9})


def test_changes_are_counted_by_user() -> None:
    tail = Tail(1 << 20)
    tail.begin({0: 0})
    before = tail.changes("u1"), tail.changes("u2")
    tail.append(0, 0, [row("u1", 1)])
    assert tail.changes("u1") == before[0] + 1
    tail.begin({0: 1})
    assert tail.changes("u1") == before[0] + 1


def test_a_clickhouse_that_lost_rows_is_noticed() -> None:
    tail = Tail(1 << 20)
    tail.begin({0: 5})
    with pytest.raises(RowsGoneError, match="had partition 0 up to 5, and now up to 4"):
        tail.forget({0: 4})
