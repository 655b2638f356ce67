"""One transactional producer per source partition: a commit writes everything or nothing.

The `transactional.id` names the application and the source partition, so the partition's new owner fences the previous
one (KIP-98): the old owner's next commit fails, and its process ends.
"""

import time
from collections.abc import Callable, Iterable, Sequence

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from msgspec import Struct

from streams.errors import BrokerAwayError, FencedError, SourceChangedError
from streams.kafka.client import cluster
from streams.kafka.errors import LOGIN, MISSING, REPLACED, UNAUTHORISED, explaining, told
from streams.kafka.names import WORKER_GROUP
from streams.runtime import failpoints, log
from streams.runtime.backoff import Backoff
from streams.runtime.failpoints import Failpoint
from streams.settings import Settings

logger = log.get(__name__)

# How long one call waits for the broker before it is retried; a retry is only logged.
CALL_SECONDS = 10.0
# topics.yaml's largest limit: a rejected line may be long.
MAX_MESSAGE_BYTES = 32 * 1024 * 1024
# Errors that repeating a transaction can't pass. A topic that is missing, in contrast, may be about to be created.
HOPELESS = UNAUTHORISED | LOGIN

DeliveryReport = Callable[[KafkaError | None, Message], None]


class ProducerRecord(Struct, frozen=True, gc=False):
    """A record to produce."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, str | bytes | None]] | None = None


class PartitionProducer:
    """The transactions of one source partition. Blocking: call it from a thread."""

    def __init__(self, settings: Settings, partition: int) -> None:
        """Raises UserError if the login is incomplete."""
        self._partition = partition
        # Whether the current call's last try got no answer from the broker.
        self.waits = False
        self._patient = True
        self._producer = Producer(
            {
                **cluster(settings),
                "client.id": f"{WORKER_GROUP}-worker-{partition}",
                "transactional.id": _id(partition),
                "log_level": 3,  # we log retries ourselves
                # A killed worker leaves a transaction open. Until the broker or the next owner aborts it,
                # read_committed consumers of the partitions in it see nothing newer.
                "transaction.timeout.ms": int(settings.transaction_timeout_seconds * 1000),
                # A chunk is produced at once and flushed by its commit; the wait only lets batches fill.
                "linger.ms": 5,
                "compression.type": "lz4",
                "message.max.bytes": MAX_MESSAGE_BYTES,
                "queue.buffering.max.messages": 500_000,
            }
        )

    def fence(self, patient: bool = True) -> None:
        """Fence the partition's previous owner and abort its open transaction.

        Waits for the broker, or raises BrokerAwayError if it may not wait. Raises UserError if the broker refuses it.
        """
        self._patient = patient
        with explaining(*_begin(self._partition)):
            self._until_done("init_transactions", lambda: self._producer.init_transactions(CALL_SECONDS))

    def commit(
        self, records: Sequence[ProducerRecord], watch: Iterable[str] = (), patient: bool = True
    ) -> dict[str, int]:
        """Produce all records and commit. Return the offset of the last record in each topic of `watch`.

        Waits for as long as the broker is down, and starts over if the transaction had to be aborted; raises
        BrokerAwayError in place of both if it may not wait. Raises FencedError if another worker has the partition,
        UserError if the broker refuses the records, SourceChangedError if a topic is gone, KafkaException for a defect.
        """
        self._patient = patient
        backoff = Backoff()
        with explaining(*_write(self._partition, records)):
            while True:
                try:
                    return self._attempt(records, frozenset(watch))
                except KafkaException as error:
                    cause: KafkaError = error.args[0]
                    if not cause.txn_requires_abort() or cause.code() in HOPELESS or not patient:
                        raise
                    self._until_done("abort_transaction", lambda: self._producer.abort_transaction(CALL_SECONDS))
                    wait = backoff.fail(time.monotonic())
                    logger.warning("transaction_aborted", partition=self._partition, code=cause.name(), seconds=wait)
                    time.sleep(wait)

    def close(self) -> None:
        """Release the client; the next owner aborts its open transaction."""
        self._producer.purge()

    def _attempt(self, records: Sequence[ProducerRecord], watch: frozenset[str]) -> dict[str, int]:
        offsets: dict[str, int] = {}

        def delivered(error: KafkaError | None, message: Message) -> None:
            topic, offset = message.topic(), message.offset()
            if error is None and topic is not None and offset is not None:
                offsets[topic] = max(offset, offsets.get(topic, -1))

        self._guard(self._producer.begin_transaction)
        self._guard(lambda: self._produce_all(records, watch, delivered))
        failpoints.hit(Failpoint.WORKER_PRODUCED, before=lambda: self._producer.flush(CALL_SECONDS))
        failpoints.hit(Failpoint.WORKER_COMMIT_BEFORE)
        self._until_done("commit_transaction", lambda: self._producer.commit_transaction(CALL_SECONDS))
        failpoints.hit(Failpoint.WORKER_COMMIT_AFTER)
        return offsets

    def _produce_all(self, records: Sequence[ProducerRecord], watch: frozenset[str], report: DeliveryReport) -> None:
        # A partition's records keep their order, so the report of a topic's last record is enough.
        last = {record.topic: index for index, record in enumerate(records) if record.topic in watch}
        reported = set(last.values())
        produce = self._producer.produce
        for index, record in enumerate(records):
            topic, value, key, partition = record.topic, record.value, record.key, record.partition
            on_delivery = report if index in reported else None
            while True:
                try:
                    produce(topic, value, key, partition, on_delivery=on_delivery, headers=record.headers)
                    break
                except BufferError:
                    self._producer.poll(0.05)  # the queue is full: let deliveries make room
                except KafkaException as error:
                    raise self._refused(record, error) from None

    def _refused(self, record: ProducerRecord, error: KafkaException) -> Exception:
        """Return the error for a record that librdkafka refuses at once."""
        if error.args[0].code() not in MISSING:
            return error
        why = f"partition {record.partition} of {record.topic} is not there: {error.args[0].str()}"
        return SourceChangedError(why) if self._patient else BrokerAwayError(f"Now {why}.")

    def _until_done(self, name: str, call: Callable[[], object]) -> None:
        while True:
            try:
                self._guard(call)
                self.waits = False
                return
            except KafkaException as error:
                cause: KafkaError = error.args[0]
                if not cause.retriable() or cause.txn_requires_abort() or not self._patient:
                    raise
                if not self.waits:
                    logger.warning("transaction_waits", partition=self._partition, call=name, code=cause.name())
                self.waits = True

    def _guard(self, call: Callable[[], object]) -> None:
        """Call; raise FencedError for every error that means another worker has the partition."""
        try:
            call()
        except KafkaException as error:
            why = told(self._producer, error)
            if why.args[0].code() in REPLACED:
                raise FencedError(f"partition {self._partition} is held by another worker") from error
            raise why from None


def _id(partition: int) -> str:
    """Return the transactional.id of a partition's owner."""
    return f"{WORKER_GROUP}-{partition}"


def _begin(partition: int) -> tuple[str, str]:
    """Return what Kafka is asked by a fence, and the right that it takes."""
    asked = f"begin transactions for partition {partition}"
    return asked, f"Describe and Write on the transactional id {_id(partition)}"


def _write(partition: int, records: Sequence[ProducerRecord]) -> tuple[str, str]:
    """Return what Kafka is asked by a commit, and the rights that it takes. Which one is missing, it doesn't say."""
    topics = ", ".join(sorted({record.topic for record in records}))
    return (
        f"commit what partition {partition} led to",
        f"Write on all of the topics {topics}, and on the id {_id(partition)}",
    )
