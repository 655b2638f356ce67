"""The sink's loop: one thread reads, inserts and commits; another builds blocks from the records read.

How a block is written, in this order:

1. insert its part for each set table (a row written twice is the same element);
2. insert its part for the position table: from now on a restart begins after it;
3. commit its last offset + 1, with the topic's id, without waiting for the broker.

After a crash before 2, the same records are read again, perhaps cut into other blocks: their rows collapse with those
of 1. After a crash before 3, the sink starts after the rows, as always: a commit is only what others see of the rows.
An insert whose answer was lost is repeated with its token. A sink that doesn't know it was replaced writes rows that
already exist, and can't commit.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Thread

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Message, TopicPartition

from streams.errors import Kind
from streams.kafka import errors
from streams.kafka.topic_ids import Sources
from streams.runtime import failpoints, log
from streams.runtime.backoff import Backoff
from streams.runtime.failpoints import Failpoint
from streams.runtime.stall import Work
from streams.settings import Settings
from streams.sink import observe
from streams.sink.commits import Commits
from streams.sink.consumer import Broker, Errors, connect
from streams.sink.feeds import FEEDS
from streams.sink.partition import AssignedPartition, by_topic, due, names_of
from streams.sink.placing import Placing, refuse
from streams.sink.records import Record
from streams.sink.writer import InsertError, UnavailableError, Writer

logger = log.get(__name__)

# Records read from the client at once. A block can exceed its limit by as many. A record may be 1 MiB, and the cost of
# a call is small beside that of 32 records.
BATCH_RECORDS = 32
# Longest wait for records: how late the loop may notice that it must stop, or that a block is due by its age.
POLL_SECONDS = 0.1
# How long a sink that ends waits for its last commit, and then for leaving the group. Neither is needed: the next sink
# starts from the rows.
LAST_COMMIT_SECONDS = 5.0
CLOSE_SECONDS = 10.0


class Sink:
    """Writes the topics' rows to ClickHouse, exactly once as far as readers can see."""

    def __init__(self, settings: Settings, index: int, sources: Sources) -> None:
        self._settings = settings
        self._sources = sources
        self._errors = Errors(index)
        self._commits = Commits(self._errors.note, self._confirmed)
        self._consumer: Consumer = connect(settings, index, self._errors.note, self._commits.answered)
        self._writer = Writer(settings)
        self._placing = Placing(self._consumer, Broker(settings, self._consumer), self._writer)
        # Builds blocks, one at a time, while others are inserted.
        self._maker = ThreadPoolExecutor(1, "maker")
        self._partitions: dict[tuple[str, int], AssignedPartition] = {}
        # After failures of ClickHouse or Kafka as a whole.
        self._backoff = Backoff()
        # Parts inserted by the flush in progress; other partitions wait for it.
        self._flushed = 0
        self._joined = False
        self._stopping = False

    def stop(self) -> None:
        """Ask the loop to end; it does so within a poll and an insert. Safe to call from a signal handler."""
        self._stopping = True

    def work(self) -> list[Work]:
        """Return the work in progress, for the watchdog. Safe to call from any thread."""
        failing, flushed = self._backoff.failing, self._flushed
        return [each.work(failing, flushed) for each in self.partitions()]

    def partitions(self) -> list[AssignedPartition]:
        """Return the partitions that are assigned now. Safe to call from any thread."""
        return list(self._partitions.values())

    def why_not_ready(self) -> str | None:
        """Say for which partitions a person must look, and why; None if there is none. Safe to call from any thread."""
        refused = [each for each in self.partitions() if each.refused]
        return " ".join(f"{each.feed.topic}-{each.partition}: {each.refused}." for each in refused) or None

    def run(self) -> None:
        """Run until `stop`. Raises FencedError if it was replaced, SourceChangedError for a new topic id.

        After an error, the consumer is left as it is: closing one that was fenced may take for ever.
        """
        self._consumer.subscribe(list(FEEDS), on_assign=self._assign, on_revoke=self._revoke, on_lost=self._lose)
        try:
            while not self._stopping:
                self._place()
                self._flush(self._due())
                self._read()
                self._commits.settle(self._consumer)
                self._errors.raise_if_fatal()
                self._show()
            # The next sink reads again what can't be written now.
            self._flush(list(self._partitions.values()))
        finally:
            observe.ready(False)
            self._writer.close()
            self._maker.shutdown(wait=False, cancel_futures=True)
        self._leave()

    def _leave(self) -> None:
        """Wait for the last commit, and close the consumer, as far as that doesn't take too long.

        A static member keeps its partitions for the session timeout, so a restart gets them back.
        """
        if not self._commits.wait(self._consumer, LAST_COMMIT_SECONDS):
            logger.warning("commit_unanswered", seconds=LAST_COMMIT_SECONDS)
        closing = Thread(target=self._consumer.close, name="closing", daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)
        if closing.is_alive():
            logger.warning("consumer_not_closed", seconds=CLOSE_SECONDS)

    def _assign(self, client: Consumer, assigned: list[TopicPartition]) -> None:
        # Nothing is read until ClickHouse has reported where to start, however long it is down.
        for tp in assigned:
            tp.offset = OFFSET_BEGINNING
            self._partitions[tp.topic, tp.partition] = AssignedPartition(FEEDS[tp.topic], tp.partition)
        client.incremental_assign(assigned)
        client.pause(assigned)
        self._joined = True
        logger.info("partitions_assigned", partitions=names_of(assigned))

    def _revoke(self, client: Consumer, revoked: list[TopicPartition]) -> None:
        # The commit is sent and not waited for: its answer comes with a poll, and within a poll's callback there is no
        # other. The client sends it before it leaves, and if it fails, the next owner commits what the rows say.
        if not self._stopping:
            self._flush([self._partitions[tp.topic, tp.partition] for tp in revoked])
        self._forget(revoked)
        client.incremental_unassign(revoked)
        logger.info("partitions_revoked", partitions=names_of(revoked))

    def _lose(self, client: Consumer, lost: list[TopicPartition]) -> None:
        # Other sinks may be reading them already, so drop what was read.
        self._forget(lost)
        client.incremental_unassign(lost)
        logger.warning("partitions_lost", partitions=names_of(lost))

    def _forget(self, gone: list[TopicPartition]) -> None:
        self._commits.forget(gone)
        for tp in gone:
            self._partitions.pop((tp.topic, tp.partition)).forget()

    def _place(self) -> None:
        """Find out where to start reading the partitions that have no position yet, and start."""
        now = time.monotonic()
        if self._backoff.waits(now):
            return
        waiting = [each for each in self._partitions.values() if each.to_place and not each.backoff.waits(now)]
        for partitions in by_topic(waiting):
            if self._backoff.waits(time.monotonic()):
                return
            try:
                moved = self._placing.place(partitions)
            except InsertError as error:
                self._failed(partitions, error)
                continue
            if moved is not None:
                self._recovered()
                self._commits.want(self._consumer, moved)

    def _due(self) -> list[AssignedPartition]:
        full, seconds = self._settings.sink_flush_rows, self._settings.sink_flush_seconds
        return due(self._partitions.values(), time.monotonic(), full, seconds)

    def _flush(self, partitions: list[AssignedPartition]) -> None:
        """Insert and commit a block of each partition, as far as ClickHouse accepts them."""
        done: list[TopicPartition] = []
        held = [partition for partition in partitions if partition.held]
        # Everything held was read before this check; while the broker is down it couldn't be committed either.
        if not held or self._backoff.waits(now := time.monotonic()) or not self._sources.check(now):
            return
        for partition in held:
            partition.prepare(self._maker)
        for partition in held:
            if self._backoff.waits(time.monotonic()):
                break
            try:
                done.append(self._insert(partition))
            except InsertError as error:
                self._failed([partition], error)
        self._flushed = 0
        self._commits.want(self._consumer, done)

    def _insert(self, partition: AssignedPartition) -> TopicPartition:
        was_failing = partition.backoff.failing
        block = partition.block()
        failpoints.hit(Failpoint.SINK_INSERT_BEFORE)
        for number, part in enumerate(block.parts):
            if number:
                failpoints.hit(Failpoint.SINK_INSERT_BETWEEN)
            self._writer.insert(part, block.token)
            self._flushed += 1
        failpoints.hit(Failpoint.SINK_INSERT_AFTER)
        observe.readable(block.feed.topic, block.appended, block.seen)
        self._recovered()
        tp = partition.inserted()
        if partition.unreadable:
            self._consumer.pause([partition.at(0)])
            logger.error("record_unreadable", partition=partition.key, offset=tp.offset, why=partition.refused)
        elif was_failing and partition.readable:
            self._consumer.resume([partition.at(0)])
        return tp

    def _confirmed(self, done: list[TopicPartition]) -> None:
        for tp in done:
            if (partition := self._partitions.get((tp.topic, tp.partition))) is not None:
                partition.committed = tp.offset
        failpoints.hit(Failpoint.SINK_COMMIT_AFTER)

    def _failed(self, partitions: list[AssignedPartition], error: InsertError) -> None:
        """Wait before the next attempt, and read nothing meanwhile. Polling goes on, to stay in the group."""
        now = time.monotonic()
        if isinstance(error, UnavailableError):
            partitions, wait = list(self._partitions.values()), self._backoff.fail(now)
            observe.waiting(True)
            logger.warning("clickhouse_unavailable", code=error.code, detail=str(error), seconds=round(wait, 2))
        else:
            wait = max(each.backoff.fail(now) for each in partitions)
            keys = [each.key for each in partitions]
            logger.error("insert_failed", partitions=keys, code=error.code, detail=str(error), seconds=round(wait, 2))
            if error.kind is Kind.REFUSE:
                for each in partitions:
                    refuse(each, f"ClickHouse refuses, with code {error.code}: {error}")
        self._consumer.pause([each.at(0) for each in partitions])

    def _recovered(self) -> None:
        """ClickHouse answers: resume the partitions that waited only for it."""
        if not self._backoff.failing:
            return
        self._backoff.succeed()
        observe.waiting(False)
        self._consumer.resume([each.at(0) for each in self._partitions.values() if each.readable])
        logger.info("clickhouse_available")

    def _read(self) -> None:
        now = time.monotonic()
        seconds = self._settings.sink_flush_seconds
        deadlines = [d for each in self._partitions.values() if (d := each.deadline(seconds)) is not None]
        timeout = max(0.0, min(POLL_SECONDS, min(deadlines, default=now + POLL_SECONDS) - now))
        for message in self._consumer.consume(BATCH_RECORDS, timeout):
            error = message.error()
            if error is not None:
                self._kafka_event(message, error)
            else:
                self._take(message)

    def _take(self, message: Message) -> None:
        partition, offset = self._partition_of(message)
        if partition is None or partition.next_offset is None or partition.misplaced or partition.unreadable:
            return  # from an outdated assignment or position: it is read again from the right one
        partition.arrives()
        _, appended_at = message.timestamp()
        record = Record(offset, appended_at, message.key(), message.value())
        if not partition.add(record, time.monotonic()):
            # Offsets never go back within a log: the topic was deleted and re-created.
            self._misplaced(partition, "offset_went_back")

    def _kafka_event(self, message: Message, error: KafkaError) -> None:
        partition, offset = self._partition_of(message)
        if error.code() == KafkaError._PARTITION_EOF:
            if partition is not None and not partition.to_place:
                partition.reached(offset)
                partition.arrives()
        elif error.code() == KafkaError._AUTO_OFFSET_RESET and partition is not None:
            self._misplaced(partition, "offset_out_of_range")
        else:
            self._errors.note(error)
            if partition is not None and errors.kafka_kind(error) is Kind.REFUSE:
                # The client asks again and again. What it reads next shows that someone has changed something.
                refuse(partition, f"Kafka refuses: {error.str()}")

    def _partition_of(self, message: Message) -> tuple[AssignedPartition | None, int]:
        topic, number, offset = message.topic(), message.partition(), message.offset()
        if topic is None or number is None or offset is None:
            return None, -1  # an error that does not belong to a partition
        return self._partitions.get((topic, number)), offset

    def _misplaced(self, partition: AssignedPartition, why: str) -> None:
        logger.warning("partition_misplaced", partition=partition.key, why=why)
        partition.misplaced = True
        self._consumer.pause([partition.at(0)])

    def _show(self) -> None:
        partitions = self._partitions.values()
        for partition in partitions:
            _, high = self._consumer.get_watermark_offsets(partition.at(0), cached=True)
            partition.show(high)
        observe.ready(self._joined and all(each.ready for each in partitions) and not self._backoff.failing)
