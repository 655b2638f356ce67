"""Run the worker with a defect: deciding a flush of KILLING_USER kills it. Accepts the command line's arguments."""

import os
import signal

from streams.core import chunk
from streams.core.decode import DecodedFlush, RefusedLine
from streams.core.decode import decode as decode_line

KILLING_USER = "killing-user"


def decode(line: bytes) -> DecodedFlush | RefusedLine:
    """Die on the marked user, as code that the machine can't run would; decode every other user's lines."""
    if KILLING_USER.encode() in line:
        os.kill(os.getpid(), signal.SIGKILL)
    return decode_line(line)


if __name__ == "__main__":
    from streams.cli import main

    vars(chunk)["decode"] = decode
    vars(chunk)["read"] = lambda lines: [None for _ in lines]
    main()
