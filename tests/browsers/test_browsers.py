"""The quick half of the browser matrix, and the control that it must catch. A browser that isn't here is named."""

from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache

import pytest

from streams.settings import Settings
from tests.browsers import engines, matrix
from tests.browsers.lane import Lane
from tests.browsers.machine import MissingError
from tests.browsers.matrix import Matrix
from tests.browsers.play import play
from tests.browsers.scenario import ALL, SCENARIOS, Scenario, chosen, load_all
from tests.browsers.subjects import CONTROL, RECORDER, Subject

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

load_all()
# One browser at a time: one lane, for one engine and subject after another.
LANES = 1
QUICK = [
    pytest.param(engine, each, id=f"{engine}: {each.name}")
    for engine in ALL
    for each in chosen(SCENARIOS.values(), engine, RECORDER.name, quick=True)
]
# In these, a naive recorder loses something, whatever the engine; ours doesn't.
CAUGHT = ("out, back, out", "thirty large ones", "beacons that vanish", "exit refused, page returned to")


class Lanes:
    """One lane at a time; the next one ends it."""

    def __init__(self, running: Matrix) -> None:
        self._running, self._open = running, ExitStack()
        self._found: tuple[str, Subject, Lane] | None = None

    def of(self, engine: str, subject: Subject) -> Lane:
        """Return the running lane of an engine and a subject."""
        if self._found is None or self._found[:2] != (engine, subject):
            self.close()
            lane = self._open.enter_context(self._running.lane(0, engine, subject))
            self._found = (engine, subject, lane)
        return self._found[2]

    def close(self) -> None:
        """End it."""
        self._found = None
        self._open.close()


@pytest.fixture(scope="module")
def lanes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lanes]:
    """The stack of these tests, and the lanes in it; skips all of them if Toxiproxy can't be had."""
    settings = Settings.model_validate({"data_dir": tmp_path_factory.mktemp("browsers")})
    try:
        with matrix.running(settings, LANES) as running:
            lanes = Lanes(running)
            try:
                yield lanes
            finally:
                lanes.close()
    except MissingError as error:
        pytest.skip(str(error))


@cache
def missing(engine: str) -> str:
    """Return the sentence that says what an engine lacks; empty if it is here."""
    try:
        engines.require(engine)
    except MissingError as error:
        return str(error)
    return ""


def lane_of(request: pytest.FixtureRequest, engine: str, subject: Subject) -> Lane:
    """Return a lane. Without the engine's browser, nothing is started for it."""
    if why := missing(engine):
        pytest.skip(why)
    lanes: Lanes = request.getfixturevalue("lanes")
    return lanes.of(engine, subject)


@pytest.mark.parametrize(("engine", "scenario"), QUICK)
def test_nothing_is_lost_and_nothing_is_double(request: pytest.FixtureRequest, engine: str, scenario: Scenario) -> None:
    result = play(lane_of(request, engine, RECORDER), scenario)
    if result.skipped:
        pytest.skip(result.why)
    assert result.ok, result.why


@pytest.mark.parametrize("name", CAUGHT)
@pytest.mark.parametrize("engine", ALL)
def test_the_control_is_caught(request: pytest.FixtureRequest, engine: str, name: str) -> None:
    result = play(lane_of(request, engine, CONTROL), SCENARIOS[name])
    assert not result.ok
    assert result.lost, result
