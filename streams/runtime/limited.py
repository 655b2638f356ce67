"""Log events that a flood of bad input would repeat: a few a minute, and how many were left out."""

import time
from collections.abc import Callable
from typing import Any

import structlog

MOST = 20
SECONDS = 60.0


class Limited:
    """Logs an event as a warning, at most MOST times in SECONDS; the next one says how many were left out."""

    def __init__(
        self, logger: structlog.typing.FilteringBoundLogger, event: str, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._logger, self._event, self._now = logger, event, now
        self._began = now()
        self._logged = self._left_out = 0

    def __call__(self, **fields: Any) -> None:
        """Log the event, or count it as left out."""
        if (now := self._now()) - self._began >= SECONDS:
            self._began, self._logged = now, 0
        if self._logged == MOST:
            self._left_out += 1
            return
        self._logged += 1
        if self._left_out:
            fields["left_out"], self._left_out = self._left_out, 0
        self._logger.warning(self._event, **fields)
