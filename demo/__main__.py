"""`python -m demo`, which is what `make demo` runs."""

import os
import sys

from streams.runtime.interrupts import Interrupted, Interrupts


def main() -> int:
    """Run the demo. Return 0 if everything is right, 1 if not, 2 for an error that users can fix, or the signal's code.

    The signals are handled before anything is imported that takes long.
    """
    interrupts, code, stopped = Interrupts(), 0, True
    interrupts.install()
    try:
        from demo.command import command  # noqa: PLC0415 - see above

        code = command(sys.argv[1:], interrupts)
        stopped = code == 0
    except Interrupted:
        pass
    except OSError:
        # After SIGHUP, the terminal may be gone in the middle of a line.
        if interrupts.received is None:
            raise
    finally:
        interrupts.end()
    if interrupts.exit_code is None or interrupts.received is None:
        return code
    say_last(f"Interrupted by {interrupts.received.name}{'; nothing was left running' if stopped else ''}.")
    return interrupts.exit_code


def say_last(line: str) -> None:
    """Print a line, unless the terminal is gone; then let Python find nothing to write to at its end."""
    try:
        print(line, flush=True)  # noqa: T201 - rich may not be imported yet
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
