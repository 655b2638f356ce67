"""Writes records to `artworks.v1`, in transactions, as the only load at a time.

All loads share one transactional id. A load that begins fences the one before it (KIP-98): that one's open transaction
is aborted, and its next commit fails. So what a load reads of the log after its fence is all that earlier loads will
ever have written. A load that is killed leaves at most one open transaction, which the next load, or the broker after
OPEN_SECONDS, aborts.
"""

import time
from collections.abc import Callable, Sequence

from confluent_kafka import KafkaError, KafkaException, Producer

from streams.errors import BrokerAwayError, FencedError
from streams.kafka.client import cluster
from streams.kafka.errors import REPLACED, explaining, told
from streams.kafka.names import ARTWORKS
from streams.model.artwork import MAX_RECORD_BYTES
from streams.settings import Settings

TRANSACTIONAL_ID = "impressions-catalogue-load"
OPEN_SECONDS = 30.0
# One call, and all tries of one together.
CALL_SECONDS = 10.0
PATIENCE_SECONDS = 90.0
# How often a transaction is begun again after the broker had to abort it.
ATTEMPTS = 5
RIGHTS = f"Write on the topic {ARTWORKS}, and Describe and Write on the transactional id {TRANSACTIONAL_ID}"
ASKED = f"write to {ARTWORKS}"

Pair = tuple[str, bytes]  # a record's key and value


class Writer:
    """The transactions of a load. Raises UserError if the login is incomplete."""

    def __init__(self, settings: Settings) -> None:
        self._producer = Producer(
            {
                **cluster(settings),
                "transactional.id": TRANSACTIONAL_ID,
                "transaction.timeout.ms": int(OPEN_SECONDS * 1000),
                "log_level": 0,  # errors are raised
                "compression.type": "lz4",
                "linger.ms": 5,
                # The topic's limit. It is for compressed batches, so none that is made here is refused.
                "message.max.bytes": MAX_RECORD_BYTES,
            }
        )
        self._open = False

    def fence(self) -> None:
        """End every other load. Raises BrokerAwayError if no broker answers, UserError if it refuses."""
        with explaining(ASKED, RIGHTS):
            self._patiently(lambda: self._producer.init_transactions(CALL_SECONDS))

    def write(self, records: Sequence[Pair]) -> None:
        """Write all of these records, or none; they fit into a client's queue.

        Raises FencedError if another load has begun, BrokerAwayError if no broker answers for PATIENCE_SECONDS (whether
        they were written is then unknown), UserError if the brokers refuse them.
        """
        with explaining(ASKED, RIGHTS):
            for left in reversed(range(ATTEMPTS)):
                try:
                    self._attempt(records)
                    return
                except KafkaException as error:
                    if not left or not error.args[0].txn_requires_abort():
                        raise
                    self.abort()

    def abort(self) -> None:
        """Abort the open transaction, if there is one."""
        if not self._open:
            return
        try:
            self._patiently(lambda: self._producer.abort_transaction(CALL_SECONDS))
        except KafkaException as error:
            # An interrupt may come after the client has begun or ended a transaction, and before that is noted here.
            if error.args[0].code() != KafkaError._STATE:
                raise
        self._open = False

    def _attempt(self, records: Sequence[Pair]) -> None:
        self._open = True
        self._guard(self._producer.begin_transaction)
        for key, value in records:
            self._guard(lambda key=key, value=value: self._producer.produce(ARTWORKS, value, key, 0))  # type: ignore[misc]
        self._patiently(lambda: self._producer.commit_transaction(CALL_SECONDS))
        self._open = False

    def _patiently(self, call: Callable[[], object]) -> None:
        """Call until the broker answers, for PATIENCE_SECONDS."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return self._guard(call)
            except KafkaException as error:
                cause: KafkaError = error.args[0]
                if not cause.retriable() or cause.txn_requires_abort():
                    raise
                if time.monotonic() > deadline:
                    raise BrokerAwayError(f"Kafka doesn't answer any more: {cause.str()}.") from None

    def _guard(self, call: Callable[[], object]) -> None:
        try:
            call()
        except KafkaException as error:
            why = told(self._producer, error)
            if why.args[0].code() in REPLACED:
                raise FencedError("Another `impressions catalogue load` has begun, which ends this one") from None
            raise why from None
