"""From a finished line to its acknowledgement: hand it to librdkafka, retry it if it fails, report it once."""

import logging
import time
from collections import deque
from collections.abc import Callable
from threading import Lock

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from impression_streams import log
from impression_streams.delivery import Delivery
from impression_streams.outgoing import Outgoing

# Between two attempts: the broker has just refused, after librdkafka itself had waited and retried.
RETRY_SECONDS = 0.5
# How long an abandoned client may take to report what it held; this needs no network.
PURGE_SECONDS = 5.0
PURGE_STEP_SECONDS = 0.2
GIVEN_UP = "not acknowledged in time"
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


class Sender:
    """Sends records. Any thread may call `submit`; only one may call `step`, which makes all reports.

    `done` is called once for every record submitted, by the thread that calls `step`, without holding a lock.
    """

    def __init__(
        self,
        topic: str,
        connect: Callable[[Callable[[KafkaError], None]], Producer],
        done: Callable[[Outgoing, Delivery], None],
    ) -> None:
        self._topic = topic
        self._connect = connect
        self._done = done
        self._lock = Lock()
        self._ready: deque[Outgoing] = deque()
        self._later: deque[tuple[float, Outgoing]] = deque()
        self._refused: deque[tuple[Outgoing, KafkaError]] = deque()
        self._broken = False
        self._abandoned = False
        self._client = connect(self._on_error)
        self._outage = log.Trouble()
        self.retries = 0

    def submit(self, outgoing: Outgoing) -> None:
        """Send a record after those before it. Never blocks: records that librdkafka has no room for wait here."""
        with self._lock:
            self._ready.append(outgoing)
            self._pump()

    def abandon(self) -> None:
        """Give up: the next `step` reports every record that is not acknowledged by then as failed."""
        self._abandoned = True

    def step(self, seconds: float) -> None:
        """Serve delivery reports for up to `seconds`, then send the records that can now be sent."""
        before = self.retries
        self._serve(lambda: self._client.poll(seconds))
        if self._broken or self._abandoned:
            self._drop_client()
        while self._refused:
            self._failed(*self._refused.popleft())
        now = time.monotonic()
        if self.retries > before:
            self._outage.event(now, logging.WARNING, "flushes_retried", count=self.retries - before)
        with self._lock:
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
                self._refused.append((outgoing, error.args[0]))

    def _produce(self, outgoing: Outgoing) -> None:
        def report(error: KafkaError | None, message: Message) -> None:
            if error is None:
                self._acknowledged(outgoing, message)
            else:
                self._failed(outgoing, error)

        value = outgoing.value(len(self._ready) + len(self._later) + len(self._client))
        partition = -1 if outgoing.partition is None else outgoing.partition  # -1: the partitioner decides
        self._client.produce(self._topic, value, outgoing.key, partition, on_delivery=report)

    def _acknowledged(self, outgoing: Outgoing, message: Message) -> None:
        self._outage.over(time.monotonic(), "outage_over")
        partition, offset = message.partition(), message.offset()
        self._report(outgoing, -1 if partition is None else partition, -1 if offset is None else offset, None)

    def _failed(self, outgoing: Outgoing, error: KafkaError) -> None:
        now = time.monotonic()
        if self._abandoned or error.code() in PERMANENT or now >= outgoing.give_up_at:
            self._report(outgoing, -1, -1, GIVEN_UP if self._abandoned else error.str())
            return
        self.retries += 1
        with self._lock:
            self._later.append((now + RETRY_SECONDS, outgoing))

    def _report(self, outgoing: Outgoing, partition: int, offset: int, error: str | None) -> None:
        latency_ms = (time.monotonic() - outgoing.started) * 1000
        self._done(
            outgoing,
            Delivery(outgoing.flush_id, outgoing.user_id, outgoing.impressions, partition, offset, latency_ms, error),
        )

    def _drop_client(self) -> None:
        """Take back everything that the client holds; go on with a new one, unless the sender is abandoned.

        A fatal error of the idempotent producer (the broker does not know its sequence) ends a client for good:
        https://github.com/confluentinc/librdkafka/blob/master/INTRODUCTION.md#idempotent-producer-fatal-errors
        """
        with self._lock:
            old = self._client
            if self._abandoned:
                waiting = [*self._ready, *(outgoing for _, outgoing in self._later)]
                self._ready.clear()
                self._later.clear()
            else:
                waiting = []
                self._client = self._connect(self._on_error)
        if not self._abandoned:  # outside the lock: the host's log handler may itself record impressions
            self._outage.event(time.monotonic(), logging.WARNING, "client_replaced")
        old.purge()
        deadline = time.monotonic() + PURGE_SECONDS
        while len(old):
            if time.monotonic() > deadline:
                raise RuntimeError(f"librdkafka did not hand back {len(old)} records")
            self._serve(lambda: old.flush(PURGE_STEP_SECONDS))
        self._broken = False
        for outgoing in waiting:
            self._report(outgoing, -1, -1, GIVEN_UP)

    def _serve(self, call: Callable[[], object]) -> None:
        """Make a call that serves reports. The client's fatal error is raised here even though `error_cb` is set."""
        try:
            call()
        except KafkaException as error:
            if not error.args[0].fatal():
                raise
            code, detail = error.args[0].name(), error.args[0].str()
            self._outage.event(time.monotonic(), logging.ERROR, "client_failed", code=code, detail=detail)
            self._broken = True

    def _on_error(self, error: KafkaError) -> None:
        self._outage.event(time.monotonic(), logging.WARNING, "broker_error", code=error.name(), detail=error.str())
