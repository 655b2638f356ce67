"""Run the worker with a defect: deciding a flush of POISONED_USER fails. Accepts the command line's arguments."""

from streams.core import chunk
from streams.core.decode import DecodedFlush, RefusedLine
from streams.core.decode import decode as decode_line

POISONED_USER = "poisoned-user"


def decode(line: bytes) -> DecodedFlush | RefusedLine:
    """Fail on the marked user, as a defect of ours would; decode every other user's lines."""
    if POISONED_USER.encode() in line:
        raise ZeroDivisionError("a defect of ours")
    return decode_line(line)


if __name__ == "__main__":
    from streams.cli import main

    vars(chunk)["decode"] = decode
    vars(chunk)["read"] = lambda lines: [None for _ in lines]
    main()
