"""Notices that a process stands still although it has work, says so, and ends it if that lasts.

In a thread and with clients of its own: an event loop that is stuck, or a sink's only thread, can't be asked. Ending is
safe at any moment, and whoever started the process starts it again.
"""

import faulthandler
import threading
import time
from collections.abc import Callable

from prometheus_client import Gauge

from streams.errors import StalledError
from streams.runtime import log
from streams.runtime.exit import end_process
from streams.runtime.health import Health
from streams.runtime.stall import Key, Lag, Stalls, Work

logger = log.get(__name__)

# Looks within the time that makes a stall: it is noticed a quarter late at the most.
LOOKS = 4
# A broker or a ClickHouse that is there answers in milliseconds; one that doesn't in this time is away.
ANSWER_SECONDS = 5.0
# A stall is shown for once its time before the process ends, so that a scrape or two see it.
ENDING_TIMES = 2.0
# If the watchdog itself comes to nothing (the interpreter is stuck in some library, a log that nobody drains): a look
# takes a few answers at the most, and the process would have ended by twice the time.
HANG_SECONDS = 60.0
HANG_TIMES = 4.0


class Watchdog:
    """Watches what a process has in hand. `gauge` counts the partitions that are stalled."""

    def __init__(
        self, seconds: float, watched: Callable[[], list[Work]], lag: Lag, gauge: Gauge, health: Health
    ) -> None:
        self._seconds = seconds
        self._interval = seconds / LOOKS
        self._watched, self._lag = watched, lag
        self._gauge, self._health = gauge, health
        self._stalls = Stalls(seconds, 2 * self._interval)
        self._shown: list[Key] = []

    def start(self) -> None:
        """Watch from now on, until the process ends."""
        threading.Thread(target=self._run, name="watchdog", daemon=True).start()

    def look(self, now: float) -> None:
        """Take one look, and say what has changed. Raises StalledError when the process is to end."""
        self._stalls.look(now, self._watched(), self._lag)
        stalled = self._stalls.stalled()
        names = [f"{topic}-{partition}" for topic, partition in stalled]
        self._health.why = self._sentence(names) if stalled else None
        self._gauge.set(len(stalled))
        if stalled != self._shown:
            if stalled:
                logger.error("stalled", partitions=names, seconds=self._seconds)
            else:
                logger.info("stall_over")
            self._shown = stalled
        if self._stalls.stalled(ENDING_TIMES):
            raise StalledError(self._sentence(names))

    def _sentence(self, names: list[str]) -> str:
        return f"There are records to process in {', '.join(names)}, and nothing moved for {self._seconds:g} s."

    def _run(self) -> None:
        pause = threading.Event()
        try:
            while True:
                # A thread without Python, which ends the process with 1 unless it is told again in time.
                faulthandler.dump_traceback_later(HANG_SECONDS + HANG_TIMES * self._seconds, exit=True)
                self.look(time.monotonic())
                pause.wait(self._interval)
        except StalledError as error:
            faulthandler.dump_traceback()  # what each thread hangs in
            end_process(error)
        except BaseException as error:
            end_process(error)
