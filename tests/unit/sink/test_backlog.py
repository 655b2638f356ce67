"""Records that a sink has not read: markers of transactions have offsets too, and are no records."""

import pytest

from streams.sink.backlog import Backlog


def read(*offsets: int, start: int = 0) -> Backlog:
    backlog = Backlog(start)
    for offset in offsets:
        backlog.read(offset + 1)
    return backlog


def test_the_marker_after_the_last_record_is_no_lag() -> None:
    # Offset 1 ends the transaction of the record at 0, and so on.
    backlog = read(0, 2, 4)
    backlog.look(6, 0.0)
    assert backlog.unread() == 0, "one offset is left, and one of two was a record so far"
    backlog.reached(6)
    backlog.look(6, 1.0)
    assert (backlog.unread(), backlog.waited(9.0)) == (0, 0.0)


def test_of_the_offsets_that_are_not_read_as_many_count_as_were_records_so_far() -> None:
    backlog = read(0, 2, 4, 6)
    backlog.reached(8)
    backlog.look(108, 0.0)
    assert backlog.unread() == 50


def test_the_marker_of_the_record_read_last_is_expected_like_the_others() -> None:
    backlog = read(0, 2)
    backlog.look(3 + 1 + 2 * 12, 0.0)
    assert backlog.unread() == 12


@pytest.mark.parametrize("start", [0, 1_000])
def test_without_markers_every_offset_counts(start: int) -> None:
    backlog = read(start, start + 1, start + 2, start=start)
    backlog.look(start + 10, 0.0)
    assert backlog.unread() == 7


def test_before_anything_is_read_every_offset_counts() -> None:
    backlog = Backlog(5)
    backlog.look(9, 0.0)
    assert backlog.unread() == 4
    backlog.reached(9)
    assert backlog.unread() == 0


def test_what_is_not_read_waits_from_the_moment_it_is_seen_until_it_is_read() -> None:
    backlog = read(0)
    backlog.reached(2)
    backlog.look(2, 100.0)
    assert backlog.waited(200.0) == 0
    backlog.look(12, 105.0)
    backlog.look(-1, 110.0)  # the broker didn't answer
    backlog.look(20, 115.0)
    assert backlog.waited(120.0) == 15
    backlog.reached(20)
    backlog.look(20, 125.0)
    assert backlog.waited(130.0) == 0
    backlog.look(30, 140.0)
    assert backlog.waited(141.0) == 1, "another wait than before"


def test_reading_on_ends_a_wait_although_more_keeps_coming() -> None:
    backlog = Backlog()
    for offset in range(20):
        backlog.look(offset + 5, float(offset))
        backlog.read(offset + 1)
    backlog.look(30, 20.0)
    assert (backlog.unread(), backlog.waited(21.0)) == (10, 1.0)


def test_what_comes_after_an_unreadable_record_is_not_read() -> None:
    backlog = read(0, 1, 2, 3)
    backlog.back_to(1)
    backlog.look(4, 0.0)
    assert backlog.unread() == 3
