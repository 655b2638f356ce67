"""How soon the supervisor restarts what has ended."""

from streams.embedded.supervisor import LONGEST_SECONDS, STEADY_SECONDS, Restarts


def waits(lives: list[float]) -> list[float]:
    """Return the wait after each of these lifetimes, on a clock that begins at 100."""
    restarts, now, found = Restarts(), 100.0, []
    for pid, lived in enumerate(lives, 1):
        gone = now
        while not restarts.due(now, pid, lived):
            now += 0.5
        restarts.tried()
        found.append(now - gone)
    return found


def test_what_ends_at_once_is_restarted_less_and_less_often() -> None:
    assert waits([0] * 7) == [1, 2, 4, 8, 16, 30, 30]


def test_what_has_run_for_a_minute_gets_the_first_wait_again() -> None:
    assert waits([0, 0, 0, STEADY_SECONDS, 0, STEADY_SECONDS - 1]) == [1, 2, 4, 1, 2, 4]


def test_what_can_not_even_be_started_waits_longer_each_time() -> None:
    """Its record is still that of an hour ago, but it has not been running for that hour."""
    restarts, now, found = Restarts(), 100.0, []
    for _ in range(7):
        gone = now
        while not restarts.due(now, 7, 3600 + now):
            now += 0.5
        restarts.tried()
        found.append(now - gone)
    assert found == [1, 2, 4, 8, 16, LONGEST_SECONDS, LONGEST_SECONDS]
