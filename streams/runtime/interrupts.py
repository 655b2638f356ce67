"""SIGINT, SIGTERM and SIGHUP as an exception, so that a command can stop what it started, at whatever line they come.

It is raised once at most: never while a process is being started, which nobody would know of, and never while the
command stops what it started. A signal that is ignored from the start, as `nohup` has it, stays ignored.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# The shell's convention: the exit code of what a signal ended is this and its number.
EXIT_BASE = 128


class Interrupted(KeyboardInterrupt):
    """One of the signals has come."""


class Interrupts:
    """The handlers of a process, and which signal has come. There is one of it, installed in the main thread."""

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self._raised = self._ending = False
        self._holds = 0

    def install(self) -> None:
        """Handle the signals from now on."""
        global _installed  # noqa: PLW0603 - handlers are the process's too
        _installed = self
        for number in SIGNALS:
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._handle)

    @property
    def exit_code(self) -> int | None:
        """Return the exit code by the signal that came; None if none has."""
        return None if self.received is None else EXIT_BASE + self.received

    def end(self) -> None:
        """Raise nothing from now on, because the process stops what it started."""
        self._ending = True

    def check(self) -> None:
        """Raise Interrupted if a signal came, unless the process already stops what it started."""
        if self.received is not None and not self._ending:
            raise Interrupted(self.received.name)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Raise Interrupted for a signal that comes meanwhile only after the body."""
        self._holds += 1
        try:
            yield
        finally:
            self._holds -= 1
            self._raise_once()

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        self.received = self.received or signal.Signals(number)
        self._raise_once()

    def _raise_once(self) -> None:
        if self.received is None or self._raised or self._ending or self._holds:
            return
        self._raised = True
        raise Interrupted(self.received.name)


_installed: Interrupts | None = None


def check() -> None:
    """Raise Interrupted once more if its exception got lost, as it does in a finalizer or in some library in C.

    For loops of the main thread that may last; without handlers, or in another thread, this does nothing.
    """
    if _installed is not None and threading.current_thread() is threading.main_thread():
        _installed.check()


@contextmanager
def held() -> Iterator[None]:
    """Put off the exception of the installed handlers until the body has ended; it is raised in the main thread only.

    Without handlers, or in another thread, this does nothing.
    """
    if _installed is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    with _installed.hold():
        yield
