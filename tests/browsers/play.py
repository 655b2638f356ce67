"""Play one scenario on one engine: a fresh browser, the scenario's function, and the ledger."""

import time
import traceback
from collections import Counter

from tests.browsers.lane import Lane
from tests.browsers.machine import MissingError
from tests.browsers.results import Result
from tests.browsers.scenario import Scenario
from tests.browsers.visit import ScenarioError, Visit

# Of what is wrong, so many examples are named.
EXAMPLES = 3


def play(lane: Lane, scenario: Scenario) -> Result:
    """Play it; whatever happens becomes the result, and the lane is healthy afterwards."""
    result = Result(scenario.name, scenario.group, lane.engine, lane.subject.name)
    begun = time.monotonic()
    visit = Visit(lane, scenario)
    try:
        _drive(visit)
        lane.heal()
        _settle(visit, result)
    except MissingError as error:
        result.skipped, result.why = True, str(error)
    except ScenarioError as error:
        result.why = str(error)
    except Exception as error:
        result.why = f"{type(error).__name__}: {error}".splitlines()[0]
        traceback.print_exc()
    finally:
        lane.heal()
    result.seconds = round(time.monotonic() - begun, 1)
    return result


def _drive(visit: Visit) -> None:
    with visit.resources:
        visit.browser.start()
        try:
            visit.scenario.run(visit)
        finally:
            visit.browser.stop()


def _settle(visit: Visit, result: Result) -> None:
    verdict = visit.ledger.compare(visit.rows())
    result.recorded, result.arrived = verdict.recorded, verdict.arrived
    result.lost, result.double = len(verdict.lost), verdict.double
    result.sends = sum(sum(visit.front.sends(user).values()) for user in visit.users)
    requests = [each for user in visit.users for each in visit.front.requests(user)]
    result.requests = len(requests)
    result.transports = dict(Counter(name for each in requests for name in each.transports))
    problems = visit.problems()
    if problems:
        result.why = f"{len(problems)} errors on its pages: {'; '.join(problems[:EXAMPLES])}"
    elif verdict.strange:
        result.why = f"rows of what nobody recorded: {verdict.strange[:EXAMPLES]}"
    elif not verdict.recorded and not visit.scenario.records_nothing:
        result.why = "nothing was recorded"
    elif not visit.scenario.expected(visit.engine).holds(result.lost, result.double):
        result.why = f"lost {result.lost} of {result.recorded}, double {result.double}; {verdict.lost[:EXAMPLES]}"
    else:
        result.ok = True
