"""The worker's only agent."""

from collections.abc import Awaitable, Callable
from typing import Any

from streams.runtime.exit import end_process
from streams.worker.assignment import Assignment


async def decide_chunks(assignment: Assignment, stream: Any, seek: Callable[[], Awaitable[None]]) -> None:
    """Decide one chunk after another. No exception escapes: Faust would acknowledge the chunk (L1).

    Bad input becomes a rejected row, and an unreachable broker is waited for. Any other error ends the process, and
    whatever was not committed did not happen. `seek` returns the consumer to the positions.
    """
    async for event in stream.events():
        try:
            if not await assignment.process(event.message.partition, event.value):
                await seek()
        except Exception as error:
            end_process(error)
