"""Run a benchmark as a command: even if interrupted, it stops what it started."""

import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from streams.errors import UserError


def run(main: Callable[[], int]) -> NoReturn:
    """Exit with what `main` returns; with 2 and the message after a UserError; with 130 if interrupted."""
    # As for Ctrl-C: what was started is stopped on the way out.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        sys.exit(main())
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted: everything that was started is stopped\n")
        sys.exit(130)


def _interrupt(_: int, __: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
