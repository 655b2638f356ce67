"""Log lines that never cost an answer: a server goes on when its log can't be written."""

import contextlib
from collections.abc import Callable


def note(write: Callable[..., object], event: str, **fields: object) -> None:
    """Log an event. A full disk, a pipe that nobody reads (OSError) or a closed stderr (ValueError) is no failure."""
    with contextlib.suppress(OSError, ValueError):
        write(event, **fields)
