"""Messages that never come: a producer of impressions leaves a transaction open, for a while or for ever."""

from random import Random

from tests.faults.case import Fault, case
from tests.faults.stranger import TIMEOUT_SECONDS, Ending, Stranger
from tests.faults.system import System

# Long enough for a load to come after what the stranger has sent.
HESITATES_SECONDS = 3.0


@case("a producer's transaction never ends", Fault.TRANSACTION_OPEN)
def never_ended(system: System, rng: Random) -> None:
    """Nothing after it can be read until the broker aborts it: then each line after it is judged, once."""
    _hesitates(system, Ending.LEFT, TIMEOUT_SECONDS)


@case("a producer's transaction is committed late", Fault.TRANSACTION_OPEN)
def committed_late(system: System, rng: Random) -> None:
    """Its lines are judged at their own place in the log, before those that were sent after them."""
    _hesitates(system, Ending.COMMITTED, HESITATES_SECONDS)


def _hesitates(system: System, ending: Ending, seconds: float) -> None:
    stranger = Stranger(system.settings, ending, seconds)
    stranger.start()
    stranger.join()
    assert stranger.failed is None, stranger.failed
    system.flows(200)
