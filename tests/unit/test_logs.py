"""A test that sets up the logs of a process leaves those of the tests' own process as they were."""

import logging

import pytest
import structlog

from streams.runtime import log
from tests.support import logs


def test_what_a_process_sets_up_is_put_back() -> None:
    root = logging.getLogger()
    before = structlog.get_config(), root.handlers[:], root.level
    with logs.as_they_were():
        log.configure("ERROR")
        assert (structlog.get_config(), root.handlers, root.level) != before
        with structlog.testing.capture_logs() as logged:
            structlog.get_logger().info("below the level")
        assert logged == []
    assert (structlog.get_config(), root.handlers, root.level) == before
    with structlog.testing.capture_logs() as logged:
        structlog.get_logger().info("seen")
    assert logged == [{"event": "seen", "log_level": "info"}]


@pytest.mark.parametrize("level", ["ERROR", "WARNING"])
def test_so_the_next_test_finds_them_so(level: str) -> None:
    """Each leaves a level that the other one would not be captured at."""
    with structlog.testing.capture_logs() as logged:
        structlog.get_logger().info("seen")
    assert logged == [{"event": "seen", "log_level": "info"}]
    log.configure(level)
