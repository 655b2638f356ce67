"""Run the worker with a defect: deciding a flush of DEADLY_USER kills the process. Takes the command line's arguments.

So does a library's own code that crashes, or a line that takes more memory than the container has.
"""

import os
import signal
from collections.abc import Iterable

from streams.core import chunk
from streams.core.decode_fast import Flush
from streams.core.decode_fast import read as read_lines

DEADLY_USER = "deadly-user"


def read(lines: Iterable[bytes]) -> list[Flush | None]:
    """Kill the process at the marked user's line; read every other one."""
    lines = list(lines)
    if any(DEADLY_USER.encode() in line for line in lines):
        os.kill(os.getpid(), signal.SIGKILL)
    return read_lines(lines)


if __name__ == "__main__":
    from streams.cli import main

    vars(chunk)["read"] = read
    main()
