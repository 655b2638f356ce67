"""Ctrl-C as a request: the first ends the work in good order, the second ends it at once."""

import signal
from threading import Event, current_thread, main_thread
from types import FrameType
from typing import Self


class Interrupt:
    """While entered, SIGINT sets `event`; a second one raises KeyboardInterrupt as usual.

    Only the main thread may install handlers; elsewhere SIGINT keeps its handler.
    """

    def __init__(self) -> None:
        self.event = Event()

    def __enter__(self) -> Self:
        self._active = current_thread() is main_thread()
        if self._active:
            self._before = signal.signal(signal.SIGINT, self._on_signal)
        return self

    def __exit__(self, *exception: object) -> None:
        if self._active:
            signal.signal(signal.SIGINT, self._before)

    def __bool__(self) -> bool:
        return self.event.is_set()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.event.is_set():
            raise KeyboardInterrupt
        self.event.set()
