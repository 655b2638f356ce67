"""The sink's consumer, and its requests to the broker."""

from collections.abc import Callable, Collection
from concurrent.futures import Future, wait
from typing import Any, NamedTuple

from confluent_kafka import Consumer, IsolationLevel, KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import OffsetSpec

from streams.errors import FencedError
from streams.kafka.admin import admin, give_up_client
from streams.kafka.client import cluster
from streams.kafka.names import SINK_GROUP
from streams.runtime import log
from streams.runtime.stall import Key
from streams.settings import Settings
from streams.sink.position import Committed

logger = log.get(__name__)

# A broker that is up answers within milliseconds; nothing else is done during this wait.
REQUEST_SECONDS = 10.0


OnCommit = Callable[[KafkaError | None, list[TopicPartition]], None]


def connect(settings: Settings, index: int, on_error: Callable[[KafkaError], None], on_commit: OnCommit) -> Consumer:
    """Return the consumer of sink `index`. Only one process can be that sink: a second one fences the first.

    Both callbacks are called within calls of the consumer: `on_error` with the client's errors (unless fatal, the
    client retries), `on_commit` with what became of an asynchronous commit.
    """
    return Consumer(
        {
            **cluster(settings),
            "client.id": f"sink-{index}",
            "group.id": SINK_GROUP,
            # A static member: a restart within the session timeout gets its partitions back at once, without a
            # rebalance of the others; and a process that was replaced by another of its name can no longer commit.
            "group.instance.id": f"sink-{index}",
            "session.timeout.ms": int(settings.session_timeout_seconds * 1000),
            # Cooperative: when a sink joins or leaves, the partitions that stay are still read and keep their buffers.
            # An eager protocol would first revoke everything from everyone, and each would query ClickHouse again.
            "partition.assignment.strategy": "cooperative-sticky",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            # The sink places every partition itself. An offset that the log doesn't have is an error to look into
            # (what was lost?), not to skip silently.
            "auto.offset.reset": "error",
            "enable.partition.eof": True,
            # Above ClickHouse's request timeout, which is the longest time without a poll of Kafka.
            "max.poll.interval.ms": 300_000,
            # How much the client reads ahead, for all partitions. The default of 64 MiB gains nothing.
            "queued.max.messages.kbytes": 32 * 1024,
            # By default, a full queue pauses a partition for a second, which is most of a block's time.
            "fetch.queue.backoff.ms": 10,
            # A block fills for a while; so many fetches as there are records would only cost the brokers.
            "fetch.min.bytes": 256 * 1024,
            "fetch.wait.max.ms": 100,
            # How soon a topic that was deleted and re-created is noticed.
            "topic.metadata.refresh.interval.ms": 30_000,
            "error_cb": on_error,
            "on_commit": on_commit,
        }
    )


def seek(client: Consumer, tp: TopicPartition) -> None:
    """Read an assigned partition from another offset. Raises KafkaException if the client isn't ready."""
    try:
        client.seek(tp)
    except KafkaException as error:
        if error.args[0].code() != KafkaError._STATE:
            raise
        # After an out-of-range offset, the client has stopped the partition for good and refuses to seek in it; only
        # an assignment starts it again. If a rebalance begins in the same millisecond, the broker may assign the
        # partition elsewhere while it is still read here: as with any replaced sink, the rows are the same.
        client.incremental_unassign([tp])
        client.incremental_assign([tp])


class Errors:
    """The errors that the client of sink `index` reports. It recovers from most of them by itself."""

    def __init__(self, index: int) -> None:
        self._index = index
        self._fatal: KafkaError | None = None

    def note(self, error: KafkaError) -> None:
        """Log an error, and remember it if the client stops working after it."""
        logger.warning("kafka_error", code=error.name(), detail=error.str())
        if error.fatal() or error.code() in (KafkaError._FATAL, KafkaError.FENCED_INSTANCE_ID, KafkaError._FENCED):
            self._fatal = error

    def raise_if_fatal(self) -> None:
        """Raise the remembered error: FencedError if another process is this sink, otherwise KafkaException.

        A broker that was killed may mistake a sink for its own successor: then a restart is right; else it is harmless.
        """
        if self._fatal is None:
            return
        # A fatal error wraps its cause, but keeps only the cause's text.
        if KafkaError(KafkaError.FENCED_INSTANCE_ID).str() in self._fatal.str():
            raise FencedError(
                f"sink {self._index} was replaced: if another process runs as it, give one of them another --index"
            )
        raise KafkaException(self._fatal)


class Ends(NamedTuple):
    """A partition's first offset, and the one after its last."""

    low: int
    high: int


class Broker:
    """Asks the broker about assigned partitions of one topic. Its methods raise KafkaException if it doesn't answer.

    It uses other connections: on the consumer's, a request waits for the fetch before it, which waits for records.
    """

    def __init__(self, settings: Settings, client: Consumer) -> None:
        self._settings = settings
        self._consumer = client

    def topic_id(self, topic: str) -> str:
        """Return the topic's id, which a re-created topic doesn't share."""
        asked = admin(self._settings).describe_topics(TopicCollection([topic]), request_timeout=REQUEST_SECONDS)
        try:
            return str(asked[topic].result().topic_id)
        except KafkaException:
            give_up_client()
            raise

    def committed(self, keys: Collection[Key]) -> dict[Key, Committed]:
        """Return the group's commits, for partitions that have one."""
        found = self._consumer.committed([TopicPartition(*key) for key in keys], timeout=REQUEST_SECONDS)
        for tp in found:
            if tp.error is not None:
                raise KafkaException(tp.error)
        return {(tp.topic, tp.partition): Committed.read(tp.offset, tp.metadata) for tp in found if tp.offset >= 0}

    def ends(self, keys: Collection[Key]) -> dict[Key, Ends | KafkaException]:
        """Return where each partition's log begins and ends, or why its leader doesn't say so."""
        # The client has no annotations for these.
        low = self._offsets(keys, OffsetSpec.earliest())  # type: ignore[no-untyped-call]
        high = self._offsets(keys, OffsetSpec.latest())  # type: ignore[no-untyped-call]
        found: dict[Key, Ends | KafkaException] = {}
        for key in keys:
            try:
                found[key] = Ends(int(low[key].result().offset), int(high[key].result().offset))
            except KafkaException as error:
                found[key] = error
        return found

    def _offsets(self, keys: Collection[Key], spec: OffsetSpec) -> dict[Key, Future[Any]]:
        """Return each partition's answer; all of them have come when this returns."""
        asked = {TopicPartition(*key): spec for key in keys}
        # Uncommitted: the end of a log that has an open transaction is after it, not before it.
        futures = admin(self._settings).list_offsets(
            asked, isolation_level=IsolationLevel.READ_UNCOMMITTED, request_timeout=REQUEST_SECONDS
        )
        wait(futures.values())
        return {(tp.topic, tp.partition): future for tp, future in futures.items()}
