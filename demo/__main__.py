"""`python -m demo`, which is what `make demo` runs."""

import errno
import os
import signal
import sys
from collections.abc import Callable

from streams.runtime.interrupts import Interrupted, Interrupts


def main() -> int:
    """Run the demo. Return 0 if everything is right, 1 if not, 2 for an error that users can fix, or the signal's code.

    The signals are handled before anything is imported that takes long.
    """
    interrupts, code = Interrupts(), 0
    left: Callable[[], list[str]] = list
    interrupts.install()
    try:
        from demo.command import command, left_running  # noqa: PLC0415 - see above

        left = left_running
        code = command(sys.argv[1:], interrupts)
    except (Exception, Interrupted) as error:
        # A signal may become another exception: SystemError in a library in C, OSError if the terminal is gone.
        if isinstance(error, OSError) and error.errno == errno.EIO and not sys.stdout.isatty():
            interrupts.received = interrupts.received or signal.SIGHUP
        if interrupts.received is None:
            raise
    finally:
        interrupts.end()
    if interrupts.exit_code is None or interrupts.received is None:
        return code
    names = ", ".join(left())
    say_last(f"Interrupted by {interrupts.received.name}; {names or 'nothing'} was left running.")
    return interrupts.exit_code


def say_last(line: str) -> None:
    """Print a line, unless the terminal is gone; then let Python find nothing to write to at its end."""
    try:
        print(line, flush=True)  # noqa: T201 - rich may not be imported yet
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
