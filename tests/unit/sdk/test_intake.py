"""What callers put reaches the producer's thread: in order, once, and never without a thread that wakes for it."""

from collections.abc import Callable
from threading import Thread

import pytest

from impression_streams import intake
from impression_streams.intake import Intake, Item

SECONDS = 30.0
# Far more than a test takes: a rest that ends by itself would fail its test.
FOREVER = 600.0


def impression(number: int) -> tuple[str, bytes]:
    return f"u{number}", b"{}"


def step() -> None:
    """Do nothing."""


def in_thread(work: Callable[[], None]) -> Thread:
    thread = Thread(target=work, daemon=True)
    thread.start()
    return thread


def ends(thread: Thread) -> bool:
    thread.join(SECONDS)
    return not thread.is_alive()


def test_an_impression_wakes_a_thread_that_sleeps() -> None:
    to, got = Intake(10), list[Item]()
    thread = in_thread(lambda: got.extend(to.get(None, 10)))
    while not to._asleep:
        pass
    assert to.offer(impression(1), 1, 1)
    assert ends(thread)
    assert got == [impression(1)]


def test_a_step_ends_a_rest_and_what_came_before_it_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "REST_SECONDS", FOREVER)
    to, got = Intake(10), list[Item]()
    to.offer(impression(1), 1, 1)
    assert list(to.get(None, 10)) == [impression(1)]
    thread = in_thread(lambda: got.extend(to.get(None, 10)))  # it rests
    to.offer(impression(2), 1, 1)
    assert to._wake.empty()
    to.put(step)
    assert ends(thread)
    assert got == [impression(2), step]


def test_after_a_rest_without_impressions_the_thread_sleeps_until_it_is_woken() -> None:
    to = Intake(10)
    to.offer(impression(1), 1, 1)
    assert list(to.get(None, 10)) == [impression(1)]
    assert list(to.get(0.0, 10)) == []
    got: list[Item] = []
    thread = in_thread(lambda: got.extend(to.get(None, 10)))
    while not to._asleep:
        pass
    to.offer(impression(2), 1, 1)
    assert ends(thread)
    assert got == [impression(2)]


def test_what_many_threads_put_arrives_once_and_in_each_ones_order() -> None:
    to, got = Intake(1_000_000), list[Item]()
    count, callers = 5_000, 4

    def put(first: int) -> None:
        for number in range(first, first + count):
            assert to.offer(impression(number), 1, 1)

    def take() -> None:
        while len(got) < count * callers:
            got.extend(to.get(None, 500))

    taker = in_thread(take)
    putters = [in_thread(lambda first=caller * count: put(first)) for caller in range(callers)]  # type: ignore[misc]
    assert all(map(ends, putters))
    assert ends(taker)
    users = [int(item[0][1:]) for item in got if isinstance(item, tuple)]
    assert sorted(users) == list(range(count * callers))
    for caller in range(callers):
        own = [user for user in users if user // count == caller]
        assert own == sorted(own)
