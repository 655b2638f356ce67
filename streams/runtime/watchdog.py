"""Notices when a process hangs although it has work, reports it, and ends the process if that lasts.

Runs in its own thread with its own clients, since an event loop or a sink's only thread can't be asked while it hangs.
Ending is safe at any moment, and whatever started the process starts it again.
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

# Looks per stall time: a stall is noticed at most a quarter of that time late.
LOOKS = 4
# A running broker or ClickHouse answers in milliseconds; one that takes longer than this is unreachable.
ANSWER_SECONDS = 5.0
# The process ends after twice the stall time, so a scrape or two see the stall first.
ENDING_TIMES = 2.0
# If the watchdog itself hangs (the interpreter is stuck in some library, or nobody drains the log): a look takes a few
# answers at most, and the process would have ended after twice the stall time.
HANG_SECONDS = 60.0
HANG_TIMES = 4.0


class Watchdog:
    """Watches the partitions that a process holds. `gauge` counts the stalled ones."""

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
        """Watch until the process ends."""
        threading.Thread(target=self._run, name="watchdog", daemon=True).start()

    def look(self, now: float) -> None:
        """Take one look and report what has changed. Raises StalledError if the process must end."""
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
                # A thread outside the interpreter: exits the process with 1 unless this call is repeated in time.
                faulthandler.dump_traceback_later(HANG_SECONDS + HANG_TIMES * self._seconds, exit=True)
                self.look(time.monotonic())
                pause.wait(self._interval)
        except StalledError as error:
            faulthandler.dump_traceback()  # where each thread hangs
            end_process(error)
        except BaseException as error:
            end_process(error)
