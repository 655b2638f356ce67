"""Run the collector with a defect: it answers once lines are on their way, and doesn't wait for the brokers.

Takes the command line's arguments.
"""

import time
from collections.abc import Sequence

from streams.collector.log import Log


async def append(self: Log, lines: Sequence[tuple[int, bytes]]) -> None:
    """Send, and call it stored."""
    if lines:
        self._packer.add(lines, time.monotonic())


if __name__ == "__main__":
    from streams.cli import main

    Log.append = append  # type: ignore[method-assign]
    main()
