"""Replaces Faust's recovery: a partition is fenced, restored and checked before Faust reads from it.

What can't be restored yet is left out, paused, and read once it is (streams/worker/claims.py).
"""

from typing import Any, cast

from aiokafka.errors import IllegalStateError
from faust.tables.manager import TableManager
from faust.tables.recovery import RebalanceAgain, Recovery
from faust.types import TP
from mode import Service

from streams.kafka.names import IMPRESSIONS
from streams.runtime.exit import end_process


class StateRecovery(Recovery):
    """Runs after each rebalance, beside the consumer, which keeps sending heartbeats."""

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        """Note which partitions are ours now, and wake the task that restores them."""
        self._assigned = {tp.partition for tp in assigned if tp.topic == IMPRESSIONS}
        self._generation_id = generation_id
        self.signal_recovery_start.set()

    @Service.task
    async def _restart_recovery(self) -> None:
        """Replace Faust's task of the same name, which waits forever for the offsets of commit markers."""
        assignment = cast(Any, self.app).assignment
        # The event is asyncio's; mode's annotation asks for its own type.
        while not await self.wait_for_stopped(cast(Any, self.signal_recovery_start)):
            self.signal_recovery_start.clear()
            generation = self._generation_id
            try:
                await assignment.hold(self._assigned)
                await self._resume_streams(generation_id=generation)
                if self.completed.is_set() and generation == self._generation_id:
                    assignment.resume()
                    # Those that were taken while the others were being resumed.
                    await assignment.read_taken()
            except (RebalanceAgain, IllegalStateError):
                continue  # the next rebalance has set the signal again
            except Exception as error:
                end_process(error)


class StateTableManager(TableManager):
    """Declares the tables without reading their changelogs as streams."""

    @property
    def recovery(self) -> Recovery:
        if self._recovery is None:
            self._recovery = StateRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery

    async def _update_channels(self) -> None:
        self._tables_finalized.set()
        self._tables_registered.set()

    def __hash__(self) -> int:
        return object.__hash__(self)
