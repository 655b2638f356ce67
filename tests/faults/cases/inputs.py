"""The input is rubbish, has wrong times, or has artworks that are catalogued only later."""

from random import Random

from tests.faults.case import Fault, case
from tests.faults.system import System
from tests.support.load import HOUR_MS, Shape, at_home, flush, impression, now_ms, produce
from tests.support.stack import produce_catalogue
from tests.support.wait import let_pass

LATE_ARTWORKS = 20
LATE_SECONDS = 60.0


@case("poison records", Fault.RUBBISH, shape=Shape(rubbish=0.3, untimely=0.3, strays=0.2))
def poison(system: System, rng: Random) -> None:
    """A third of the records have unreadable lines, a third of the flushes have impossible impressions."""
    system.works(100)


@case("producers' clocks 2 h ahead", Fault.CLOCKS_WRONG, shape=Shape(clock_ms=2 * HOUR_MS))
def ahead(system: System, rng: Random) -> None:
    """Every producer's clock is two hours ahead; the worker is killed meanwhile."""
    system.works()
    system.keeper.kill("worker-0")


@case("producers' clocks 2 h behind", Fault.CLOCKS_WRONG, shape=Shape(clock_ms=-2 * HOUR_MS))
def behind(system: System, rng: Random) -> None:
    """Every producer's clock is two hours behind; the worker is killed meanwhile."""
    system.works()
    system.keeper.kill("worker-0")


@case("catalogue late", Fault.CATALOGUE_LATE)
def late(system: System, rng: Random) -> None:
    """Artworks are seen first and catalogued afterwards; the worker is killed in between."""
    _late(system, 3.0)


@case("catalogue late by a minute", Fault.CATALOGUE_LATE)
def late_by_a_minute(system: System, rng: Random) -> None:
    """The same, a minute later."""
    _late(system, LATE_SECONDS)


def _late(system: System, seconds: float) -> None:
    tag = f"late{now_ms()}"
    artworks = [f"{tag}-{number}" for number in range(LATE_ARTWORKS)]
    users = [f"{tag}-user-{number}" for number in range(LATE_ARTWORKS)]
    produce(system.settings, (at_home(u, flush(u, [impression(a, now_ms()) for a in artworks])) for u in users))
    system.works()
    system.keeper.kill("worker-0")
    let_pass(seconds)
    first = int(tag.removeprefix("late")) % 2**31
    produce_catalogue(system.settings, ((a, {"pool_id": tag, "ordinal": first + n}) for n, a in enumerate(artworks)))
    # Half of the users come back, the other half do nothing more: the coverage of all must follow.
    produce(system.settings, (at_home(u, flush(u, [impression(artworks[0], now_ms())])) for u in users[::2]))
    system.flows()
