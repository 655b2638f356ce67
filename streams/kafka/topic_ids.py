"""Checks whether the topics that a process reads are still the same logs: they may be re-created while it runs.

Offsets don't show that: the new log may already be longer than the old position at the next fetch, and fetches name a
topic, not its id. So between receiving records and committing what they led to, ask the broker for the ids: records of
a new log can only arrive once that log exists, so the answer is then always the new id.

That holds for one broker. In a cluster, librdkafka asks the broker that calls itself the controller, and with KRaft any
broker names any other one: it may have heard of the new log a moment later than the leader that sent the records. The
client lets nobody choose whom to ask. What is left is small: a new log must have grown past the old position, and its
records must have been fetched and decided, before one broker has followed the others' metadata, which takes
milliseconds in a healthy cluster. `watch` notices the new id within seconds in any case, and the process ends.
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
# A broker that is up answers in milliseconds. One that takes longer than this counts as away while we still wait.
ANSWER_SECONDS = 5.0


class Sources:
    """Topics as they were when the process started. Safe to share between threads."""

    def __init__(self, settings: Settings, topics: Sequence[str]) -> None:
        """Raises BrokerAwayError if no broker answers, UserError if a topic is missing or we may not see it."""
        self._settings = settings
        self._asked = time.monotonic()
        self.topics: dict[str, TopicInfo] = describe_all(settings, topics)
        self._lock = threading.Lock()
        # When the question was put that has no answer yet, and the first one that got none.
        self._asking: float | None = None
        self._silent_since: float | None = None
        # What the log said last: an event, or nothing.
        self._said = ""

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

    def away_seconds(self) -> float:
        """Return for how long no broker has answered (s); 0 while one answers."""
        now, silent, asking = time.monotonic(), self._silent_since, self._asking
        if silent is not None:
            return now - silent
        return now - asking if asking is not None and now - asking > ANSWER_SECONDS else 0.0

    def why_not_ready(self) -> str | None:
        """Say that no broker has answered for longer than the session timeout; None if that isn't so."""
        away = self.away_seconds()
        # By then the brokers may have given this process's partitions to others.
        return (
            f"No Kafka broker has answered for {away:.0f} s." if away > self._settings.session_timeout_seconds else None
        )

    def watch(self, ended: Callable[[BaseException], object]) -> None:
        """Check regularly in a thread of its own; call `ended` once a topic was re-created."""
        threading.Thread(target=self._watch, args=(ended,), name="sources", daemon=True).start()

    def _watch(self, ended: Callable[[BaseException], object]) -> None:
        never = threading.Event()
        try:
            while not never.wait(WATCH_SECONDS):
                self.check(time.monotonic())
        except BaseException as error:
            ended(error)

    def _ask(self) -> bool:
        self._asking = asked = time.monotonic()
        try:
            found = describe_all(self._settings, list(self.topics))
        except BrokerAwayError as error:
            self._silent_since = self._silent_since or asked
            self._say("broker_away", error)
            return False
        except UserError as error:
            self._silent_since = None
            self._say("source_missing", error)
            return False
        finally:
            self._asking = None
        self._silent_since = None
        self._say("", None)
        for topic, known in self.topics.items():
            if found[topic].topic_id != known.topic_id:
                raise SourceChangedError(
                    f"{topic} was re-created: its id was {known.topic_id} and is now {found[topic].topic_id}"
                )
        self._asked = asked
        return True

    def _say(self, event: str, error: UserError | None) -> None:
        """Log a change, and only a change: the question is repeated until it is answered."""
        if event == self._said:
            return
        self._said = event
        if error is not None:
            logger.warning(event, why=str(error))
        else:
            logger.info("broker_back")
