"""Run a worker or a sink with a defect: it hangs for ever. Accepts the command line's arguments.

The worker hangs in the event loop at a flush of STANDING_USER, the sink in its only thread at its first insert.
"""

from threading import Event
from typing import Any

from streams.core import chunk
from streams.core.decode import DecodedFlush, RefusedLine
from streams.core.decode import decode as decode_line
from streams.sink import writer

STANDING_USER = "standing-user"


def decode(line: bytes) -> DecodedFlush | RefusedLine:
    """Hang at the marked user; decode every other user's lines."""
    if STANDING_USER.encode() in line:
        Event().wait()
    return decode_line(line)


def insert(*_: Any) -> None:
    """Never return."""
    Event().wait()


if __name__ == "__main__":
    from streams.cli import main

    vars(chunk)["decode"] = decode
    vars(chunk)["read"] = lambda lines: [None for _ in lines]
    vars(writer)["Writer"].insert = insert
    main()
