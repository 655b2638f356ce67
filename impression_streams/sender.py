"""From a finished line to its acknowledgement: hand it to librdkafka, retry it if it fails, report it once."""

import logging
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from impression_streams import log, native
from impression_streams.delivery import Delivery
from impression_streams.outgoing import Outgoing
from impression_streams.sending import GIVEN_UP, Done, Post

# Between two attempts: the broker has just refused, after librdkafka itself had waited and retried.
RETRY_SECONDS = 0.5
# How long one call waits for librdkafka's reports: once the producer is closed, its second thread ends within this.
POLL_SECONDS = 0.1
# How long an abandoned client may take to report what it held; this needs no network.
PURGE_SECONDS = 5.0
PURGE_STEP_SECONDS = 0.2
# librdkafka asks about a topic that it believes missing only every five minutes, so the producer asks so often.
LOOK_SECONDS = 0.5
ANSWER_SECONDS = 1.0
# Errors that a retry can't fix; any other may be over in a moment.
PERMANENT = {
    KafkaError.MSG_SIZE_TOO_LARGE,
    KafkaError.RECORD_LIST_TOO_LARGE,
    KafkaError.INVALID_MSG,
    KafkaError.INVALID_RECORD,
    KafkaError.INVALID_TIMESTAMP,
    KafkaError.TOPIC_EXCEPTION,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError._UNKNOWN_PARTITION,
}
TIMED_OUT = {KafkaError._MSG_TIMED_OUT, KafkaError._TIMED_OUT}
MISSING = {KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC}


class KafkaSender:
    """Sends records. One thread, the owner's, calls everything; another serves librdkafka and has its reports posted.

    `post` hands a step to the owner's thread. `done` is called once for every record submitted.
    """

    def __init__(
        self,
        topic: str,
        connect: Callable[[Callable[[KafkaError], None]], Producer],
        post: Post,
        done: Done,
    ) -> None:
        self.retries = 0
        self.topic_is_missing = False  # as the last attempts have shown
        self.looks = 0  # so often in a row the brokers have said so since
        self.threads: set[int] = set()
        self._topic = topic
        self._connect = connect
        self._post = post
        self._done = done
        self._ready: deque[Outgoing] = deque()
        self._later: deque[tuple[float, Outgoing]] = deque()
        self._broken = False
        self._abandoned = False
        self._stopped = False
        self._any_stored = False
        self._trouble = ""  # why nothing is acknowledged at present, as far as known
        self._outage, self._missing = log.Trouble(), log.Trouble()
        self._logged_retries = 0
        self.client = connect(self._on_error)

    def start(self) -> None:
        """Start to serve librdkafka."""
        native.start(self._poll, "impression-producer-poll")

    def stop(self) -> None:
        """Stop serving librdkafka."""
        self._stopped = True

    def submit(self, outgoing: Outgoing) -> None:
        """Send a record after those before it. Never blocks: records that librdkafka has no room for wait here."""
        self._ready.append(outgoing)
        self._pump()

    def abandon(self) -> None:
        """Give up: report every record that is not acknowledged by now as failed."""
        self._abandoned = True
        self._drop_client()

    def next_retry(self) -> float | None:
        """Return when `tick` has something to do (monotonic, s)."""
        return self._later[0][0] if self._later else None

    def tick(self, now: float) -> None:
        """Send the records that can now be sent."""
        if self._broken:
            self._drop_client()
        if self.retries > self._logged_retries:
            self._outage.event(now, logging.WARNING, "flushes_retried", count=self.retries - self._logged_retries)
            self._logged_retries = self.retries
        while self._later and self._later[0][0] <= now:
            self._ready.append(self._later.popleft()[1])
        self._pump()

    def _pump(self) -> None:
        while self._ready:
            outgoing = self._ready.popleft()
            outgoing.attempts += 1
            try:
                self._produce(outgoing)
            except BufferError:  # full; delivery reports make room
                outgoing.attempts -= 1
                self._ready.appendleft(outgoing)
                return
            except KafkaException as error:
                self._broken = self._broken or error.args[0].code() == KafkaError._FATAL
                # As a step of its own, after the caller has finished this one.
                self._post(partial(self._settle, outgoing, error.args[0], -1, -1, time.monotonic()))

    def _produce(self, outgoing: Outgoing) -> None:
        def report(error: KafkaError | None, message: Message) -> None:
            partition, offset = message.partition(), message.offset()
            place = (-1 if partition is None else partition, -1 if offset is None else offset)
            self._post(partial(self._settle, outgoing, error, *place, time.monotonic()))

        value = outgoing.value(len(self._ready) + len(self._later) + len(self.client))
        partition = -1 if outgoing.partition is None else outgoing.partition  # -1: the partitioner decides
        self.client.produce(self._topic, value, outgoing.key, partition, on_delivery=report)

    def _settle(self, outgoing: Outgoing, error: KafkaError | None, partition: int, offset: int, now: float) -> None:
        if error is None:
            self._trouble, self.topic_is_missing, self.looks, self._any_stored = "", False, 0, True
            self._outage.over(now, "outage_over")
            self._missing.over(now, "topic_found")
            self._report(outgoing, partition, offset, None, now)
        else:
            self._failed(outgoing, error, now)

    def _failed(self, outgoing: Outgoing, error: KafkaError, now: float) -> None:
        if error.code() in MISSING:
            self.topic_is_missing, self._trouble = True, missing(self._topic)
            self._missing.event(now, logging.ERROR, "topic_missing", topic=self._topic)
        # A caller that waits for its first record hears it at once; a topic that was there before may come back.
        is_misnamed = error.code() in MISSING and outgoing.done is not None and not self._any_stored
        if self._abandoned:
            self._give_up(outgoing)
        elif error.code() in PERMANENT or is_misnamed or now >= outgoing.give_up_at:
            self._report(outgoing, -1, -1, self._reason(error), now)
        else:
            self.retries += 1
            self._later.append((now + RETRY_SECONDS, outgoing))

    def _reason(self, error: KafkaError) -> str:
        if error.code() in MISSING:
            return missing(self._topic)
        # A record that only timed out doesn't know why.
        return f"{error.str()}: {self._trouble}" if error.code() in TIMED_OUT and self._trouble else error.str()

    def _give_up(self, outgoing: Outgoing) -> None:
        reason = f"{GIVEN_UP}: {self._trouble}" if self._trouble else GIVEN_UP
        self._report(outgoing, -1, -1, reason, time.monotonic())

    def _report(self, outgoing: Outgoing, partition: int, offset: int, error: str | None, now: float) -> None:
        latency_ms = (now - outgoing.started) * 1000
        self._done(
            outgoing,
            Delivery(outgoing.flush_id, outgoing.user_id, outgoing.impressions, partition, offset, latency_ms, error),
        )

    def _drop_client(self) -> None:
        """Take back everything that the client holds; go on with a new one, unless the sender is abandoned.

        A fatal error of the idempotent producer (the broker does not know its sequence) ends a client for good:
        https://github.com/confluentinc/librdkafka/blob/master/INTRODUCTION.md#idempotent-producer-fatal-errors
        """
        old, self._broken = self.client, False
        if not self._abandoned:
            self.client = self._connect(self._on_error)
            self._outage.event(time.monotonic(), logging.WARNING, "client_replaced")
        old.purge()
        deadline = time.monotonic() + PURGE_SECONDS
        while len(old):  # its reports are posted meanwhile
            if time.monotonic() > deadline:
                raise RuntimeError(f"librdkafka did not hand back {len(old)} records")
            with suppress(KafkaException):  # the fatal error of a client that is dropped for it
                old.flush(PURGE_STEP_SECONDS)
        if self._abandoned:
            waiting = [*self._ready, *(outgoing for _, outgoing in self._later)]
            self._ready.clear()
            self._later.clear()
            for outgoing in waiting:
                self._give_up(outgoing)

    def _poll(self) -> None:
        """Serve the client until stopped. Its fatal error is raised here even though `error_cb` is set."""
        log.from_background()
        self.threads.add(native.thread_id())
        next_look = 0.0
        while not self._stopped:
            client = self.client
            try:
                client.poll(POLL_SECONDS)
            except KafkaException as error:
                self._post(partial(self._client_failed, client, error.args[0]))
                native.sleep(POLL_SECONDS)
            if self.topic_is_missing and time.monotonic() >= next_look:
                with suppress(KafkaException):  # no answer: the records' own reports tell
                    found = client.list_topics(self._topic, timeout=ANSWER_SECONDS).topics[self._topic]
                    self._post(partial(self._looked, found.error))
                next_look = time.monotonic() + LOOK_SECONDS
        self.threads.discard(native.thread_id())  # another thread may get the id
        log.from_foreground()

    def _looked(self, error: KafkaError | None) -> None:
        self.looks = self.looks + 1 if error is not None and error.code() in MISSING else 0

    def _client_failed(self, client: Producer, error: KafkaError) -> None:
        if client is not self.client or self._abandoned:
            return
        if not error.fatal():
            raise KafkaException(error)
        detail = error.str()
        self._outage.event(time.monotonic(), logging.ERROR, "client_failed", code=error.name(), detail=detail)
        self._broken = True

    def _on_error(self, error: KafkaError) -> None:
        """Take an error from the thread that serves the client."""
        self._post(partial(self._broker_error, error))

    def _broker_error(self, error: KafkaError) -> None:
        if error.code() != KafkaError._ALL_BROKERS_DOWN or not self._trouble:  # other errors say more
            self._trouble = error.str()
        self._outage.event(time.monotonic(), logging.WARNING, "broker_error", code=error.name(), detail=error.str())


def missing(topic: str) -> str:
    """Return the sentence about a topic that no broker knows."""
    return f"the topic {topic} does not exist: create it (`impressions provision` does), or pass its name as `topic`"
