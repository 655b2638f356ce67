"""A program in a terminal of a given size: its output, and a terminal that can be closed under it."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

# Makes the terminal that it gets the controlling one, as a login does, and becomes the program.
LOGIN = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A terminal with a program in it. Leaving the body ends both."""

    def __init__(
        self, argv: Sequence[str], width: int, height: int = 50, environment: Mapping[str, str] | None = None
    ) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        # COLUMNS would win over the terminal's size.
        inherited = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
        self.process = subprocess.Popen(
            [sys.executable, "-c", LOGIN, *argv],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env={**inherited, "TERM": "xterm-256color", **(environment or {})},
        )
        os.close(slave)
        self.output = ""
        # select() refuses descriptors above 1,023, which a long run's process has.
        self._ready = select.poll()
        self._ready.register(self._master, select.POLLIN)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hang_up()
        self.process.kill()
        self.process.wait()

    def read_until(self, text: str, seconds: float) -> None:
        """Read until the output contains a text. Raises AssertionError with the output if it ends or takes longer."""
        assert self._read(text, seconds), f"no {text!r}: {self.output[-4000:]}"

    def type(self, keys: bytes) -> None:
        """Press keys: b"\\x03" is Ctrl-C."""
        os.write(self._master, keys)

    def wait(self, seconds: float) -> int:
        """Read to the end; return the exit code."""
        assert not self._read("\0 never", seconds)
        return self.process.wait(seconds)

    def hang_up(self) -> None:
        """Close the terminal, as a window that is closed."""
        if self._master >= 0:
            os.close(self._master)
            self._master = -1

    @property
    def lines(self) -> list[str]:
        """The output's lines, as they were before anything was overwritten, without colours and movements."""
        return re.split(r"[\r\n]+", CONTROL.sub("", self.output))

    def _read(self, text: str, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while text not in self.output:
            if not self._ready.poll(max(0.0, deadline - time.monotonic()) * 1_000):
                return False
            try:
                self.output += os.read(self._master, 65_536).decode(errors="replace")
            except OSError:  # how Linux tells that the program has closed it
                return False
        return True
