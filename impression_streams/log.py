"""The SDK's log, on the standard logger `impression_streams`: it writes nothing unless the host configures it.

A line is an event in snake_case and its fields, `broker_error code=_TRANSPORT detail='...'`: ids, codes and counts,
never payloads. The fields are also the record's attribute `fields`, for hosts that write JSON.
"""

import logging
from collections.abc import Callable

LOGGER = logging.getLogger("impression_streams")
# Without a handler of its own, Python would write warnings to the stderr of a host that configured no logging.
LOGGER.addHandler(logging.NullHandler())

# Between two lines about the same trouble: a broker that is down for a night must not fill the host's disk.
SECONDS_BETWEEN_LINES = 60.0


def write(level: int, event: str, error: BaseException | None = None, /, **fields: object) -> None:
    """Log an event, with the traceback of `error`. A handler that raises loses this line, and nothing else."""
    line = " ".join([event, *(f"{name}={value!r}" for name, value in fields.items())])
    _guarded(lambda: LOGGER.log(level, line, exc_info=error, extra={"event": event, "fields": fields}))


class LibrdkafkaLog:
    """Receives librdkafka's own lines, which would go to stderr. It never raises: that would end the serving call."""

    def log(self, level: int, text: str, *arguments: object) -> None:
        """Pass a line on."""
        _guarded(lambda: LOGGER.log(level, text, *arguments))


def _guarded(call: Callable[[], None]) -> None:
    try:
        call()
    except Exception:  # a fault of the host's handlers must not stop delivery
        return


class Trouble:
    """Logs one kind of trouble: the first event at once, then at most one line a minute, then the end of it.

    A line counts the events that were not logged since the line before it (`suppressed`). There is no clock in here:
    `now` is monotonic (s). There is no lock either: only one thread calls.
    """

    def __init__(self) -> None:
        self._open = False  # the trouble was logged, its end was not
        self._since = 0.0
        self._next_line = float("-inf")
        self._suppressed = 0

    def event(
        self, now: float, level: int, event: str, error: BaseException | None = None, /, **fields: object
    ) -> None:
        """Log an event, or count it."""
        if now < self._next_line:
            self._suppressed += 1
            return
        if not self._open:
            self._open, self._since = True, now
        self._next_line = now + SECONDS_BETWEEN_LINES
        write(level, event, error, **fields, **self._take_suppressed())

    def over(self, now: float, event: str) -> None:
        """Log the end of a trouble that was logged: a warning like that line, so whoever saw one sees the other."""
        if self._open:
            self._open = False
            write(logging.WARNING, event, seconds=round(now - self._since, 1), **self._take_suppressed())

    def _take_suppressed(self) -> dict[str, int]:
        suppressed, self._suppressed = self._suppressed, 0
        return {"suppressed": suppressed} if suppressed else {}
