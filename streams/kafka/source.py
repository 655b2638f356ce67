"""Is `impressions.v1` still the log that the state follows? It may be deleted and made again under a running worker.

Offsets say nothing about that: the new log may be filled past the old position before anything is fetched again, and
fetches name a topic, not its id. So before a chunk is committed the broker is asked for the id, once the chunk is in
hand: a chunk of the new log can only have come after the new log was there, so the answer is then the new id, always.
"""

import threading
import time
from collections.abc import Callable

from streams import log
from streams.errors import BrokerAwayError, SourceChangedError, UserError
from streams.kafka.admin import describe
from streams.kafka.topics import IMPRESSIONS
from streams.settings import Settings

logger = log.get(__name__)

# How soon a new log is noticed by a worker to which nothing comes: it has no partitions after its topic was deleted.
WATCH_SECONDS = 2.0
RETRY_SECONDS = 0.5


class Source:
    """The source topic as it was when the worker started. Safe to share between threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._asked = time.monotonic()
        self.topic_id, self.partitions = describe(settings, IMPRESSIONS)
        self._lock = threading.Lock()

    def verify(self, since: float) -> None:
        """Return once the broker has confirmed the topic's id at some time after `since` (time.monotonic()).

        Waits while there is no broker or no topic. Raises SourceChangedError when it is another one.
        """
        with self._lock:
            while self._asked < since:
                self._ask()

    def watch(self, ended: Callable[[SourceChangedError], object]) -> None:
        """Look now and then from a thread of its own; call `ended` once the topic is another one."""
        threading.Thread(target=self._watch, args=(ended,), name="source", daemon=True).start()

    def _watch(self, ended: Callable[[SourceChangedError], object]) -> None:
        never = threading.Event()
        try:
            while not never.wait(WATCH_SECONDS):
                self.verify(time.monotonic())
        except SourceChangedError as error:
            ended(error)

    def _ask(self) -> None:
        asked = time.monotonic()
        try:
            found = describe(self._settings, IMPRESSIONS)
        except BrokerAwayError:
            time.sleep(RETRY_SECONDS)
        except UserError:
            logger.warning("source_missing", topic=IMPRESSIONS)
            time.sleep(RETRY_SECONDS)
        else:
            if found.topic_id != self.topic_id:
                raise SourceChangedError(f"{IMPRESSIONS} was made again: {self.topic_id} is now {found.topic_id}")
            self._asked = asked
