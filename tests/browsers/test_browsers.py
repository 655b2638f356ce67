"""The quick half of the browser matrix, and the control that it must catch. A browser that isn't here is named.

All engines play at the same time, since a scenario mostly waits; each test waits for its own result.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import groupby
from threading import Event
from typing import NamedTuple

import pytest

from streams.settings import Settings
from tests.browsers import matrix
from tests.browsers.machine import MissingError
from tests.browsers.matrix import Matrix
from tests.browsers.play import drive
from tests.browsers.results import Result
from tests.browsers.scenario import ALL, SCENARIOS, chosen, load_all
from tests.browsers.subjects import CONTROL, RECORDER, SUBJECTS

# The first test waits for the stack, the last ones for all that is played before them.
SECONDS = 900
pytestmark = [pytest.mark.integration, pytest.mark.timeout(SECONDS)]

load_all()
# In these, a naive recorder loses something, whatever the engine; ours doesn't.
CAUGHT = ("out, back, out", "thirty large ones", "beacons that vanish", "exit refused, page returned to")


class Part(NamedTuple):
    """A scenario on an engine, with a subject."""

    engine: str
    subject: str
    name: str

    def __str__(self) -> str:
        return f"{self.engine}: {self.name}"


QUICK = [
    Part(engine, RECORDER.name, each.name)
    for engine in ALL
    for each in chosen(SCENARIOS.values(), engine, RECORDER.name, quick=True)
]
# Firefox's beacons have no limit (measured), so that what is larger than others take gets away there.
UNLIMITED = ("firefox", "thirty large ones")
CONTROLS = [Part(engine, CONTROL.name, name) for engine in ALL for name in CAUGHT if (engine, name) != UNLIMITED]


class Played:
    """The results of the parts, each as soon as it is there."""

    def __init__(self, running: Matrix, parts: Sequence[Part], missing: dict[str, str]) -> None:
        self.results: dict[Part, Future[Result]] = {each: Future() for each in parts}
        self._running, self._missing, self._over = running, missing, Event()
        self._pool = ThreadPoolExecutor(len(ALL))
        for index, engine in enumerate(ALL):
            self._pool.submit(self._play, index, [each for each in parts if each.engine == engine])

    def wait(self, part: Part) -> Result:
        """Return a part's result. Skips the test if the part can't be played here."""
        if why := self._missing.get(part.engine):
            pytest.skip(why)
        result = self.results[part].result(SECONDS)
        if result.skipped:
            pytest.skip(result.why)
        return result

    def _compare(self, part: Part, ledger: Callable[[], Result]) -> None:
        self.results[part].set_result(ledger())

    def close(self) -> None:
        """End after what is played now."""
        self._over.set()
        self._pool.shutdown()

    def _play(self, index: int, parts: Sequence[Part]) -> None:
        for (engine, subject), some in groupby(parts, key=lambda each: each[:2]):
            if engine in self._missing:
                return
            try:
                with self._running.lane(index, engine, SUBJECTS[subject]) as lane, ThreadPoolExecutor(1) as readers:
                    for each in some:
                        if self._over.is_set():
                            return
                        ledger = drive(lane, SCENARIOS[each.name])
                        # The readers see it within seconds, in which the next one may begin.
                        readers.submit(self._compare, each, ledger)
            except Exception as error:
                # Not the scenario's: each test that still waits for this lane fails with it.
                for each in parts:
                    if not self.results[each].done():
                        self.results[each].set_exception(error)
                return


@pytest.fixture(scope="module")
def played(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """Play what the selected tests are about, on a stack of its own."""
    here, missing = matrix.present(ALL)
    mine = [each for each in request.session.items if isinstance(each, pytest.Function) and each.path == request.path]
    parts = [part for each in mine if isinstance(part := each.callspec.params["part"], Part)]
    if not {each.engine for each in parts} & set(here):
        pytest.skip("; ".join(sorted(set(missing.values()))))
    settings = Settings.model_validate({"data_dir": tmp_path_factory.mktemp("browsers")})
    try:
        with matrix.running(settings, len(ALL)) as running:
            played = Played(running, parts, missing)
            try:
                yield played
            finally:
                played.close()
    except MissingError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("part", QUICK, ids=str)
def test_nothing_is_lost_and_nothing_is_double(played: Played, part: Part) -> None:
    result = played.wait(part)
    assert result.ok, result.why


@pytest.mark.parametrize("part", CONTROLS, ids=str)
def test_the_control_is_caught(played: Played, part: Part) -> None:
    result = played.wait(part)
    assert not result.ok
    assert result.lost, result
