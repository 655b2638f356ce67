"""Run the collector with a defect: what finds no room in its queue for a while is dropped, and called stored.

Takes the command line's arguments.
"""

import asyncio
import time
from collections.abc import Sequence

from streams.collector.log import Log

# About what a queue of a few flushes holds.
MOST_BYTES = 2_000
# For how long lines may wait for room (s): far longer than brokers take, also on a busy machine.
PATIENCE_SECONDS = 2.0
LOOK_SECONDS = 0.01

_append = Log.append


async def append(self: Log, lines: Sequence[tuple[int, bytes]]) -> None:
    """Append lines if there is room for them soon."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while self.waiting_bytes > MOST_BYTES:
        if time.monotonic() > deadline:
            return
        await asyncio.sleep(LOOK_SECONDS)
    await _append(self, lines)


if __name__ == "__main__":
    from streams.cli import main

    Log.append = append  # type: ignore[method-assign]
    main()
