"""Run the worker with a defect: every fifth chunk is lost after the fetcher. Accepts the command line's arguments.

This can happen to a chunk on its way to the agent while the group rebalances.
"""

from collections.abc import AsyncIterator
from itertools import count
from typing import Any

from streams.worker.faust.consumer import ChunkConsumer

EVERY = 5

_getmany = ChunkConsumer.getmany
_numbers = count(1)


async def getmany(self: ChunkConsumer, timeout: float) -> AsyncIterator[tuple[Any, Any]]:
    """Yield what the consumer yields, except every fifth chunk."""
    async for tp, message in _getmany(self, timeout):
        if next(_numbers) % EVERY:
            yield tp, message


if __name__ == "__main__":
    from streams.cli import main

    ChunkConsumer.getmany = getmany  # type: ignore[method-assign]
    main()
