"""Commits of the group's offsets, without waiting for the broker.

librdkafka's synchronous commit never returns if another process takes over this static member while it is in flight. So
commits are asynchronous, at most one at a time; what becomes due meanwhile is sent together after it. One that fails is
sent again, or a later one in its place. Nothing else depends on commits: the rows say where to start.
"""

import time
from collections.abc import Callable

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from streams.runtime import log
from streams.sink.partition import names_of

logger = log.get(__name__)

# The broker answers within milliseconds, and the client itself gives up a request after a minute. Without an answer for
# that long, the commit is taken as failed.
ANSWER_SECONDS = 90.0
# After a failure: a rebalance, which the broker doesn't accept commits in, takes seconds.
RETRY_SECONDS = 1.0
# What a poll for the answer may take, while nothing else is to be done.
POLL_SECONDS = 0.1

Key = tuple[str, int]


class Commits:
    """The commits of one consumer. Give `answered` to it as `on_commit`, and call `settle` after each poll."""

    def __init__(self, note: Callable[[KafkaError], None], confirmed: Callable[[list[TopicPartition]], None]) -> None:
        """`note` is called with each error; `confirmed` with each list of offsets that the broker has committed."""
        self._note = note
        self._confirmed = confirmed
        self._due: dict[Key, TopicPartition] = {}
        # The commit that is in flight, without what was given up since; when it was sent; the answers so far.
        self._sent: dict[Key, TopicPartition] | None = None
        self._since = 0.0
        self._not_before = 0.0
        self._answers: list[tuple[KafkaError | None, list[TopicPartition]]] = []

    @property
    def pending(self) -> bool:
        """Whether a commit is due, or in flight."""
        return bool(self._due) or self._sent is not None

    def want(self, consumer: Consumer, offsets: list[TopicPartition]) -> None:
        """Commit offsets as soon as no other commit is in flight."""
        self._due |= _by_key(offsets)
        self._send(consumer)

    def answered(self, error: KafkaError | None, offsets: list[TopicPartition]) -> None:
        """Take the broker's answer. Called by the consumer, within a call of it."""
        self._answers.append((error, offsets))

    def settle(self, consumer: Consumer) -> None:
        """Look at the answers that have come, and send what is due."""
        while self._answers:
            error, offsets = self._answers.pop(0)
            sent, self._sent = self._sent or {}, None
            self._settle(error, offsets, sent)
        if self._sent is not None and time.monotonic() - self._since > ANSWER_SECONDS:
            logger.warning("commit_unanswered", partitions=names_of(list(self._sent.values())), seconds=ANSWER_SECONDS)
            self._due, self._sent = self._sent | self._due, None
        self._send(consumer)

    def wait(self, consumer: Consumer, seconds: float) -> bool:
        """Poll until nothing is pending, for at most that long; return whether nothing is. Drops what it reads."""
        deadline = time.monotonic() + seconds
        while self.pending and time.monotonic() < deadline:
            consumer.consume(1, POLL_SECONDS)
            self.settle(consumer)
        return not self.pending

    def forget(self, gone: list[TopicPartition]) -> None:
        """Give up what is due for partitions that another sink has now: it commits what ClickHouse has."""
        for key in _by_key(gone):
            self._due.pop(key, None)
            if self._sent is not None:
                self._sent.pop(key, None)

    def _send(self, consumer: Consumer) -> None:
        if self._sent is not None or not self._due or time.monotonic() < self._not_before:
            return
        due, self._due = self._due, {}
        try:
            consumer.commit(offsets=list(due.values()), asynchronous=True)
        except KafkaException as error:
            self._settle(error.args[0], list(due.values()), due)
            return
        self._sent, self._since = due, time.monotonic()

    def _settle(self, error: KafkaError | None, offsets: list[TopicPartition], sent: dict[Key, TopicPartition]) -> None:
        failures = [error] if error is not None else [tp.error for tp in offsets if tp.error is not None]
        if not failures:
            self._confirmed(offsets)
            return
        for failure in failures:
            self._note(failure)
        logger.warning("commit_failed", partitions=names_of(offsets))
        self._due = sent | self._due
        self._not_before = time.monotonic() + RETRY_SECONDS


def _by_key(offsets: list[TopicPartition]) -> dict[Key, TopicPartition]:
    return {(tp.topic, tp.partition): tp for tp in offsets}
