"""Single keys from a terminal, without waiting for Enter."""

import os
import select
import sys
import termios
import time
import tty
from typing import Self


class Keys:
    """While entered, keys arrive one by one; Ctrl-C still interrupts. Without a terminal, no key ever arrives."""

    def __enter__(self) -> Self:
        self._descriptor = sys.stdin.fileno() if sys.stdin is not None and sys.stdin.isatty() else None
        if self._descriptor is not None:
            self._before = termios.tcgetattr(self._descriptor)
            tty.setcbreak(self._descriptor)
        return self

    def __exit__(self, *_: object) -> None:
        if self._descriptor is not None:
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._before)

    def within(self, seconds: float) -> str:
        """Return the keys that come within this time, as soon as one does; empty if none does."""
        if self._descriptor is None:
            time.sleep(seconds)
            return ""
        ready, _, _ = select.select([self._descriptor], [], [], seconds)
        return os.read(self._descriptor, 64).decode(errors="replace") if ready else ""
