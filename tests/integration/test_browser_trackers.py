"""Each tracker records through its adapter and arrives at its stub: without that, what it loses says nothing."""

from collections.abc import Iterator

import pytest

from streams.errors import UserError
from streams.settings import Settings
from tests.browsers import matrix
from tests.browsers.machine import MissingError
from tests.browsers.matrix import Matrix
from tests.browsers.play import play
from tests.browsers.scenario import CHROMIUM, Scenario
from tests.browsers.subjects import SUBJECTS
from tests.browsers.trackers.packages import bundles
from tests.browsers.trackers.subjects import declare_trackers
from tests.browsers.trackers.vendors import VENDORS
from tests.browsers.visit import Visit

NUMBER = 5


def arrives(visit: Visit) -> None:
    """Artworks are recorded, and the page stays until they have arrived."""
    visit.open().record(NUMBER)
    visit.arrived()


def arrives_after_an_answer_of_503(visit: Visit) -> None:
    """The first answer is 503, and the page stays."""
    visit.front.answer(503, times=1)
    visit.open().record(NUMBER)
    visit.arrived()


@pytest.fixture(scope="module")
def running() -> Iterator[Matrix]:
    declare_trackers()
    _, missing = matrix.present([CHROMIUM])
    if missing:
        pytest.skip(missing[CHROMIUM])
    try:
        bundles(lambda _: None)
        with matrix.running(Settings.load(), 1, with_stack=False) as found:
            yield found
    # Node, Go or a browser that isn't here is named.
    except (MissingError, UserError) as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("vendor", [vendor.name for vendor in VENDORS])
def test_what_a_page_records_arrives_once(running: Matrix, vendor: str) -> None:
    with running.lane(0, CHROMIUM, SUBJECTS[vendor]) as lane:
        result = play(lane, Scenario("arrives", "trackers", "ours", arrives))
    assert result.ok, result.why
    assert (result.recorded, result.arrived, result.double) == (NUMBER, NUMBER, 0)


def test_a_tracker_that_never_sends_again_loses_what_was_refused(running: Matrix) -> None:
    with running.lane(0, CHROMIUM, SUBJECTS["plausible"]) as lane:
        result = play(
            lane, Scenario("arrives after an answer of 503", "trackers", "ours", arrives_after_an_answer_of_503)
        )
    assert (result.recorded, result.lost) == (NUMBER, 1)
