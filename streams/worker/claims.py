"""Takes the partitions that are assigned to this worker, each on its own: what keeps one from being taken holds up
no other one.

                  wanted             taken
    (not ours) -----------> TRIED -----------> held, by worker/assignment.py
                            ^   |
              after a while |   | an error that passes (wait)
                            |   v
                           WAITING
                                       an error that a person must mend (refuse)
                            TRIED ----------------------------------------------> REFUSED

A claim ends in any state when the partition is no longer wanted. A try that is in progress then runs on to its next
step in its thread, and closes what it had opened; only then may a new claim to the same partition open it again. Any
other error ends the process.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from streams.errors import Kind
from streams.kafka.errors import kind
from streams.kafka.names import IMPRESSIONS
from streams.runtime import log
from streams.runtime.backoff import Backoff
from streams.runtime.exit import end_process
from streams.runtime.stall import Work
from streams.worker.partition import Partition

logger = log.get(__name__)

# Partitions that are tried at the same time. Most of a try is waiting for brokers; those of partitions that can't be
# taken now must leave threads to the others.
THREADS = 16


class UnwantedError(Exception):
    """The partition that is being taken is no longer wanted."""


class Claim:
    """One partition that is wanted and not held. Its state is read from any thread."""

    def __init__(self, number: int) -> None:
        self.number = number
        # What is being restored, while a try is in progress and has got so far.
        self.partition: Partition | None = None
        # Why the last try failed, if one did.
        self.error: Exception | None = None
        self.kind: Kind | None = None
        self.tries = 0
        self._pausing = False
        self._unwanted = asyncio.Event()
        self._settled = asyncio.Event()

    @property
    def unwanted(self) -> bool:
        """Whether the partition is no longer wanted."""
        return self._unwanted.is_set()

    def step(self) -> None:
        """Note a step of the restore. Raises UnwantedError if there is no need to go on."""
        if self.unwanted:
            raise UnwantedError

    def work(self) -> Work:
        """Return the work in progress, for the watchdog."""
        partition = self.partition
        moved = (self.tries, self._pausing, partition and partition.steps)
        return Work(
            (IMPRESSIONS, self.number), None, moved, self._pausing or (partition is not None and partition.waits)
        )

    def end(self) -> None:
        """Want it no more."""
        self._unwanted.set()
        self._settled.set()

    def settle(self) -> None:
        """It is held, or set aside."""
        self._settled.set()

    async def settled(self) -> None:
        """Return once it is held, set aside, or no longer wanted."""
        await self._settled.wait()

    async def pause(self, seconds: float) -> None:
        """Wait before the next try, or until the partition is no longer wanted."""
        self._pausing = True
        with suppress(TimeoutError):
            await asyncio.wait_for(self._unwanted.wait(), seconds)
        self._pausing = False


class Claims:
    """The claims of this worker."""

    def __init__(
        self,
        take: Callable[[Claim], Partition],
        taken: Callable[[Partition], Awaitable[None]],
        changed: Callable[[], None],
    ) -> None:
        """`take` restores a partition, in a thread. `taken` gets it in the event loop; it holds it at once, and what it
        returns then begins to read it. `changed` is called when a partition was set aside."""
        self._take, self._taken, self._changed = take, taken, changed
        self._claims: dict[int, Claim] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._threads = ThreadPoolExecutor(THREADS, "take")

    def all(self) -> list[Claim]:
        """Return the claims, in order. Safe to call from any thread."""
        return sorted(list(self._claims.values()), key=lambda claim: claim.number)

    def want(self, numbers: Iterable[int]) -> None:
        """Claim these partitions and no others. One that was refused stays refused while it is wanted."""
        wanted = set(numbers)
        for number in self._claims.keys() - wanted:
            self._claims.pop(number).end()
        for number in sorted(wanted - self._claims.keys()):
            claim = self._claims[number] = Claim(number)
            self._tasks[number] = asyncio.create_task(self._pursue(claim, self._tasks.get(number)))

    async def settled(self, seconds: float) -> None:
        """Return once every partition is held or set aside, or after some seconds, which a long restore may take."""
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*(claim.settled() for claim in self.all())), seconds)

    async def _pursue(self, claim: Claim, before: "asyncio.Task[None] | None") -> None:
        try:
            if before is not None:
                await asyncio.wait([before])  # it may still have the same store open
            if (partition := await self._try_until_taken(claim)) is not None:
                del self._claims[claim.number]
                if claim.error is not None:
                    logger.info("partition_taken", partition=claim.number, tries=claim.tries)
                reading = self._taken(partition)
                claim.settle()
                await reading
        except Exception as error:
            end_process(error)

    async def _try_until_taken(self, claim: Claim) -> Partition | None:
        """Return the partition once it is restored; None if it is refused or no longer wanted."""
        backoff, loop = Backoff(), asyncio.get_running_loop()
        while not claim.unwanted:
            claim.tries += 1
            try:
                partition = await loop.run_in_executor(self._threads, self._take, claim)
            except UnwantedError:
                return None
            except Exception as error:
                claim.partition = None
                if claim.unwanted:
                    return None
                if not self._set_aside(claim, error):
                    return None
                await claim.pause(backoff.fail(time.monotonic()))
            else:
                if not claim.unwanted:
                    return partition
                await loop.run_in_executor(self._threads, partition.close)
        return None

    def _set_aside(self, claim: Claim, error: Exception) -> bool:
        """Note why a try failed; return whether to try again. Raises the error if it isn't the partition's alone."""
        found = kind(error)
        if found not in (Kind.WAIT, Kind.REFUSE):
            raise error
        if (found, str(error)) != (claim.kind, str(claim.error)):
            event = "partition_waits" if found is Kind.WAIT else "partition_refused"
            logger.warning(event, partition=claim.number, why=str(error))
        claim.error, claim.kind = error, found
        self._changed()
        claim.settle()
        return found is Kind.WAIT
