"""A run of the matrix: one stack, a lane for each engine, scenario after scenario in each."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

from streams.embedded.run_folder import RunFolder
from streams.errors import UserError
from streams.settings import Settings
from tests.browsers import engines, lane, network, stack
from tests.browsers.lane import Lane
from tests.browsers.machine import MissingError
from tests.browsers.play import drive
from tests.browsers.results import Result
from tests.browsers.scenario import Scenario
from tests.browsers.subjects import Subject

Done = Callable[[Result], None]


@dataclass(frozen=True)
class Matrix:
    """A running stack, with what it takes to add lanes."""

    stack: stack.Stack | None
    api: str
    ports: Sequence[int]
    folder: Path

    @contextmanager
    def lane(self, index: int, engine: str, subject: Subject) -> Iterator[Lane]:
        """Run a lane; one at a time for each index."""
        with lane.running(engine, subject, self.stack, index, self.ports[index], self.api, self.folder) as running:
            yield running


@contextmanager
def running(settings: Settings, lanes: int, with_stack: bool = True) -> Iterator[Matrix]:
    """Run a stack, unless the subject has a stub, for so many lanes.

    Raises MissingError without Toxiproxy, UserError without Java.
    """
    ports = lane.site_ports(lanes)
    ours = stack.browser_settings(settings, [lane.origin(port) for port in ports])
    with ExitStack() as all_of_it:
        # Profiles are many small files: not in the data folder, which may be on a slow disk.
        folder = all_of_it.enter_context(TemporaryDirectory(prefix="browsers-", ignore_cleanup_errors=True))
        api = all_of_it.enter_context(network.running())
        real = all_of_it.enter_context(stack.running(ours, lanes)) if with_stack else None
        yield Matrix(real, api, ports, Path(folder))


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Lock the data folder's browser run. Raises UserError if another one is under way: they would stop each other."""
    with RunFolder(settings.data_dir).lock("browsers.lock", wait=False) as held:
        if not held:
            raise UserError(f"Another run of the browsers is under way in {settings.data_dir}: wait for its end.")
        yield


def present(names: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the version of each engine that is here, and for each other one the sentence that says what is missing."""
    here, missing = {}, {}
    for name in names:
        try:
            here[name] = engines.require(name)
        except MissingError as error:
            missing[name] = str(error)
    return here, missing


def play_all(matrix: Matrix, subject: Subject, todo: Mapping[str, Sequence[Scenario]], jobs: int, done: Done) -> None:
    """Play each engine's scenarios, as many engines at the same time as there are jobs; call `done` after each."""
    over = Event()

    def play_engine(index: int, engine: str) -> None:
        with matrix.lane(index, engine, subject) as running, ThreadPoolExecutor(1) as readers:
            for scenario in todo[engine]:
                if over.is_set():
                    return
                ledger = drive(running, scenario)
                # The readers see it within seconds, in which the next one may begin.
                readers.submit(ledger).add_done_callback(lambda each: done(each.result()))

    if jobs == 1:
        # Not in another thread: an interrupt ends what is played now.
        for index, engine in enumerate(todo):
            play_engine(index, engine)
        return
    with ThreadPoolExecutor(jobs) as pool:
        futures = [pool.submit(play_engine, index, engine) for index, engine in enumerate(todo)]
        try:
            for future in futures:
                future.result()
        finally:
            over.set()
