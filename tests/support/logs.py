"""The logging of this process, put back after whatever sets it up: a test's stderr is closed when the test ends."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog


@contextmanager
def as_they_were() -> Iterator[None]:
    """After the body, both logging libraries are as before it; loggers that it used for the first time stay as set up.

    A process sets up its logs once. A test that plays such a process would leave its level and its stderr behind, to
    all later tests of this process: they would not find events below that level, and write to a closed file.
    """
    root, configured = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    processors = configured["processors"][:]
    try:
        yield
    finally:
        configured["processors"][:] = processors
        structlog.configure(**configured)
        root.handlers[:] = handlers
        root.setLevel(level)
