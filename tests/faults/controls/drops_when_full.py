"""Run the collector with a defect: while much waits for the brokers, it drops what comes, and calls it stored.

Takes the command line's arguments.
"""

import asyncio
from collections.abc import Sequence

from streams.collector.packing import Packer

# About what a queue of a few flushes holds.
MOST_BYTES = 2_000

_add = Packer.add


def add(self: Packer, lines: Sequence[tuple[int, bytes]], now: float) -> asyncio.Future[None]:
    """Take lines if there is room for them."""
    if self.waiting_bytes <= MOST_BYTES:
        return _add(self, lines, now)
    dropped = asyncio.get_running_loop().create_future()
    dropped.set_result(None)
    return dropped


if __name__ == "__main__":
    from streams.cli import main

    Packer.add = add  # type: ignore[method-assign]
    main()
