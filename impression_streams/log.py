"""The SDK's log, on the standard logger `impression_streams`: it writes nothing unless the host configures it.

A line is an event in snake_case and its fields, `broker_error code=_TRANSPORT detail='...'`: ids, codes and counts,
never payloads. The fields are also the record's attribute `fields`, for hosts that write JSON.

A host's log may raise, or may hang: a pipe that nobody reads, a lock that an interrupted thread holds. Nothing is
delivered by a thread that waits for it, so lines from a producer's own threads are written by a thread for that.
"""

import logging
import os
from collections.abc import Callable
from typing import Any

from impression_streams import native

LOGGER = logging.getLogger("impression_streams")
# Without a handler of its own, Python would write warnings to the stderr of a host that configured no logging.
LOGGER.addHandler(logging.NullHandler())

# Between two lines about the same trouble: a broker that is down for a night must not fill the host's disk.
SECONDS_BETWEEN_LINES = 60.0
# So many lines wait for a log that hangs; those after them are counted.
MAX_WAITING = 1000


class Background:
    """Writes lines in a thread that starts with the first one, and starts anew in a process that was forked."""

    def __init__(self) -> None:
        self.threads: set[int] = set()  # whose lines are written here
        self._pid = 0
        self._left_out = 0
        self._waiting: Any = None

    def put(self, line: Callable[[], None]) -> None:
        """Write a line soon, unless too many wait."""
        if self._pid != os.getpid():
            self._pid, self._waiting = os.getpid(), native.simple_queue()
            native.start(self._run, "impression-producer-log")
        if self._waiting.qsize() >= MAX_WAITING:
            self._left_out += 1
            return
        if self._left_out:
            left_out, self._left_out = self._left_out, 0
            self._waiting.put(lambda: LOGGER.warning("lines_left_out count=%d", left_out))
        self._waiting.put(line)

    def drain(self, seconds: float) -> None:
        """Wait until all is written that was put so far, at most so long."""
        if self._pid == os.getpid() and native.thread_id() not in self.threads:
            latch = native.Latch()
            self._waiting.put(latch.open)
            latch.wait(seconds)

    def _run(self) -> None:
        waiting = self._waiting
        while True:
            try:
                waiting.get()()
            except BaseException:  # a fault of the host's handlers loses its line and no other
                continue


_background = Background()


def from_background() -> None:
    """Let lines of the calling thread be written in the background."""
    _background.threads.add(native.thread_id())


def from_foreground() -> None:
    """Let lines be written where they arise again: the thread is about to end, and another may get its id."""
    _background.threads.discard(native.thread_id())


def drain(seconds: float) -> None:
    """Wait until the lines so far are written, at most so long: a log that hangs must not hold up the caller."""
    _background.drain(seconds)


def write(level: int, event: str, error: BaseException | None = None, /, **fields: object) -> None:
    """Log an event, with the traceback of `error`. A handler that raises loses this line, and nothing else."""
    line = " ".join([event, *(f"{name}={value!r}" for name, value in fields.items())])
    _write(lambda: LOGGER.log(level, line, exc_info=error, extra={"event": event, "fields": fields}))


class LibrdkafkaLog:
    """Receives librdkafka's own lines, which would go to stderr. It never raises: that would end the serving call."""

    def log(self, level: int, text: str, *arguments: object) -> None:
        """Pass a line on."""
        _write(lambda: LOGGER.log(level, text, *arguments))


def _write(call: Callable[[], None]) -> None:
    if native.thread_id() in _background.threads:
        _background.put(call)
    else:
        _guarded(call)


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
