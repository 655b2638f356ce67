"""Run the worker with a defect: deciding a flush of POISONED_USER fails. Accepts the command line's arguments.

A flush of UNREADABLE_USER meets a store that can't be read.
"""

from streams.core import chunk
from streams.core.decode import DecodedFlush, RefusedLine
from streams.core.decode import decode as decode_line
from streams.errors import StateUnreadableError

POISONED_USER = "poisoned-user"
UNREADABLE_USER = "unreadable-user"


def decode(line: bytes) -> DecodedFlush | RefusedLine:
    """Fail on the marked users, as a defect of ours or a broken store would; decode every other user's lines."""
    if UNREADABLE_USER.encode() in line:
        raise StateUnreadableError("the store can't be read")
    if POISONED_USER.encode() in line:
        raise ZeroDivisionError("a defect of ours")
    return decode_line(line)


if __name__ == "__main__":
    from streams.cli import main

    vars(chunk)["decode"] = decode
    vars(chunk)["read"] = lambda lines: [None for _ in lines]
    main()
