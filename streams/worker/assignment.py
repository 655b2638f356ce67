"""The partitions that this worker holds, from assignment to revocation.

Each partition goes through these states; `worker_ready` is 1 while every assigned partition is running.

              assigned                      restored
    (none) --------------> CLAIMED -----------------------------> RUNNING
                                                                   |    ^
                                          pause: a rebalance begins |    | resume
                                                                   v    |
    (none) <-------------------------------------------------- PAUSED --+
                 revoked: closed, its state stays on disk

CLAIMED: fence the previous owner, restore the state from the changelogs, check that it fits (worker/partition.py), as
often as it takes (worker/claims.py); the others run meanwhile. RUNNING: decide and commit chunks one after another.
PAUSED: no chunk is started, and none is being committed. An error in RUNNING or PAUSED ends the process, and so does
one that leaves none of the partitions; its successor starts from (none).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from pathlib import Path

from streams.core.catalogue import Catalogue
from streams.core.chunk import LineError
from streams.errors import CatalogueBehindError, Kind
from streams.kafka.admin import describe, watermarks
from streams.kafka.names import IMPRESSIONS
from streams.kafka.topic_ids import Sources
from streams.metrics import availability
from streams.metrics import catalogue as metrics
from streams.runtime import log
from streams.runtime.exit import end_process
from streams.runtime.stall import Work
from streams.settings import Settings
from streams.state.memory import MemoryStore
from streams.state.partition_state import State
from streams.state.rocks import RocksMemory, RocksStore
from streams.state.store import Store
from streams.worker.claims import Claim, Claims
from streams.worker.faust.consumer import Run
from streams.worker.in_flight import InFlight
from streams.worker.observe import begin, forget, observe
from streams.worker.partition import Chunk, Partition, Source
from streams.worker.poison import PoisonLog
from streams.worker.uncatalogued import Uncatalogued

logger = log.get(__name__)

# How long the partitions of an assignment wait for each other, so that usually all of them are read from the start. A
# restore that takes longer, or that can't succeed now, joins later.
TOGETHER_SECONDS = 5.0


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
        self.uncatalogued = Uncatalogued(catalogue)
        self._folder = folder
        self._poison = PoisonLog(self._folder)
        self._memory = RocksMemory(settings.rocksdb_memory_mib)
        self._held: dict[int, Partition] = {}
        self._claims = Claims(self._take, self._taken, self._show)
        # Makes the consumer read partitions that were taken while others are being read.
        self.read_taken: Callable[[], Awaitable[None]] = _nothing
        # Makes the group assign partitions anew, once.
        self.ask_again: Callable[[], None] = lambda: None
        # The labels of what is shown as not taken.
        self._shown: set[tuple[str, str]] = set()
        # The partitions that wait for the catalogue.
        self._behind: set[int] = set()
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

    def untaken(self) -> list[int]:
        """The partitions that are assigned to this worker, and that it doesn't hold. Safe to call from any thread."""
        return [claim.number for claim in self._claims.all()]

    def work(self) -> list[Work]:
        """Return the work in progress, for the watchdog. Safe to call from any thread.

        While nothing may be decided, held partitions wait for those being restored, so each step of a restore is
        progress for every one. A partition that was refused is no work: a restart wouldn't help it.
        """
        held = list(self._held.items())
        works = [claim.work() for claim in self._claims.all() if claim.kind is not Kind.REFUSE]
        together = works if not self._open.is_set() else []
        steps = tuple(each.moved for each in together)
        waits = any(each.waits for each in together)
        for number, partition in held:
            at = partition.position.next_offset
            moved = (partition.place, steps)
            works.append(Work((IMPRESSIONS, number), at, moved, waits or partition.waits))
        return works

    def why_not_ready(self) -> str | None:
        """Say in a sentence each why partitions can't be taken; None if all are. Safe to call from any thread."""
        by_reason: dict[str, list[str]] = {}
        for claim in self._claims.all():
            if claim.kind is not None:
                by_reason.setdefault(f"({claim.kind.value}): {claim.error}", []).append(f"{IMPRESSIONS}-{claim.number}")
        return " ".join(f"{', '.join(names)} can't be taken {why}" for why, names in by_reason.items()) or None

    async def pause(self) -> None:
        """Start no chunk until `resume`; return once none is in progress."""
        self._open.clear()
        self._show()
        if self._commits:
            await asyncio.wait(self._commits.values())
        self._commits.clear()

    def resume(self) -> None:
        """Continue with every partition held."""
        self._open.set()
        self._show()

    async def hold(self, wanted: Iterable[int]) -> None:
        """Give back partitions that are not wanted and take new ones; return once each is taken or set aside.

        If another worker held a kept partition in between, the fence shows it at the next commit.
        """
        wanted = set(wanted)
        await self.pause()
        for number in self._held.keys() - wanted:
            self._held.pop(number).close()
            forget(number)
            logger.info("partition_given_back", partition=number)
        self._claims.want(wanted - self._held.keys())
        self._show()
        await self._claims.settled(TOGETHER_SECONDS)

    def _taken(self, partition: Partition) -> Awaitable[None]:
        number = partition.number
        self._held[number] = partition
        if partition.grown:
            self.ask_again()
        self.in_flight.forget(number)
        metrics.worker_lag_seconds.labels(str(number)).set_function(partial(self._lag_seconds, number))
        self._show()
        return self.read_taken() if self._open.is_set() else _nothing()

    def _show(self) -> None:
        """Show what is held and what isn't. Ends the process if nothing is left that it could ever decide."""
        claims = self._claims.all()
        metrics.worker_partitions.set(len(self._held))
        metrics.worker_ready.set(self._open.is_set() and not claims)
        untaken = {(str(claim.number), claim.kind.value) for claim in claims if claim.kind is not None}
        for labels in self._shown - untaken:
            metrics.forget(labels, availability.untaken)
        for labels in untaken:
            availability.untaken.labels(*labels).set(1)
        self._shown = untaken
        self._show_behind({claim.number for claim in claims if isinstance(claim.error, CatalogueBehindError)})
        refusals = [claim.error for claim in claims if claim.kind is Kind.REFUSE and claim.error is not None]
        if not self._held and refusals and len(refusals) == len(claims):
            end_process(refusals[0])

    def _show_behind(self, numbers: set[int]) -> None:
        """Show how long partitions have waited for the catalogue, which may have lost what they wait for."""
        for number in self._behind - numbers:
            metrics.forget((str(number),), availability.catalogue_behind)
        for number in numbers - self._behind:
            waited = partial(_seconds_since, time.monotonic())
            availability.catalogue_behind.labels(str(number)).set_function(waited)
        self._behind = numbers

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
        self.uncatalogued.saw(chunk.outputs.summary.uncatalogued)

    def _lag_seconds(self, number: int) -> float:
        return self.in_flight.seconds(number, time.time())

    def _commit_verified(self, partition: Partition, chunk: Chunk) -> None:
        self._sources.verify(chunk.taken_at)
        partition.commit(chunk)

    def _take(self, claim: Claim) -> Partition:
        """Restore a partition. Blocking. Raises what keeps it from being taken."""
        number = claim.number
        partition = Partition(self._settings, number, self._store(number), claim.step)
        claim.partition = partition
        try:
            source = partition.recover(
                lambda: self._source(number),
                self._catalogue,
                lambda topic_id: self._poison.suspicion(topic_id, number),
            )
        except BaseException:
            partition.close()
            raise
        self._poison.forget(source.topic_id, number, partition.place)
        lost = source.low - partition.position.next_offset
        if lost > 0:
            metrics.worker_lost_records.inc(lost)
            logger.error("records_lost_to_retention", partition=number, records=lost)
        return partition

    def _source(self, number: int) -> Source:
        topic = describe(self._settings, IMPRESSIONS)
        return Source(topic.topic_id, topic.partitions, *watermarks(self._settings, IMPRESSIONS, number))

    def _store(self, number: int) -> Store:
        if self._settings.state_store == "memory":
            return MemoryStore()
        return RocksStore(self._folder / f"partition-{number}", self._memory)


def _seconds_since(monotonic: float) -> float:
    return time.monotonic() - monotonic


async def _nothing() -> None:
    """Do nothing."""
