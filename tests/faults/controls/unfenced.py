"""Run the worker with a defect: its producers are idempotent but not transactional, so nothing fences a zombie.

Takes the command line's arguments.
"""

from collections.abc import Sequence

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from streams.kafka.transaction import MAX_MESSAGE_BYTES, PartitionProducer, ProducerRecord
from streams.runtime import failpoints
from streams.runtime.failpoints import Failpoint
from streams.settings import Settings
from streams.worker import partition as agents_partition


class UnfencedProducer(PartitionProducer):
    """Writes in order and once, whoever else writes."""

    def __init__(self, settings: Settings, partition: int) -> None:
        self._partition = partition
        self.waits = False
        self._patient = True
        self._producer = Producer(
            {
                "bootstrap.servers": settings.kafka_bootstrap,
                "enable.idempotence": True,
                "linger.ms": 5,
                "compression.type": "lz4",
                "message.max.bytes": MAX_MESSAGE_BYTES,
            }
        )

    def fence(self, patient: bool = True) -> None:
        """Fence nobody."""

    def _attempt(self, records: Sequence[ProducerRecord], watch: frozenset[str]) -> dict[str, int]:
        offsets: dict[str, int] = {}
        errors: list[KafkaError] = []

        def delivered(error: KafkaError | None, message: Message) -> None:
            topic, offset = message.topic(), message.offset()
            if error is not None:
                errors.append(error)
            elif topic is not None and offset is not None:
                offsets[topic] = max(offset, offsets.get(topic, -1))

        everything = frozenset(record.topic for record in records)
        self._produce_all(records, everything, delivered)
        self._producer.flush()
        if errors:
            raise KafkaException(errors[0])
        failpoints.hit(Failpoint.WORKER_COMMIT_AFTER)
        return {topic: offset for topic, offset in offsets.items() if topic in watch}


if __name__ == "__main__":
    from streams.cli import main

    vars(agents_partition)["PartitionProducer"] = UnfencedProducer
    main()
