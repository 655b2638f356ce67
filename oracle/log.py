"""Read topics `read_committed` up to their ends, repeatedly. A re-created topic is another log of the same name."""

import time
from collections.abc import Iterator, Sequence
from typing import Any, cast

from confluent_kafka import (
    TIMESTAMP_LOG_APPEND_TIME,
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Message,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec

from oracle.rules import Record

# librdkafka reports everything that it retries on stderr; an error that matters is raised as an exception.
QUIET: dict[str, Any] = {"log_level": 0}
ANSWER_SECONDS = 5.0
# Without a record and without an end for this long, the broker is down, or a transaction stays open.
STALL_SECONDS = 30.0
POLL_SECONDS = 1.0
MOST_UNPACKED_BYTES = 1024 * 1024 * 1024


class Logs:
    """Some topics of a broker. All methods raise KafkaException while the broker does not answer."""

    def __init__(self, bootstrap: str) -> None:
        self._admin = AdminClient({**QUIET, "bootstrap.servers": bootstrap})
        self._bootstrap = bootstrap
        self._consumers: dict[tuple[str, str], Consumer] = {}

    def describe(self, topic: str) -> tuple[str, int] | None:
        """Return the topic's id and its number of partitions, or None if the topic doesn't exist."""
        asked = self._admin.describe_topics(TopicCollection([topic]), request_timeout=ANSWER_SECONDS)
        try:
            found = asked[topic].result()
        except KafkaException as error:
            if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                return None
            raise
        return str(found.topic_id), len(found.partitions)

    def read(self, topic: str, topic_id: str, start: dict[int, int]) -> Iterator[Record]:
        """Yield the records of each partition from the given offset up to its end; `start` moves with them."""
        consumer = self._consumer(topic, topic_id)
        consumer.assign([TopicPartition(topic, partition, offset) for partition, offset in start.items()])
        try:
            not_ended, deadline = set(start), time.monotonic() + STALL_SECONDS
            while not_ended:
                message = consumer.poll(POLL_SECONDS)
                if message is not None and not _tells_of_an_outage(message):
                    deadline = time.monotonic() + STALL_SECONDS
                    partition, offset = message.partition(), message.offset()
                    assert partition is not None  # a message that was read has both
                    assert offset is not None
                    if message.error() is None:
                        if offset < start[partition]:  # the client has reset to the log's start
                            raise AssertionError(f"{topic}-{partition} ends before offset {start[partition]} now")
                        start[partition] = offset + 1
                        yield _record(topic_id, partition, offset, message)
                    else:  # the end: the markers of its transaction follow the last record
                        start[partition] = max(start[partition], offset)
                        not_ended.discard(partition)
                elif time.monotonic() > deadline:
                    stalled = f"{topic} {sorted(not_ended)}: no record and no end"
                    raise KafkaException(KafkaError(KafkaError._TIMED_OUT, stalled))
        finally:
            consumer.unassign()

    def end(self, topic: str, partition: int) -> int:
        """Return the offset that the next record will get, whatever transactions are open."""
        place = TopicPartition(topic, partition)
        return ends(self._admin, [place], IsolationLevel.READ_UNCOMMITTED)[place]

    def close(self) -> None:
        """Disconnect from the broker."""
        for consumer in self._consumers.values():
            consumer.close()

    def _consumer(self, topic: str, topic_id: str) -> Consumer:
        """Return the log's own consumer: librdkafka takes a second to notice a second topic, but none for its first."""
        if (topic, topic_id) not in self._consumers:
            self._consumers[topic, topic_id] = Consumer(
                {
                    **QUIET,
                    "bootstrap.servers": self._bootstrap,
                    "group.id": "impressions-oracle",  # required by the client; nothing is committed
                    "enable.auto.commit": False,
                    "enable.partition.eof": True,
                    "auto.offset.reset": "earliest",
                    "isolation.level": "read_committed",
                    # The end of a partition is reported when a fetch returns nothing.
                    "fetch.wait.max.ms": 20,
                    # Also the client's limit for what it unpacks. 4 MiB of zstd hold more than its 100 MB.
                    "receive.message.max.bytes": MOST_UNPACKED_BYTES,
                }
            )
        return self._consumers[topic, topic_id]


def ends(admin: AdminClient, places: Sequence[TopicPartition], isolation: IsolationLevel) -> dict[TopicPartition, int]:
    """Return the end offset of each partition. Raises KafkaException if the broker doesn't answer.

    After a restart of the broker, librdkafka asks with the epoch of the leader that it knew, which is refused; metadata
    has the new one.
    """
    latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
    deadline = time.monotonic() + ANSWER_SECONDS
    while True:
        asked = admin.list_offsets(
            dict.fromkeys(places, latest), isolation_level=isolation, request_timeout=ANSWER_SECONDS
        )
        try:
            return {place: int(answer.result().offset) for place, answer in asked.items()}
        except KafkaException as error:
            if error.args[0].code() not in _OLD_LEADER or time.monotonic() > deadline:
                raise
        admin.list_topics(timeout=ANSWER_SECONDS)


# What a broker says to a client that knows an earlier leader.
_OLD_LEADER = {KafkaError.FENCED_LEADER_EPOCH, KafkaError.UNKNOWN_LEADER_EPOCH, KafkaError.NOT_LEADER_FOR_PARTITION}


def _tells_of_an_outage(message: Message) -> bool:
    """Return whether the message reports a broker that is down, and is neither a record nor an end: poll again.

    Raises KafkaException for an error that does not go away by itself.
    """
    error = message.error()
    if error is None or error.code() == KafkaError._PARTITION_EOF:
        return False
    if error.retriable() or error.code() in _WHILE_AWAY:
        return True
    raise KafkaException(error)


# What librdkafka reports while it tries to reach the broker again.
_WHILE_AWAY = {KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT, KafkaError._RESOLVE}


class Follower:
    """Follows one topic: `read` returns the records since the last call, each partition's in order of offset.

    A topic that was deleted and re-created is another log, read from its start.
    """

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.topic_id = ""
        self.next: dict[int, int] = {}
        # The offset of the last record that was read from each partition of this log.
        self.last: dict[int, int] = {}

    def read(self, logs: Logs) -> list[Record]:
        """Return the new records. After an error the next call returns everything since the last successful one."""
        found = logs.describe(self.topic)
        if found is None:
            return []
        topic_id, partitions = found
        if topic_id != self.topic_id:
            self.topic_id, self.next, self.last = topic_id, dict.fromkeys(range(partitions), 0), {}
        start, last, records = dict(self.next), dict(self.last), []
        for record in logs.read(self.topic, topic_id, start):
            records.append(record)
            last[record.partition] = record.offset
        self.next, self.last = start, last
        return records

    @property
    def partitions(self) -> int:
        """Return how many partitions the topic has; 0 before the first read."""
        return len(self.next)

    def is_at_end(self, logs: Logs) -> bool:
        """Return whether nothing follows what was read, not even a transaction that is still open."""
        return all(offset >= logs.end(self.topic, partition) for partition, offset in self.next.items())


def _record(topic_id: str, partition: int, offset: int, message: Message) -> Record:
    kind, time_ms = message.timestamp()
    appended_at = time_ms if kind == TIMESTAMP_LOG_APPEND_TIME else None
    key, value = message.key(), message.value()
    assert not isinstance(key, str)  # no deserializer is set
    assert not isinstance(value, str)
    origin = dict(message.headers() or ()).get("origin")
    return Record(topic_id, partition, offset, appended_at, key, value, cast(bytes | None, origin))
