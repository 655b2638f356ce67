"""The partitions that this worker holds, from assignment to revocation.

Each partition goes through these states; `worker_ready` is 1 while every assigned partition is running.

              assigned                      restored, all of them
    (none) --------------> RESTORING ----------------------------> RUNNING
                            ^     |                                |    ^
         broker down: retry |_____|      pause: a rebalance begins |    | resume
                                                                   v    |
    (none) <-------------------------------------------------- PAUSED --+
                 revoked: closed, its state stays on disk

RESTORING: fence the previous owner, restore the state from the changelogs, check that it fits (worker/partition.py).
RUNNING: decide and commit chunks one after another. PAUSED: no chunk is started, and none is being committed.
An error in any state ends the process; its successor starts from (none).
"""

import asyncio
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from confluent_kafka import KafkaException

from streams.core.catalogue import Catalogue
from streams.core.chunk import LineError
from streams.errors import BrokerAwayError
from streams.kafka.admin import describe, watermarks
from streams.kafka.names import IMPRESSIONS
from streams.kafka.topic_ids import Sources
from streams.metrics import catalogue as metrics
from streams.runtime import log
from streams.runtime.exit import end_process
from streams.runtime.stall import Work
from streams.settings import Settings
from streams.state.memory import MemoryStore
from streams.state.partition_state import State
from streams.state.rocks import RocksMemory, RocksStore
from streams.state.store import Store
from streams.worker.faust.consumer import Run
from streams.worker.in_flight import InFlight
from streams.worker.observe import begin, forget, observe
from streams.worker.partition import Chunk, Partition
from streams.worker.poison import PoisonLog

logger = log.get(__name__)

# Between attempts to restore a partition while no broker answers.
RETRY_SECONDS = 1.0


class Assignment:
    """Holds partitions and passes them their chunks.

    Chunks of one partition are decided and committed one after another; while one is being committed, chunks of
    other partitions are decided. A revocation waits for every commit in progress, so an orderly rebalance fences
    nobody.
    """

    def __init__(self, settings: Settings, sources: Sources, catalogue: Catalogue, folder: Path) -> None:
        self._settings = settings
        self._sources = sources
        self._catalogue = catalogue
        self._folder = folder
        self._poison = PoisonLog(self._folder)
        self._memory = RocksMemory(settings.rocksdb_memory_mib)
        self._held: dict[int, Partition] = {}
        # Partitions being restored; None before an attempt and while waiting for the broker.
        self._taking: dict[int, Partition | None] = {}
        self._commits: dict[int, asyncio.Task[None]] = {}
        self._open = asyncio.Event()
        self.in_flight = InFlight()
        begin()

    def positions(self) -> dict[int, int]:
        """The next offset to decide, by partition."""
        return {number: partition.position.next_offset for number, partition in self._held.items()}

    def states(self) -> list[State]:
        """The states of the partitions held, for reading only."""
        return [partition.state for partition in self._held.values()]

    def work(self) -> list[Work]:
        """Return the work in progress, for the watchdog. Safe to call from any thread.

        Held partitions wait for all that are being restored, so each step of a restore is progress for every one.
        """
        held, taking = list(self._held.items()), list(self._taking.items())
        steps = tuple((number, partition and partition.steps) for number, partition in taking)
        waits = any(partition is None or partition.waits for _, partition in taking)
        works = [Work((IMPRESSIONS, number), None, steps, waits) for number, _ in taking]
        for number, partition in held:
            at = partition.position.next_offset
            moved = (partition.place, steps)
            works.append(Work((IMPRESSIONS, number), at, moved, waits or partition.waits))
        return works

    async def pause(self) -> None:
        """Start no chunk until `resume`; return once none is in progress."""
        self._open.clear()
        metrics.worker_ready.set(0)
        if self._commits:
            await asyncio.wait(self._commits.values())
        self._commits.clear()

    def resume(self) -> None:
        """Continue: every partition held is restored."""
        self._open.set()
        metrics.worker_ready.set(1)

    async def hold(self, wanted: Iterable[int]) -> None:
        """Give back partitions that are not wanted and restore new ones. If another worker held a kept partition in
        between, the fence shows it at the next commit."""
        wanted = set(wanted)
        await self.pause()
        for number in self._held.keys() - wanted:
            self._held.pop(number).close()
            forget(number)
            logger.info("partition_given_back", partition=number)
        new = sorted(wanted - self._held.keys())
        taken = await asyncio.gather(*(self._taken(number) for number in new))
        self._held.update(zip(new, taken, strict=True))
        metrics.worker_partitions.set(len(self._held))
        for number in new:
            self.in_flight.forget(number)
            lag = partial(self._lag_seconds, number)
            metrics.worker_lag_seconds.labels(str(number)).set_function(lag)

    async def process(self, number: int, run: Run) -> bool:
        """Decide a chunk once the previous one is committed, and start committing it.

        A chunk of a partition that is not held is dropped; its holder reads it. Returns False and does nothing if an
        earlier chunk was lost between the fetcher and here, as can happen to chunks in flight during a rebalance: the
        caller must then seek to the positions.
        """
        await self._turn(number)
        # Nothing is awaited from here on, so no rebalance can intervene.
        partition = self._held.get(number)
        if partition is None:
            self.in_flight.forget(number)
            return True
        if run.start > partition.place:
            logger.warning("chunk_missed", partition=number, start=run.start, next=partition.place)
            self.in_flight.forget(number)
            return False
        try:
            chunk = partition.decide(run.records)
        except LineError as error:
            self._poison.note(partition.position.topic_id, number, error.offset, error.line)
            raise
        if chunk is None:
            self.in_flight.done(number, partition.place)
        else:
            self._commits[number] = asyncio.create_task(self._commit(partition, chunk))
        return True

    async def _turn(self, number: int) -> None:
        """Return when the partition can decide a chunk: nothing is paused, and its last chunk is committed."""
        while not self._open.is_set() or number in self._commits:
            await self._open.wait()
            if (commit := self._commits.get(number)) is not None:
                # Not `await commit`: cancelling this wait would cancel the commit.
                await asyncio.wait([commit])
                self._commits.pop(number, None)

    async def _commit(self, partition: Partition, chunk: Chunk) -> None:
        try:
            await asyncio.to_thread(self._commit_verified, partition, chunk)
        except Exception as error:
            end_process(error)
        self.in_flight.done(partition.number, partition.place)
        observe(partition, chunk)

    def _lag_seconds(self, number: int) -> float:
        return self.in_flight.seconds(number, time.time())

    def _commit_verified(self, partition: Partition, chunk: Chunk) -> None:
        self._sources.verify(chunk.taken_at)
        partition.commit(chunk)

    async def _taken(self, number: int) -> Partition:
        """Restore a partition; wait while the broker is unreachable."""
        try:
            while True:
                self._taking[number] = None
                try:
                    return await asyncio.to_thread(self._take, number)
                except (BrokerAwayError, KafkaException) as error:
                    logger.warning("partition_waits", partition=number, why=str(error))
                    self._taking[number] = None
                    await asyncio.sleep(RETRY_SECONDS)
        finally:
            del self._taking[number]

    def _take(self, number: int) -> Partition:
        topic = describe(self._settings, IMPRESSIONS)
        low, high = watermarks(self._settings, IMPRESSIONS, number)
        partition = Partition(self._settings, number, self._store(number))
        self._taking[number] = partition
        try:
            suspicion = self._poison.suspicion(topic.topic_id, number)
            partition.recover(topic.topic_id, topic.partitions, high, self._catalogue, suspicion)
        except BaseException:
            partition.close()
            raise
        self._poison.forget(topic.topic_id, number, partition.place)
        lost = low - partition.position.next_offset
        if lost > 0:
            metrics.worker_lost_records.inc(lost)
            logger.error("records_lost_to_retention", partition=number, records=lost)
        return partition

    def _store(self, number: int) -> Store:
        if self._settings.state_store == "memory":
            return MemoryStore()
        return RocksStore(self._folder / f"partition-{number}", self._memory)
