"""Closes what a process forgot to close: all producers together, within one time-out.

Processes of multiprocessing end without the interpreter's exit handlers, but with multiprocessing's own.
"""

import atexit
import multiprocessing
import os
from contextlib import suppress
from multiprocessing import util
from typing import Protocol

from impression_streams import log

# How long the exit may wait for the brokers.
EXIT_SECONDS = 30.0
# How long it may wait for the host's log to take the last lines.
LOG_SECONDS = 1.0


class Closable(Protocol):
    """A producer."""

    def begin_close_at_exit(self, seconds: float) -> None:
        """Start to close."""

    def finish_close_at_exit(self) -> None:
        """Wait for the end, and log what is undelivered. Raises nothing."""


class Open:
    """The producers of this process that are not closed."""

    def __init__(self) -> None:
        # Lists: a signal handler may close one producer while another is added.
        self._producers: list[Closable] = []
        self._inherited: list[Closable] = []
        self._owner = 0

    def add(self, producer: Closable) -> None:
        """Close the producer at the process's exit."""
        if self._owner != os.getpid():
            # Those of the process that was forked: not ours to close, nor to destroy, as their threads were not copied.
            self._inherited += self._producers
            self._producers = []
            self._owner = os.getpid()
            if multiprocessing.parent_process() is not None:
                util.Finalize(None, self.close_all, exitpriority=0)
        self._producers.append(producer)

    def remove(self, producer: Closable) -> None:
        """Forget a producer that is closed."""
        with suppress(ValueError):  # two calls of close() may end here
            self._producers.remove(producer)

    def close_all(self) -> None:
        """Close them. Raises nothing."""
        if self._owner != os.getpid():
            return
        producers = list(self._producers)
        for producer in producers:
            producer.begin_close_at_exit(EXIT_SECONDS)
        for producer in producers:
            producer.finish_close_at_exit()
        log.drain(LOG_SECONDS)


OPEN = Open()
atexit.register(OPEN.close_all)
