"""The worker's one agent."""

from collections.abc import Awaitable, Callable
from typing import Any

from streams.runtime.exit import end_process
from streams.worker.assignment import Assignment


async def decide_chunks(assignment: Assignment, stream: Any, seek: Callable[[], Awaitable[None]]) -> None:
    """Decide chunk after chunk. No exception leaves: Faust would acknowledge the chunk (L1).

    Bad input is no exception but a rejected row; a broker that is away is waited for. What is left ends the
    process, and whatever was not committed did not happen. `seek` takes the consumer back to the positions.
    """
    async for event in stream.events():
        try:
            if not await assignment.process(event.message.partition, event.value):
                await seek()
        except Exception as error:
            end_process(error)
