"""Are the topics that a process reads still the logs that it knows? They may be deleted and made again under it.

Offsets say nothing about that: the new log may be filled past the old position before anything is fetched again, and
fetches name a topic, not its id. So before what was read is committed the broker is asked for the ids, once it is in
hand: records of a new log can only have come after the new log was there, so the answer then has the new id, always.
"""

import threading
import time
from collections.abc import Callable, Sequence

from streams.errors import BrokerAwayError, SourceChangedError, UserError
from streams.kafka.admin import TopicInfo, describe_all
from streams.runtime import log
from streams.settings import Settings

logger = log.get(__name__)

# How soon a new log is noticed by a process to which nothing comes: it may have lost its partitions with the topic.
WATCH_SECONDS = 2.0
RETRY_SECONDS = 0.5


class Sources:
    """Topics as they were when the process started. Safe to share between threads."""

    def __init__(self, settings: Settings, topics: Sequence[str]) -> None:
        """Raises UserError when there is no broker, or one of the topics is missing."""
        self._settings = settings
        self._asked = time.monotonic()
        self.topics: dict[str, TopicInfo] = describe_all(settings, topics)
        self._lock = threading.Lock()

    def check(self, since: float) -> bool:
        """Say whether the broker confirms all ids, or has done so after `since` (time.monotonic()).

        False while there is no broker, or one of the topics is missing. Raises SourceChangedError when it is another.
        """
        with self._lock:
            return self._asked >= since or self._ask()

    def verify(self, since: float) -> None:
        """Return once the broker confirms all ids. Raises SourceChangedError."""
        while not self.check(since):
            time.sleep(RETRY_SECONDS)

    def watch(self, ended: Callable[[SourceChangedError], object]) -> None:
        """Look now and then from a thread of its own; call `ended` once a topic is another one."""
        threading.Thread(target=self._watch, args=(ended,), name="sources", daemon=True).start()

    def _watch(self, ended: Callable[[SourceChangedError], object]) -> None:
        never = threading.Event()
        try:
            while not never.wait(WATCH_SECONDS):
                self.check(time.monotonic())
        except SourceChangedError as error:
            ended(error)

    def _ask(self) -> bool:
        asked = time.monotonic()
        try:
            found = describe_all(self._settings, list(self.topics))
        except BrokerAwayError as error:
            logger.warning("broker_away", why=str(error))
            return False
        except UserError as error:
            logger.warning("source_missing", why=str(error))
            return False
        for topic, known in self.topics.items():
            if found[topic].topic_id != known.topic_id:
                raise SourceChangedError(
                    f"{topic} was made again: its id was {known.topic_id} and is {found[topic].topic_id}"
                )
        self._asked = asked
        return True
