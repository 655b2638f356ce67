"""Faust's consumer, changed to deliver chunks: runs of consecutive records of one partition, as fetched.

Faust costs about 0.1 ms per event, and a chunk is one event. Written against faust-streaming 0.15.3; each override
says which problem it solves (numbered as in docs/decisions/0002).
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, cast

import aiokafka
from aiokafka.errors import GroupAuthorizationFailedError, IllegalStateError, TopicAuthorizationFailedError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage
from mode import Service

from streams.core.pieces import Place, SourceRecord
from streams.errors import ClientBrokenError, UserError
from streams.kafka.names import IMPRESSIONS, WORKER_GROUP
from streams.metrics import catalogue as metrics
from streams.runtime import failpoints, memory
from streams.runtime.exit import end_process
from streams.runtime.failpoints import Failpoint
from streams.worker.faust import fetch
from streams.worker.in_flight import InFlight

# Maximum compressed bytes of one partition in one fetch: a chunk or a few. A record may be larger (4 MiB): Kafka then
# sends it alone.
FETCH_BYTES = 1024 * 1024
# How long the broker gathers records for a fetch, unless it has FETCH_MIN_BYTES sooner. Under load, that decides how
# many records share a transaction, which costs worker and broker as much as some hundred lines; and a record waits for
# half of it on average. aiokafka runs one fetch at a time per broker, so a partition that was just read also waits for
# the fetch of the others to end.
FETCH_WAIT_MS = 50
FETCH_MIN_BYTES = 256 * 1024
# How soon new partitions of the source are noticed, and a topic that was re-created.
METADATA_MAX_AGE_MS = 30_000
# What Kafka says when a right is missing, and which. Faust would stop without saying so.
RIGHTS: dict[type[BaseException], str] = {
    GroupAuthorizationFailedError: f"Read on the group {WORKER_GROUP}",
    TopicAuthorizationFailedError: f"Read on the topic {IMPRESSIONS}",
}
# How late a refusal by the group may be noticed.
REFUSAL_SECONDS = 1.0
# How long nothing else is fetched while a very long line is decided and committed. That takes a second.
LONG_LINE_SECONDS = 10.0


class Run(NamedTuple):
    """Consecutive records of a partition, none missing from `start` on, whatever the first one's place is.

    Offsets have gaps of their own (commit markers, aborted transactions), so only `start` shows whether an earlier
    run was lost on its way.
    """

    start: Place
    records: Sequence[SourceRecord]


class ChunkThread(driver.AIOKafkaConsumerThread):
    """The thread that owns aiokafka's consumer. Seeks and fetches take turns in it, so it knows each run's start."""

    _starts: dict[TP, Place]

    async def on_start(self) -> None:
        self._starts = {}
        await super().on_start()

    async def _seek_wait(self, consumer: aiokafka.AIOKafkaConsumer, partitions: Mapping[TP, int]) -> None:
        self._starts.update((tp, (offset, 0)) for tp, offset in partitions.items())
        await super()._seek_wait(consumer, partitions)

    def join_again(self) -> None:
        """Rejoin the group, as if something had changed. Safe to call from any thread."""
        coordinator = cast(Any, self._ensure_consumer())._coordinator
        self.thread_loop.call_soon_threadsafe(coordinator.request_rejoin)

    async def _fetch_records(self, *args: Any, **kwargs: Any) -> Any:
        fetched = {}
        try:
            chunks = await super()._fetch_records(*args, **kwargs)
        except (GroupAuthorizationFailedError, TopicAuthorizationFailedError) as error:
            end_process(_explained(error))
        except UserError as error:
            end_process(error)
        for tp, (records,) in chunks.items():
            fetched[tp] = Run(self._starts.get(tp, records[0].place), records)
            self._starts[tp] = records[-1].after
        return fetched

    def refusal(self) -> BaseException | None:
        """Return what keeps the consumer out of its group for good, if anything does. Safe to call from any thread."""
        coordinator: Any = getattr(self._consumer, "_coordinator", None)
        if coordinator is None:
            return None
        task = coordinator._coordination_task
        ended = task.done() and not task.cancelled()
        return cast("BaseException | None", task.exception() if ended else coordinator._pending_exception)

    def fetched(self, tps: Iterable[TP]) -> dict[TP, int]:
        """Return the offset after what was fetched, markers included, as far as known. Safe to call from any thread."""
        consumer = self._consumer
        subscription = consumer._subscription.subscription if consumer is not None else None
        if subscription is None or subscription.assignment is None:
            return {}
        states = {tp: subscription.assignment.state_value(tp) for tp in tps}
        found = {tp: state._position for tp, state in states.items() if state is not None}
        return {tp: position for tp, position in found.items() if position is not None}

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        """Create the consumer with `read_committed`, which Faust sets only for its own exactly_once.

        Forwards are transactional: those of an aborted transaction must not be judged.
        """
        conf = self.app.conf
        fetch.install(conf.broker_max_poll_records)
        self._assignor = self.app.assignor
        return aiokafka.AIOKafkaConsumer(
            client_id=conf.broker_client_id,
            group_id=conf.id,
            group_instance_id=conf.consumer_group_instance_id,
            bootstrap_servers=driver.server_list(transport.url, transport.default_port),
            **driver.credentials_to_aiokafka_auth(conf.broker_credentials),
            partition_assignment_strategy=[self._assignor],
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            max_partition_fetch_bytes=FETCH_BYTES,
            fetch_max_wait_ms=FETCH_WAIT_MS,
            fetch_min_bytes=FETCH_MIN_BYTES,
            metadata_max_age_ms=METADATA_MAX_AGE_MS,
            request_timeout_ms=int(conf.broker_request_timeout * 1000),
            session_timeout_ms=int(conf.broker_session_timeout * 1000),
            heartbeat_interval_ms=int(conf.broker_heartbeat_interval * 1000),
            rebalance_timeout_ms=int(conf.broker_rebalance_timeout * 1000),
            max_poll_interval_ms=int(conf.broker_max_poll_interval * 1000),
        )


class ChunkConsumer(driver.Consumer):
    """Yields one message per chunk: its offset is the last record's, its value is the Run.

    Chunks that end within one record have the same offset. Faust then acknowledges only the first, and commits the
    offset after the record a little early; its offset is a hint.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._taking = asyncio.Lock()

    def _new_consumer_thread(self) -> ChunkThread:
        return ChunkThread(self, loop=self.loop, beacon=self.beacon)

    def resume_partitions(self, tps: Iterable[TP]) -> None:
        """Fetch those that are held. What is fetched of the others would be dropped."""
        held = self._positions()
        super().resume_partitions({tp for tp in tps if tp in held})

    async def read_taken(self) -> None:
        """Begin to read the partitions that were taken since the last rebalance."""
        async with self._taking:
            assigned = self.assignment() & self._paused_partitions
            new = {tp: offset for tp, offset in self._positions().items() if tp in assigned}
            # Between two rebalances only: the end of one resumes everything that is held.
            if not new or not self.flow_active:
                return
            with suppress(IllegalStateError):  # no longer ours: see return_to_positions
                await self.seek_wait(new)
                if self.flow_active:
                    self.resume_partitions(new)

    def fetched(self) -> dict[int, int]:
        """The offset after what was fetched, by partition that is being read. Safe to call from any thread."""
        reading = [tp for tp in list(self._active_partitions) if tp.topic == IMPRESSIONS]
        return {tp.partition: offset for tp, offset in cast(ChunkThread, self._thread).fetched(reading).items()}

    @Service.task
    async def _notice_refusals(self) -> None:
        """End the process if the group refuses us. aiokafka waits until it is asked about that; Faust never asks."""
        async for _ in self.itertimer(REFUSAL_SECONDS, name="refusals"):
            if (error := cast(ChunkThread, self._thread).refusal()) is not None:
                end_process(_explained(error))

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Log nothing: from here, a partition that a producer's open transaction ends looks like one that hangs.

        Our own watchdog asks the broker whether there is a record to read (streams/worker/lag.py).
        """

    def _positions(self) -> dict[TP, int]:
        positions: dict[int, int] = cast(Any, self.app).assignment.positions()
        return {TP(IMPRESSIONS, number): offset for number, offset in positions.items()}

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:
        """Fetch once, and yield a message for each chunk of each partition that had records."""
        generation = self.app.consumer_generation_id
        runs, active = await self._wait_next_records(timeout)
        if runs is None or self.should_stop:
            return
        if not self.flow_active:
            await self.return_to_positions()
            return
        for tp, run in cast(Mapping[TP, Run], runs).items():
            # After a rebalance during a yield, the rest may belong to another worker, which reads it again.
            if not self.flow_active or self.app.consumer_generation_id != generation:
                return
            if active is None or tp in active:
                message, committed = self._chunk(tp, run, generation)
                yield tp, message
                if len(run.records[0].value or b"") > fetch.CHUNK_BYTES:
                    # One line of up to 23 MiB: hold no other chunk meanwhile. A chunk that is lost is not waited for.
                    waits = (committed.wait(), self.suspend_flow.wait())
                    await self.wait_first(*waits, timeout=LONG_LINE_SECONDS)
                    memory.give_back()

    def on_buffer_full(self, tp: TP) -> None:
        """Keep fetching: a full queue makes the fetcher wait, which is enough.

        Faust would leave the partition out of its fetches, and sleep for a second once all partitions are left out.
        """

    def on_buffer_drop(self, tp: TP) -> None:
        """Do nothing: no partition was left out."""

    def _chunk(self, tp: TP, run: Run, generation: int) -> tuple[ConsumerMessage, asyncio.Event]:
        """Return a chunk's message, and the event that it is committed, or no longer in flight."""
        last = run.records[-1]
        in_flight: InFlight = cast(Any, self.app).assignment.in_flight
        committed = in_flight.fetched(tp.partition, last.after, run.records[0].appended_at)
        # Beyond the chunk there may be markers of transactions, which are fetched with it and are no records.
        after = cast(ChunkThread, self._thread).fetched([tp]).get(tp, last.after[0])
        metrics.worker_lag.labels(str(tp.partition)).set(max(0, (self.highwater(tp) or 0) - after))
        message = ConsumerMessage(
            tp.topic,
            tp.partition,
            last.offset,
            last.appended_at / 1000,
            fetch.LOG_APPEND_TIME,
            [],
            None,
            cast(Any, run),  # any value that the topic's schema accepts
            None,
            0,
            len(run.records),
            tp,
            generation_id=generation,
        )
        return message, committed

    def join_again(self) -> None:
        """Rejoin the group."""
        cast(ChunkThread, self._thread).join_again()

    async def return_to_positions(self) -> None:
        """Seek back to the positions."""
        with suppress(IllegalStateError):  # no longer ours: the rebalance in progress ends with a seek
            await self.perform_seek()

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek to the positions in the state. The committed offset is a hint: if someone rewinds it, or commits it
        for us, nothing changes."""
        assigned = self.assignment()
        held = {tp: offset for tp, offset in self._positions().items() if tp in assigned}
        await self.seek_wait(held)
        return held

    def _new_offset(self, tp: TP) -> int | None:
        """Return the offset to commit: after the last chunk acknowledged. Chunks are acknowledged in order.

        Faust's own method (L3) looks for gaps between offsets, but chunks are full of gaps; and it is off by one.
        """
        acked = self._acked[tp]
        if not acked:
            return None
        last = max(acked)
        acked.clear()
        self._acked_index[tp].clear()
        return last + 1

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        failpoints.hit(Failpoint.WORKER_OFFSET_BEFORE)
        committed: bool = await super()._commit(offsets)
        failpoints.hit(Failpoint.WORKER_OFFSET_AFTER)
        return committed

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Keep no gaps: every chunk would add one that nothing ever removes."""


def _explained(error: BaseException) -> BaseException:
    """Return the sentence for what aiokafka's consumer doesn't go on from."""
    if (right := RIGHTS.get(type(error))) is None:
        return ClientBrokenError(f"The consumer of {IMPRESSIONS} has left its group for good: {error!r}.")
    return UserError(f"Kafka won't send {IMPRESSIONS}: our login needs {right}. Grant that with kafka-acls.sh.")
