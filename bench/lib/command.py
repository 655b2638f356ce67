"""How a benchmark runs as a command: interrupted or not, what it started is stopped."""

import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from streams.errors import UserError


def run(main: Callable[[], int]) -> NoReturn:
    """Exit with what `main` returns; 2 with the sentence of a UserError, 130 when it is interrupted."""
    # As Ctrl-C does: what was started is stopped on the way out.
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
