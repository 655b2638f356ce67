"""The browser's clock is wrong: a collector that says `future` is how a recorder learns of it."""

import json
import time

from aiohttp import web

from tests.browsers.broken import OURS, SOON, broken
from tests.browsers.front import Rule, allow
from tests.browsers.requests import Request
from tests.browsers.scenario import Expects, scenario
from tests.browsers.scenarios.answers import GROUP, acknowledged
from tests.browsers.visit import Visit

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
# What readers may see of a clock that was an hour off: the rest of a round trip, and a header cut to the second.
NEAR_MS = 10_000


def corrected(visit: Visit, ahead_ms: int, resends: int) -> None:
    """Record on a page whose clock is wrong; check the times that are accepted, and how often all of it was sent."""
    tab = visit.open(head=broken(clock=ahead_ms))
    tab.record(5)
    acknowledged(visit, tab)
    tab.record(5)
    acknowledged(visit, tab)
    sends = visit.front.sends(visit.user).values()
    visit.check(max(sends) <= 1 + resends, f"each was sent once, and once more if it was called future: {sends}")
    requests = visit.front.requests(visit.user)
    last = [
        each["seen_at"]
        for request in requests[-1:]
        for flush in request.flushes
        for each in flush.fields["impressions"]
    ]
    now = 1000 * time.time()
    visit.check(all(abs(now - each) < NEAR_MS for each in last), "what is recorded once it is known has the right time")


@scenario("clock an hour ahead", GROUP, source="posthog#533, posthog#30579", options=SOON, subjects=OURS, quick=True)
def hour_ahead(visit: Visit) -> None:
    """The first impressions are called `future`, and are sent once more with the collector's time."""
    corrected(visit, HOUR_MS, 1)


@scenario("clock two weeks ahead", GROUP, source="posthog#533, segment RN#977", options=SOON, subjects=OURS)
def weeks_ahead(visit: Visit) -> None:
    """The same with a clock that is two weeks ahead."""
    corrected(visit, 14 * DAY_MS, 1)


@scenario("clock two hours behind", GROUP, source="posthog#533", options=SOON, subjects=OURS)
def hours_behind(visit: Visit) -> None:
    """A clock that is behind makes nobody reject anything; later impressions get the right time."""
    corrected(visit, -2 * HOUR_MS, 0)


@scenario("clock an hour ahead, page left", GROUP, source="posthog#533", options=SOON, subjects=OURS)
def ahead_left(visit: Visit) -> None:
    """The page is left before any answer came; the next one, with the same clock, has what was rejected accepted."""
    tab = visit.open(head=broken(clock=HOUR_MS))
    tab.record_and_go(5)
    tab.load(visit.plan(head=broken(clock=HOUR_MS)))
    tab.record(1)
    acknowledged(visit, tab)


@scenario("clock ahead offline, right at the next visit", GROUP, source="posthog#533", options=SOON, subjects=OURS)
def ahead_then_right(visit: Visit) -> None:
    """Recorded offline with a clock an hour ahead; when it is sent, the clock is right."""
    visit.network.off()
    tab = visit.open(head=broken(clock=HOUR_MS))
    tab.record(5)
    tab.go()
    visit.network.on()
    tab.load(visit.plan())
    tab.record(1)
    # What is called `future` has arrived, but doesn't count yet.
    visit.until(lambda: sum(visit.front.sends(visit.user).values()) >= 11, "the five are sent again, corrected")
    visit.arrived()
    acknowledged(visit, tab)


@scenario("clock set back while it waits", GROUP, source="facts: clocks", subjects=OURS, options=SOON)
def clock_set_back(visit: Visit) -> None:
    """The collector can't be reached, and the clock is set back by a day meanwhile: nobody waits for that day."""
    visit.network.off()
    tab = visit.open(head=broken())
    tab.record(5)
    visit.until(lambda: tab.stats()["failures"] > 2, "it backs off")
    tab.call("quirk", "clock", -DAY_MS)
    visit.network.on()
    visit.check(visit.arrived(patience=25), "all arrived while the page stayed")


@scenario(
    "always future",
    GROUP,
    source="0023: future corrected once",
    options=SOON,
    subjects=OURS,
    expects=Expects(lost=5),
    why="A collector that calls everything `future` gets each impression twice, and not for ever.",
)
def always_future(visit: Visit) -> None:
    """Whatever is sent is called `future`: it is corrected once, and then it counts as rejected."""

    async def act(request: web.Request, noted: Request) -> web.Response:
        return web.Response(status=202, text=all_future(noted), headers=allow(request))

    visit.front.rule(Rule(act))
    tab = visit.open(head=broken(clock=HOUR_MS))
    tab.record(5)
    acknowledged(visit, tab)
    visit.check(set(visit.front.sends(visit.user).values()) <= {1, 2}, "each was sent twice at most")
    visit.check(tab.stats()["rejected"] == 5, "all of them count as rejected")


def all_future(request: Request) -> str:
    """Return the collector's answer to a flush of which it says that all is in the future."""
    count = sum(len(each.impressions) for each in request.flushes)
    verdicts = [{"line": 0, "index": index, "reason": "future"} for index in range(count)]
    return json.dumps({"accepted": count, "rejected": verdicts})
