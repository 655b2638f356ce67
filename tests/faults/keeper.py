"""The keeper of a system's processes: starts again what has ended, as a supervisor would.

What is held is left as it is. Ends that no fault explains are kept: a worker that refuses, a sink that crashes.
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
# How soon an end is noticed: a supervisor's usual delay is longer, which would only make the tests longer.
LOOK_SECONDS = 0.1
# What a fault explains: SIGKILL, being fenced by a successor, an orderly stop, one that came before it was expected.
EXPLAINED = (-signal.SIGKILL, EXIT_RESTART, 0, -signal.SIGTERM)
# What a program says in its one sentence when it is started while the broker is away.
AWAY = "No Kafka broker answers"


class End(NamedTuple):
    """A program's end, and the last lines that it printed."""

    name: str
    code: int
    output: str


class Keeper:
    """Keeps the servers and programs of one system running, in a thread of its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._servers = {name: Program(name, RunFolder(settings.data_dir)) for name in SERVERS}
        self._programs: dict[str, MemberProcess] = {}
        self._held: set[str] = set()
        self._paused: set[str] = set()
        self._lock = threading.RLock()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="keeper")
        self._failure: BaseException | None = None
        self.unexplained: list[End] = []
        self.restarts = 0

    def start(self) -> None:
        """Begin to keep."""
        self._thread.start()

    def close(self) -> None:
        """Stop keeping, and kill every program. The servers are left to whoever started them."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join()
        for program in self._programs.values():
            program.kill()

    def check(self) -> None:
        """Raise what went wrong in the keeper, and on any end that no fault explains."""
        if self._failure is not None:
            raise self._failure
        assert not self.unexplained, "\n".join(f"{e.name} ended with {e.code}: {e.output}" for e in self.unexplained)

    def programs(self) -> list[MemberProcess]:
        """The programs that are to run."""
        return list(self._programs.values())

    def __getitem__(self, name: str) -> MemberProcess:
        return self._programs[name]

    def __contains__(self, name: str) -> bool:
        return name in self._programs

    def add(self, program: MemberProcess) -> MemberProcess:
        """Start a program, and keep it."""
        with self._lock:
            self._programs[program.name] = program
            self._held.discard(program.name)
            return program if program.is_running else program.start()

    def remove(self, name: str) -> int | None:
        """Ask a program to end, and keep it no more; return its exit code."""
        with self._lock:
            program = self._programs.pop(name)
        return program.stop()

    @contextmanager
    def held(self, name: str) -> Iterator[None]:
        """Leave it as it is for the time of the body; afterwards it is started if it has ended."""
        self.hold(name)
        try:
            yield
        finally:
            self.release(name)

    def hold(self, name: str) -> None:
        """Leave it as it is from now on."""
        with self._lock:
            self._held.add(name)

    def release(self, name: str) -> None:
        """Keep it again."""
        with self._lock:
            self._held.discard(name)

    def is_up(self, name: str) -> bool:
        """Does it run, and is it not stopped?"""
        found = self._servers.get(name) or self._programs.get(name)
        return name not in self._paused and found is not None and found.is_running

    def resume(self, name: str) -> None:
        """SIGCONT, if it is there and was stopped."""
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
        """SIGKILL, and wait until it is gone."""
        with self._lock:
            self._program(name).kill()
            self._paused.discard(name)

    def _program(self, name: str) -> Program:
        return self._servers.get(name) or self._programs[name]

    def heal(self) -> None:
        """Let everything run that should; return once all of it is ready."""
        self._held.clear()
        for name in list(self._paused):
            self.resume(name)
        until(self._well, START_SECONDS, "everything runs and is ready")

    def _well(self) -> bool:
        self.check()
        servers = all(each.is_running for each in self._servers.values())
        return servers and all(each.is_running and each.is_ready() for each in self.programs())

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
            # What was killed holds its port a moment longer than its process id.
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
