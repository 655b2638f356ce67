"""The keeper of a system's processes: restarts those that have ended, as a supervisor would.

It leaves held processes alone. It records ends that no fault explains: a worker that refuses to start, a sink that
crashes.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from streams.embedded import stack
from streams.embedded.components import component
from streams.embedded.ports import is_free
from streams.embedded.program import Program
from streams.embedded.run_folder import RunFolder
from streams.runtime.exit import EXIT_RESTART
from streams.settings import Settings
from tests.support.program import START_SECONDS, MemberProcess
from tests.support.wait import until

SERVERS = ("kafka", "clickhouse")
# How soon an end is noticed (s). A supervisor usually takes longer, which would only slow down the tests.
LOOK_SECONDS = 0.1
# Exit codes that a fault explains: SIGKILL, fenced by a successor, an orderly stop, SIGTERM before its handler is set.
EXPLAINED = (-signal.SIGKILL, EXIT_RESTART, 0, -signal.SIGTERM)
# In the error sentence of a program that starts while the broker is down.
AWAY = "No Kafka broker answers"


class End(NamedTuple):
    """A program's end, and the last lines that it printed."""

    name: str
    code: int
    output: str


class Keeper:
    """Keeps the servers and programs of one system running, in its own thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._servers = {name: Program(name, RunFolder(settings.data_dir)) for name in SERVERS}
        self._programs: dict[str, MemberProcess] = {}
        self._held: set[str] = set()
        self._excused: set[str] = set()
        self._paused: set[str] = set()
        self._lock = threading.RLock()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="keeper")
        self._failure: BaseException | None = None
        self.unexplained: list[End] = []
        self.restarts = 0

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Stop the thread, and kill every program. Whoever started the servers must end them."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join()
        for program in self._programs.values():
            program.kill()

    def check(self) -> None:
        """Raise the keeper's own error; raise AssertionError for any end that no fault explains."""
        if self._failure is not None:
            raise self._failure
        assert not self.unexplained, "\n".join(f"{e.name} ended with {e.code}: {e.output}" for e in self.unexplained)

    def programs(self) -> list[MemberProcess]:
        """Return the programs that should run."""
        return list(self._programs.values())

    def __getitem__(self, name: str) -> MemberProcess:
        return self._programs[name]

    def __contains__(self, name: str) -> bool:
        return name in self._programs

    def add(self, program: MemberProcess) -> MemberProcess:
        """Start a program, and keep it running."""
        with self._lock:
            self._programs[program.name] = program
            self._held.discard(program.name)
            return program if program.is_running else program.start()

    def remove(self, name: str) -> int | None:
        """Stop a program, and don't restart it; return its exit code."""
        with self._lock:
            program = self._programs.pop(name)
        return program.stop()

    @contextmanager
    def held(self, name: str) -> Iterator[None]:
        """Leave a process alone during the body; restart it afterwards if it has ended."""
        self.hold(name)
        try:
            yield
        finally:
            self.release(name)

    def hold(self, name: str) -> None:
        """Leave a process alone from now on."""
        with self._lock:
            self._held.add(name)

    def release(self, name: str) -> None:
        """Keep a process running again."""
        with self._lock:
            self._held.discard(name)

    def excuse(self, name: str) -> None:
        """Don't ask from now on whether a program is ready: something that it was given can't work."""
        self._excused.add(name)

    def is_up(self, name: str) -> bool:
        """Return whether a process runs and is not stopped by SIGSTOP."""
        found = self._servers.get(name) or self._programs.get(name)
        return name not in self._paused and found is not None and found.is_running

    def resume(self, name: str) -> None:
        """Send SIGCONT to a process that is stopped by SIGSTOP."""
        with self._lock:
            if name in self._paused:
                self.signal(name, signal.SIGCONT)

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a process, if it runs."""
        if number == signal.SIGSTOP:
            self._paused.add(name)
        elif number == signal.SIGCONT:
            self._paused.discard(name)
        self._program(name).send(number)

    def kill(self, name: str) -> None:
        """Kill a process with SIGKILL, and wait until it is gone."""
        with self._lock:
            self._program(name).kill()
            self._paused.discard(name)

    def _program(self, name: str) -> Program:
        return self._servers.get(name) or self._programs[name]

    def heal(self) -> None:
        """Release and resume everything; return once all processes run and are ready."""
        self._held.clear()
        for name in list(self._paused):
            self.resume(name)
        until(self._well, START_SECONDS, "everything runs and is ready")

    def _well(self) -> bool:
        self.check()
        servers = all(each.is_running for each in self._servers.values())
        return servers and all(
            each.is_running and (each.name in self._excused or each.is_ready()) for each in self.programs()
        )

    def _keep(self) -> None:
        try:
            while not self._ending.wait(LOOK_SECONDS):
                for name in SERVERS:
                    self._keep_server(name)
                for program in self.programs():
                    self._keep_program(program)
        except BaseException as error:
            self._failure = error

    def _keep_server(self, name: str) -> None:
        with self._lock:
            # A killed process holds its port a moment longer than its process id.
            free = is_free(component(name, self._settings).address)
            if free and name not in self._held and not self._servers[name].is_running:
                stack.up(self._settings, [name], out=lambda _: None)
                self.restarts += 1

    def _keep_program(self, program: MemberProcess) -> None:
        with self._lock:
            if program.is_running or program.name in self._held or program.name not in self._programs:
                return
            code = program.exit_code
            if code not in EXPLAINED and AWAY not in program.output():
                self.unexplained.append(End(program.name, code or 0, program.output()[-2000:]))
            program.start()
            self.restarts += 1
