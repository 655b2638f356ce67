"""What the oracle promises beyond the contract's rules, which are tested in tests/unit/rules."""

import pytest

from oracle.judge import Judge
from oracle.murmur import home_of
from oracle.rules import Record
from tests.support.flushes import WINDOW, A, impression, line, seen
from tests.support.judging import RULES

STRAY = next(f"u{n}" for n in range(99) if home_of(f"u{n}", 4) == 1)
NATIVE = next(f"u{n}" for n in range(99) if home_of(f"u{n}", 4) == 0)


def test_a_re_created_topic_is_judged_after_the_deleted_one() -> None:
    judge = Judge(RULES, 1)
    values = [("t", A), ("t2", A), ("t2", A - WINDOW)]
    for offset, (topic_id, seen_at) in enumerate(values):
        judge.judge(Record(topic_id, 0, offset, A, None, seen(("a", seen_at))[0]))
    assert [(row.accepted, row.fresh, row.duplicates) for row in judge.ledger] == [(1, 1, 0), (0, 0, 1), (1, 0, 0)]
    assert [row.source_topic_id for row in judge.accepted.values()] == ["t", "t2"]


@pytest.mark.parametrize("value", [b"{}", line()], ids=["rubbish", "a flush"])
def test_a_record_without_an_append_time_is_refused(value: bytes) -> None:
    with pytest.raises(ValueError, match="no append time"):
        Judge(RULES, 1).judge(Record("t", 0, 0, None, None, value))


def test_the_totals_are_the_sums_of_the_ledger() -> None:
    judge = Judge(RULES, 4)
    lines = [line(user_id=NATIVE, impressions=[impression(), impression(), {}]), b"", line(user_id=STRAY)]
    judge.judge(Record("t", 0, 0, A, None, b"\n".join(lines)))
    assert judge.totals == {
        "lines": 3,
        "received": 5,
        "accepted": 1,
        "fresh": 1,
        "duplicates": 1,
        "rejected": 2,
        "forwarded": 1,
    }
