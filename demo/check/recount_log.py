"""Reading the topics for the recount: every committed record, from the first to the end of the log."""

import time
from dataclasses import dataclass

from confluent_kafka import (
    OFFSET_BEGINNING,
    TIMESTAMP_LOG_APPEND_TIME,
    Consumer,
    KafkaError,
    KafkaException,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient

from demo.check.recount_types import CatalogueRecord, Record

# Answers of a broker on this machine take milliseconds; without one by then something is broken.
REQUEST_SECONDS = 20.0
# librdkafka logs a line for each lost connection, as at the end of every demo; what fails raises here.
QUIET: dict[str, str | int | float | bool] = {"log_level": 2}
NO_LEADER_YET = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE)
RETRY_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Message:
    """One committed record of a topic; `origin` is the header that a forwarded one carries."""

    partition: int
    offset: int
    appended_at: int
    key: bytes | None
    value: bytes | None
    origin: bytes | None


class LogReader:
    """Follows a topic from its first record; `read_committed`, so that aborted forwards don't count.

    Every method raises KafkaException when the broker reports an error or does not answer.
    """

    def __init__(self, bootstrap: str, topic: str) -> None:
        # Named, because a client that nothing refers to ends, and its request with it.
        admin = AdminClient({"bootstrap.servers": bootstrap, **QUIET})
        future = admin.describe_topics(TopicCollection([topic]), request_timeout=REQUEST_SECONDS)[topic]
        description = future.result()
        self.topic = topic
        self.topic_id = str(description.topic_id)
        self.partitions = len(description.partitions)
        self.messages: list[Message] = []
        self._ends: dict[int, int] = {}
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                **QUIET,
                # Required by the client; nothing is committed, so the group never exists.
                "group.id": "impressions-recount",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                # A fetch at the end of the log holds up the next one by so long.
                "fetch.wait.max.ms": 20,
            }
        )
        start = [TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in range(self.partitions)]
        self._consumer.assign(start)

    def read_to_end(self) -> None:
        """Read on until every partition's end, as it stands now, has been passed."""
        goals = {partition: self.end(partition) for partition in range(self.partitions)}
        deadline = time.monotonic() + REQUEST_SECONDS
        while any(self._ends.get(partition, -1) < goal for partition, goal in goals.items()):
            if self.read(0.2):
                deadline = time.monotonic() + REQUEST_SECONDS
            elif time.monotonic() > deadline:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT, f"the end of {self.topic} was not reached"))

    def read(self, seconds: float) -> bool:
        """Take the next message or end of a partition, waiting at most so long; return whether there was one.

        Raises ValueError where a record's time is not the broker's.
        """
        polled = self._consumer.poll(seconds)
        if polled is None:
            return False
        error, partition, offset = polled.error(), polled.partition(), polled.offset()
        if partition is None or offset is None or (error and error.code() != KafkaError._PARTITION_EOF):
            raise KafkaException(error)
        if error:
            self._ends[partition] = offset
            return True
        kind, milliseconds = polled.timestamp()
        if kind != TIMESTAMP_LOG_APPEND_TIME:
            raise ValueError(f"{self.topic} does not carry LogAppendTime: no rule can be recounted")
        header = dict(polled.headers() or []).get("origin")
        origin = header.encode() if isinstance(header, str) else header
        self.messages.append(Message(partition, offset, milliseconds, polled.key(), polled.value(), origin))
        return True

    def end(self, partition: int) -> int:
        """Return the offset after the last committed record of a partition (its last stable offset)."""
        deadline = time.monotonic() + REQUEST_SECONDS
        while True:
            try:
                _, high = self._consumer.get_watermark_offsets(TopicPartition(self.topic, partition), REQUEST_SECONDS)
                return int(high)
            except KafkaException as error:
                # A topic made a moment ago may have no leader that knows it yet.
                if error.args[0].code() not in NO_LEADER_YET or time.monotonic() > deadline:
                    raise
                self.read(RETRY_SECONDS)

    def records(self) -> list[Record]:
        """Return what was read of an impressions topic."""
        return [
            Record(self.topic_id, message.partition, message.offset, message.appended_at, message.value)
            for message in self.messages
        ]

    def catalogue(self) -> list[CatalogueRecord]:
        """Return what was read of a catalogue topic, which has one partition."""
        return [CatalogueRecord(message.key, message.value) for message in self.messages]

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()
