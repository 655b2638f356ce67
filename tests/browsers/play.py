"""Play one scenario on one engine: a fresh browser, the scenario's function, and the ledger."""

import re
import time
import traceback
from collections import Counter
from collections.abc import Callable
from functools import partial

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


Ledger = Callable[[], Result]


def play(lane: Lane, scenario: Scenario) -> Result:
    """Play it; whatever happens becomes the result, and the lane is healthy afterwards."""
    return drive(lane, scenario)()


def drive(lane: Lane, scenario: Scenario) -> Ledger:
    """Play it up to the browser's end; return what waits for the readers and compares, while another one is played."""
    result = begun_result(lane, scenario)
    begun = time.monotonic()
    visit = Visit(lane, scenario)
    ended = _guarded(result, partial(_drive, visit))
    lane.heal()

    def ledger() -> Result:
        # Only ours must do what a scenario waits for; of others, what arrived until then is of interest too.
        early = not ended and result.why and not result.skipped and lane.subject is not RECORDER
        if ended or early:
            why = result.why
            _guarded(result, partial(_settle, visit, result))
            if early:
                result.ok, result.why, result.facts[EARLY] = False, why, why
        result.seconds = round(time.monotonic() - begun, 1)
        return result

    return ledger


def _guarded(result: Result, act: Callable[[], None]) -> bool:
    """Return whether it went well; what went wrong is the result."""
    try:
        act()
    except (MissingError, NotApplicableError) as error:
        result.skipped, result.why = True, str(error)
    except JavascriptException as error:
        missing = ABSENT.search(error.msg or "")
        result.skipped, result.why = bool(missing), f"it has no {missing[1]}()" if missing else str(error.msg)
    except ScenarioError as error:
        result.why = str(error)
    except Exception as error:
        result.why = f"{type(error).__name__}: {error}".splitlines()[0]
        traceback.print_exc()
    else:
        return True
    return False


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
    skips = visit.lane.subject.skips
    if visit.scenario.name in skips:
        raise NotApplicableError(skips[visit.scenario.name])
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
