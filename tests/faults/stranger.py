"""A producer of impressions that uses transactions and hesitates: what follows its records can't be read meanwhile."""

from enum import StrEnum
from threading import Thread

from confluent_kafka import KafkaException, Producer

from streams.kafka.names import IMPRESSIONS
from streams.settings import Settings
from tests.support.load import PARTITIONS, flush, impression, now_ms, user_at
from tests.support.wait import let_pass

# For each request to the broker, which may be down meanwhile.
REQUEST_SECONDS = 30.0
# The stranger's own limit, after which the broker aborts its transaction; it looks once a second.
TIMEOUT_SECONDS = 6.0


class Ending(StrEnum):
    """What becomes of the transaction."""

    COMMITTED = "committed"
    ABORTED = "aborted"
    LEFT = "left open"


class Stranger(Thread):
    """Sends a flush to each partition in one transaction, hesitates, and ends the transaction, or leaves it open.

    Faults may hit it as well: whether its flushes count is then the broker's word, and `failed` has the error.
    """

    def __init__(self, settings: Settings, ending: Ending, hesitates: float) -> None:
        super().__init__(name="stranger", daemon=True)
        self._ending, self._hesitates = ending, hesitates
        self._name = f"stranger{now_ms()}"
        timeout = TIMEOUT_SECONDS if ending == Ending.LEFT else TIMEOUT_SECONDS + hesitates
        # Kept, because a transaction that nobody ends needs a producer that is there.
        self._producer = Producer(
            {
                "bootstrap.servers": settings.kafka_bootstrap,
                "transactional.id": self._name,
                "transaction.timeout.ms": int(timeout * 1000),
                "log_level": 0,
            }
        )
        self.failed: KafkaException | None = None

    def run(self) -> None:
        """Send, hesitate, end."""
        try:
            self._send()
            let_pass(self._hesitates)
            match self._ending:
                case Ending.COMMITTED:
                    self._producer.commit_transaction(REQUEST_SECONDS)
                case Ending.ABORTED:
                    self._producer.abort_transaction(REQUEST_SECONDS)
                case Ending.LEFT:
                    pass
        except KafkaException as error:
            self.failed = error

    def _send(self) -> None:
        self._producer.init_transactions(REQUEST_SECONDS)
        self._producer.begin_transaction()
        for partition in range(PARTITIONS):
            user = user_at(partition, self._name)
            line = flush(user, [impression("a0001", now_ms())])
            self._producer.produce(IMPRESSIONS, line, partition=partition)
        self._producer.flush(REQUEST_SECONDS)
