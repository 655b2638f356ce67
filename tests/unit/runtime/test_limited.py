"""A flood of one event is logged now and then, and says how much was left out."""

import pytest
import structlog

from streams.runtime.limited import MOST, SECONDS, Limited


def test_a_flood_is_logged_a_few_times_a_minute_and_counted() -> None:
    now = 0.0
    with structlog.testing.capture_logs() as logged:
        event = Limited(structlog.get_logger(), "refused", lambda: now)
        for n in range(MOST + 7):
            event(n=n)
        assert [each["n"] for each in logged] == list(range(MOST))
        now = SECONDS - 0.1
        event(n="too early")
        assert len(logged) == MOST
        now = SECONDS
        event(n="next")
        event(n="after it")
    assert logged[MOST] == {"event": "refused", "log_level": "warning", "n": "next", "left_out": 8}
    assert logged[MOST + 1] == {"event": "refused", "log_level": "warning", "n": "after it"}


@pytest.mark.parametrize("count", [1, MOST])
def test_a_few_are_all_logged(count: int) -> None:
    with structlog.testing.capture_logs() as logged:
        event = Limited(structlog.get_logger(), "refused")
        for _ in range(count):
            event()
    assert len(logged) == count
