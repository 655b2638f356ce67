"""The users in memory: for how long, and how many."""

from streams.collector.reads.known import HOLDER_BYTES, RENEW_SECONDS, Known
from streams.collector.reads.timeline import HEAD_ROW_BYTES, USER_BYTES, Rows, Timeline
from tests.support.reads import row

NONE = Rows([], False)
EMPTY, ROW = HOLDER_BYTES + USER_BYTES, HEAD_ROW_BYTES


def filled(known: Known[Timeline], *users: str, at: float = 0.0) -> Known[Timeline]:
    for user_id in users:
        known.begin(user_id, [], 1, at)
        assert known.finish(user_id, NONE) is not None
    return known


def users(known: Known[Timeline], *names: str) -> list[str]:
    return [name for name in names if known.last(name) is not None]


def test_the_least_recently_used_goes_when_there_is_no_room() -> None:
    known = filled(Known(Timeline, 3 * EMPTY), "u1", "u2", "u3")
    assert known.get("u1", 0.0) is not None
    filled(known, "u4")
    assert users(known, "u1", "u2", "u3", "u4") == ["u1", "u3", "u4"]
    assert known.bytes == 3 * EMPTY


def test_rows_of_the_tail_count_and_push_others_out() -> None:
    known = filled(Known(Timeline, 2 * EMPTY + ROW), "u1", "u2")
    known.add(row("u2", 1))
    assert (len(known), known.bytes) == (2, 2 * EMPTY + ROW)
    known.add(row("u2", 2))
    assert (len(known), known.bytes) == (1, EMPTY + 2 * ROW)


def test_one_user_may_be_larger_than_everything() -> None:
    known = filled(Known(Timeline, 1), "u1", "u2")
    assert users(known, "u1", "u2") == ["u2"]


def test_users_are_renewed_and_at_last_not_believed() -> None:
    known = filled(Known(Timeline, 1 << 20), "u1")
    assert not known.is_old("u1", RENEW_SECONDS)
    assert known.is_old("u1", RENEW_SECONDS + 1)
    assert known.get("u1", 2 * RENEW_SECONDS) is not None
    assert known.get("u1", 2 * RENEW_SECONDS + 1) is None
    assert known.last("u1") is not None
    filled(known, "u1", at=500.0)
    assert (len(known), known.bytes) == (1, EMPTY)
    assert known.get("u1", 2 * RENEW_SECONDS + 1) is not None


def test_who_was_begun_before_the_tail_began_anew_is_not_believed() -> None:
    known = filled(Known(Timeline, 1 << 20), "u1")
    known.begin("u2", [], 1, 0.0)
    known.outdate()
    assert known.finish("u2", NONE) is None
    assert known.get("u1", 0.0) is None
    known.add(row("u1", 1))
    last = known.last("u1")
    assert last is not None
    assert last.joined.below(None, 10) == []


def test_a_user_is_forgotten_with_the_question_that_is_under_way() -> None:
    known = filled(Known(Timeline, 1 << 20), "u1")
    known.begin("u1", [], 1, 0.0)
    known.forget("u1")
    assert known.finish("u1", NONE) is None
    assert (len(known), known.bytes) == (0, 0)
