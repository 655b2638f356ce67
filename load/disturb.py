"""Collectors that are killed and started again while users record, and ones that are replaced one after the other."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Self

from streams.embedded.components import component
from streams.embedded.program import Program
from streams.embedded.run_folder import RunFolder
from streams.settings import Settings

Step = Callable[[Settings, str], str]


def kill(settings: Settings, name: str) -> str:
    """Kill a program with SIGKILL and start it again; return the sentence about it."""
    begun = time.monotonic()
    Program(name, RunFolder(settings.data_dir)).kill()
    _start(settings, name)
    return f"{name} killed, back after {time.monotonic() - begun:.1f} s"


def restart(settings: Settings, name: str) -> str:
    """Ask a program to end (SIGTERM), and start it again once it has; return the sentence about it."""
    begun = time.monotonic()
    code = Program(name, RunFolder(settings.data_dir)).stop()
    ended = time.monotonic()
    _start(settings, name)
    return f"{name} drained in {ended - begun:.1f} s (exit {code}), back {time.monotonic() - ended:.1f} s later"


def _start(settings: Settings, name: str) -> None:
    """Start it as a supervisor does: nothing is provisioned anew. Raises UserError if it doesn't become ready."""
    found = component(name, settings)
    found.program.start().wait_until(found.ready, found.patience)


class Disturber:
    """Takes a step every so often, in a thread, for one program after the other, while the context lasts.

    It ends between two steps, so that everything is up at the end. `events` has a sentence for each step.
    """

    def __init__(self, settings: Settings, step: Step, names: Sequence[str], every: float, seconds: float) -> None:
        self.events: list[str] = []
        self._settings, self._step, self._names, self._every, self._seconds = settings, step, names, every, seconds
        self._stopped = threading.Event()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="disturber")
        self._future: Future[None] | None = None

    def __enter__(self) -> Self:
        """Begin."""
        self._future = self._pool.submit(self._run)
        return self

    def __exit__(self, *_: object) -> None:
        """Take no further step, and wait for the end of the one under way."""
        self._stopped.set()
        self._pool.shutdown(wait=True)

    def finish(self) -> None:
        """Wait for the last step. Raises the error of one."""
        if self._future is not None:
            self._future.result()

    def _run(self) -> None:
        begun, number = time.monotonic(), 0
        while (number + 1) * self._every < self._seconds:
            wait = begun + (number + 1) * self._every - time.monotonic()
            if self._stopped.wait(max(0.0, wait)):
                return
            self.events.append(self._step(self._settings, self._names[number % len(self._names)]))
            number += 1
