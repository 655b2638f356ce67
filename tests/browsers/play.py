"""Play one scenario on one engine: a fresh browser, the scenario's function, and the ledger."""

import re
import time
import traceback
from collections import Counter

from selenium.common.exceptions import JavascriptException

from tests.browsers.lane import Lane
from tests.browsers.machine import MissingError
from tests.browsers.results import Result
from tests.browsers.scenario import Expects, NotApplicableError, Scenario
from tests.browsers.subjects import RECORDER
from tests.browsers.visit import ScenarioError, Visit

# Of what is wrong, so many examples are named.
EXAMPLES = 3
# Facts of a tracker's result: arrivals beyond the first before the vendor drops any, and why a scenario ended early.
RAW, EARLY = "double, raw", "ended early"
# What a browser says if a page calls a function that the subject's adapter doesn't have.
ABSENT = re.compile(r"subject\.(\w+) is not a function")


def play(lane: Lane, scenario: Scenario) -> Result:
    """Play it; whatever happens becomes the result, and the lane is healthy afterwards."""
    result = begun_result(lane, scenario)
    begun = time.monotonic()
    visit = Visit(lane, scenario)
    try:
        if scenario.name in lane.subject.skips:
            raise NotApplicableError(lane.subject.skips[scenario.name])
        _drive(visit)
        lane.heal()
        _settle(visit, result)
    except MissingError as error:
        result.skipped, result.why = True, str(error)
    except NotApplicableError as error:
        result.skipped, result.why = True, str(error)
    except JavascriptException as error:
        missing = ABSENT.search(error.msg or "")
        result.skipped, result.why = bool(missing), f"it has no {missing[1]}()" if missing else str(error.msg)
    except ScenarioError as error:
        result.why = str(error)
        if lane.subject is not RECORDER:
            _end_early(lane, visit, result)
    except Exception as error:
        result.why = f"{type(error).__name__}: {error}".splitlines()[0]
        traceback.print_exc()
    finally:
        lane.heal()
    result.seconds = round(time.monotonic() - begun, 1)
    return result


def begun_result(lane: Lane, scenario: Scenario) -> Result:
    """Return what is known of a result before it is played."""
    expects = scenario.expected(lane.engine)
    return Result(
        scenario.name,
        scenario.group,
        lane.engine,
        lane.subject.name,
        what=scenario.what,
        source=scenario.source,
        reason=scenario.why if expects != Expects() else "",
        expected_lost=(expects.lost, max(expects.lost, expects.lost_most or 0)),
    )


def _drive(visit: Visit) -> None:
    with visit.resources:
        visit.browser.start()
        try:
            try:
                visit.scenario.run(visit)
            except ScenarioError:
                visit.come_back()
                raise
            visit.come_back()
        finally:
            visit.browser.stop()


def _end_early(lane: Lane, visit: Visit, result: Result) -> None:
    """Count what arrived until then: only ours must do what a scenario waits for."""
    why = result.why
    lane.heal()
    try:
        _settle(visit, result)
    except AssertionError as error:
        why = f"{why}; {error}"
    result.ok, result.why, result.facts[EARLY] = False, why, why


def _settle(visit: Visit, result: Result) -> None:
    verdict = visit.ledger.compare(visit.rows())
    result.facts = visit.facts
    result.recorded, result.arrived = verdict.recorded, verdict.arrived
    result.lost, result.double = len(verdict.lost), verdict.double
    result.sends = sum(sum(visit.front.sends(user).values()) for user in visit.users)
    requests = [each for user in visit.users for each in visit.front.requests(user)]
    result.requests = len(requests)
    if visit.lane.subject.stub is not None:
        result.facts[RAW] = sum(len(ids) - 1 for ids in visit.arrivals().values())
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
