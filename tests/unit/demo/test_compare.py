"""The comparison finds each kind of difference, and says which table, how many rows, and three examples."""

import json
from datetime import UTC, datetime, timedelta

from demo.check.compare import duplicates_left
from demo.check.differences import compare_rows
from demo.check.forwards import compare_forwards
from demo.check.recount import recount
from demo.check.recount_log import Message
from demo.check.recount_partition import partition_of
from demo.check.recount_types import Config, Record
from demo.kpis import percentile_95
from demo.result_reader import plain

A = 1_732_431_600_000


def rows(*values: int) -> list[dict[str, int]]:
    return [{"id": value, "square": value * value} for value in values]


def test_equal_rows_in_any_order_are_no_difference() -> None:
    comparison = compare_rows("t", rows(1, 2, 3), rows(3, 1, 2), ["id"])
    assert (comparison.differences, comparison.expected, comparison.found, comparison.examples) == (0, 3, 3, [])


def test_each_kind_of_difference_is_counted() -> None:
    found = [*rows(1, 1, 1, 4), {"id": 2, "square": 5}]
    comparison = compare_rows("t", rows(1, 2, 3), found, ["id"])
    assert (comparison.missing, comparison.unexpected, comparison.repeated, comparison.different) == (1, 1, 2, 1)
    assert comparison.differences == 5
    assert comparison.examples == ["2: square is 5, recounted 4", "3 is missing", "1 is there 3 times"]


def test_a_value_of_another_type_in_a_column_is_a_difference_and_long_ones_are_cut() -> None:
    comparison = compare_rows("t", [{"id": 1, "text": "x" * 5000}], [{"id": 1, "text": None}], ["id"])
    assert comparison.different == 1
    assert len(comparison.examples[0]) < 200


def test_duplicates_left_counts_impressions_within_the_window_of_another() -> None:
    def row(artwork_id: str, seen_at: int) -> dict[str, object]:
        return {"user_id": "u", "artwork_id": artwork_id, "seen_at": seen_at}

    assert duplicates_left([row("a", 20), row("a", 0), row("a", 10), row("b", 0)], 10) == 0
    assert duplicates_left([row("a", 19), row("a", 0), row("a", 10), row("b", 9)], 10) == 1


def test_times_become_milliseconds_exactly() -> None:
    for milliseconds in (0, 1, A + 123, 9_999_999_999_999):
        time = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
        assert plain(time) == milliseconds
        assert plain(time.replace(tzinfo=None)) == milliseconds
    assert plain([0.5]) == (0.5,)


def test_the_95th_percentile_is_one_of_the_values() -> None:
    assert percentile_95([]) == 0
    assert percentile_95([7.0]) == 7
    assert percentile_95([float(number) for number in range(100, 0, -1)]) == 95


def forwarded(value: bytes, home: int) -> tuple[Message, Message]:
    origin = json.dumps({"topic_id": "t", "partition": (home + 1) % 4, "offset": 0, "line": 1}).encode()
    sent = Message((home + 1) % 4, 0, A, None, b"x\n" + value, None)
    return sent, Message(home, 0, A, b"u1", value, origin)


def test_a_forwarded_line_must_be_in_its_partition_once_and_byte_for_byte() -> None:
    impression = {"impression_id": "i", "artwork_id": "a", "seen_at": A}
    line = json.dumps({"v": 1, "flush_id": "f", "user_id": "u1", "sent_at": A, "impressions": [impression]}).encode()
    sent, there = forwarded(line, partition_of("u1", 4))
    ledger = recount([Record("t", sent.partition, 0, A, sent.value)], [], Config()).ledger
    assert compare_forwards([sent, there], ledger, 4).differences == 0
    assert compare_forwards([sent], ledger, 4).missing == 1
    assert compare_forwards([sent, there, there], ledger, 4).repeated == 1
    assert compare_forwards([sent, forwarded(line + b" ", there.partition)[1]], ledger, 4).different == 1
    assert compare_forwards([sent, forwarded(line, sent.partition)[1]], [], 4).unexpected == 1
