"""Checks whether the topics that a process reads are still the same logs: they may be re-created while it runs.

Offsets don't show that: the new log may already be longer than the old position at the next fetch, and fetches name a
topic, not its id. So between receiving records and committing what they led to, ask the broker for the ids: records of
a new log can only arrive once that log exists, so the answer is then always the new id.
"""

import threading
import time
from collections.abc import Callable, Sequence

from streams.errors import BrokerAwayError, SourceChangedError, UserError
from streams.kafka.admin import TopicInfo, describe_all
from streams.runtime import log
from streams.settings import Settings

logger = log.get(__name__)

# How soon a process that receives nothing notices a new log: it may have lost its partitions together with the topic.
WATCH_SECONDS = 2.0
RETRY_SECONDS = 0.5


class Sources:
    """Topics as they were when the process started. Safe to share between threads."""

    def __init__(self, settings: Settings, topics: Sequence[str]) -> None:
        """Raises UserError if no broker answers, or one of the topics is missing."""
        self._settings = settings
        self._asked = time.monotonic()
        self.topics: dict[str, TopicInfo] = describe_all(settings, topics)
        self._lock = threading.Lock()

    def check(self, since: float) -> bool:
        """Say whether the broker confirms all ids, now or earlier but after `since` (time.monotonic()).

        False while no broker answers or a topic is missing. Raises SourceChangedError if a topic has another id.
        """
        with self._lock:
            return self._asked >= since or self._ask()

    def verify(self, since: float) -> None:
        """Wait until the broker confirms all ids. Raises SourceChangedError."""
        while not self.check(since):
            time.sleep(RETRY_SECONDS)

    def watch(self, ended: Callable[[SourceChangedError], object]) -> None:
        """Check regularly in a thread of its own; call `ended` once a topic was re-created."""
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
                    f"{topic} was re-created: its id was {known.topic_id} and is now {found[topic].topic_id}"
                )
        self._asked = asked
        return True
