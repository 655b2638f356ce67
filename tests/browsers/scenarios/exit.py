"""The page goes away: by a link, a reload, a closed tab, at once, from the back/forward cache, or before it loaded."""

from functools import partial

from tests.browsers.scenario import Scenario, declare, scenario
from tests.browsers.tab import Tab
from tests.browsers.visit import Visit

GROUP = "exit"
# What a page records before it goes.
FEW = 5
# A visitor who bounces: the time until they go (s).
BOUNCE_SECONDS = 0.4
# A recorder that comes late, and the time until its page is closed (s).
LATE_SECONDS, CLOSED_SECONDS = 5.0, 1.0
# How often a page is left and returned to, or left at once.
TIMES = 3
# Nothing is sent before the exit, however slow the machine is.
NO_TIMER = {"flushMs": 60_000}


def leave(how: str, visit: Visit) -> None:
    """Record a few, and leave in the same second."""
    tab = visit.open()
    tab.record(FEW)
    getattr(tab, how)()
    visit.again()


WAYS = {
    "location changed": ("go", "Five impressions, and `location.href = ...` in the same second."),
    "link clicked": ("link", "Five impressions, and a click on a link in the same second."),
    "page reloaded": ("reload", "Five impressions, and a reload in the same second."),
    "tab closed": ("close", "Five impressions, and the tab is closed in the same second."),
}
for _name, (_how, _what) in WAYS.items():
    _run = partial(leave, _how)
    _run.__doc__ = _what
    declare(Scenario(_name, GROUP, "facts: what arrives of an exit", _run, quick=_how == "close"))


@scenario("window closed", GROUP, source="facts: what arrives of an exit")
def window_closed(visit: Visit) -> None:
    """Five impressions in a window of its own, and it is closed in the same second."""
    tab = visit.open(window=True)
    tab.record(FEW)
    tab.close()
    visit.again()


@scenario("left in the task that records", GROUP, source="analytics-next#768, #361", quick=True)
def same_task(visit: Visit) -> None:
    """`record(); location.href = ...`, one page after another."""
    tab = visit.open()
    for _ in range(TIMES):
        tab.record_and_go(2, visit.plan())
        tab.wait_report("ready")
    tab.record_and_go(2)
    visit.again()


@scenario("recorded in the exit itself", GROUP, source="Amplitude-JavaScript#385", quick=True)
def in_the_exit(visit: Visit) -> None:
    """A listener of the page's own records in `pagehide`: sent at once, never seen acknowledged, sent again."""
    tab = visit.open()
    tab.record_at_exit(FEW)
    tab.go()
    visit.again()


@scenario("bounced", GROUP, source="posthog-js#4139")
def bounced(visit: Visit) -> None:
    """The visitor leaves after 400 ms, while the answer to the request for the configuration has not come."""
    visit.front.hang(methods=("GET",))
    tab = visit.open()
    tab.record(FEW)
    visit.let_pass(BOUNCE_SECONDS)
    tab.close()
    visit.front.clear()
    _check_simple(visit)
    visit.again()


@scenario("bounced, and no configuration", GROUP, source="posthog-js#4139")
def bounced_without_configuration(visit: Visit) -> None:
    """The configuration is refused with 503, and the visitor leaves: the exit needs no preflight nevertheless."""
    visit.front.answer(503, methods=("GET",))
    tab = visit.open()
    tab.record(FEW)
    tab.close()
    _check_simple(visit)
    visit.again()


@scenario("left before it loaded", GROUP, source="posthog-js#4116", quick=True, subjects=("recorder",))
def before_it_loaded(visit: Visit) -> None:
    """The recorder's script takes five seconds; its stub takes five impressions; the tab is closed after one."""
    tab = visit.open(early=True, late=LATE_SECONDS)
    tab.record(FEW)
    visit.let_pass(CLOSED_SECONDS)
    tab.close()
    visit.again()


@scenario("loaded late", GROUP, source="posthog-js#4116", subjects=("recorder",))
def loaded_late(visit: Visit) -> None:
    """The recorder's script takes five seconds; what its stub took before is recorded by it then, once."""
    tab = visit.open(early=True, late=LATE_SECONDS)
    tab.record(FEW)
    visit.arrived()
    tab.record(FEW)
    visit.arrived()


@scenario("out, back, out", GROUP, source="web-vitals#785, plausible/analytics#4656", quick=True, options=NO_TIMER)
def out_back_out(visit: Visit) -> None:
    """Recorded, left, returned to from the cache, recorded again, left again: `{once: true}` forgets the second."""
    tab = visit.open()
    plan = tab.plan
    for _ in range(TIMES):
        tab.record(2)
        tab.go()
        _check_restored(tab.back(plan), visit)
    tab.record(2)
    tab.close()
    visit.again()


@scenario("returned to, and nothing new", GROUP, source="web-vitals#785: a spurious report for each restore")
def nothing_new(visit: Visit) -> None:
    """Left and returned to three times: the return by itself sends nothing again that was acknowledged."""
    tab = visit.open()
    plan = tab.plan
    tab.record(FEW)
    visit.check(visit.arrived(), "all arrived")
    _settled(visit, tab)
    before = visit.front.sends(visit.user)
    for _ in range(TIMES):
        tab.go()
        tab.back(plan)
    tab.close()
    visit.again()
    visit.check(visit.front.sends(visit.user) == before, "nothing was sent again")


@scenario("started once", GROUP, source="spectator_sport#64, plausible/analytics#3144", subjects=("recorder",))
def started_once(visit: Visit) -> None:
    """A fresh page's `pageshow` is no return: what it records is sent once, as are its configuration's requests."""
    tab = visit.open()
    tab.record(FEW)
    visit.check(visit.arrived(), "all arrived")
    _settled(visit, tab)
    visit.check(set(visit.front.sends(visit.user).values()) == {1}, "each was sent once")
    visit.check(len(visit.front.requests(method="GET", since=visit.begun)) <= 1, "it was configured once")


@scenario("left with the answer on its way", GROUP, source="analytics-next#714")
def answer_on_its_way(visit: Visit) -> None:
    """The collector has stored them, its answer takes three seconds, and the page has gone by then."""
    visit.front.delay(3.0, times=1)
    tab = visit.open()
    tab.record(FEW)
    tab.flush()
    visit.until(lambda: visit.front.requests(visit.user), "the request has arrived")
    tab.go()
    visit.again()


@scenario("exit refused, page returned to", GROUP, source="posthog-js#4927", quick=True)
def refused_then_back(visit: Visit) -> None:
    """The exit's requests get 503; the page comes back from the cache, and sends again by another transport."""
    tab = visit.open()
    plan = tab.plan
    visit.front.answer(503)
    tab.record(FEW)
    tab.go()
    visit.until(lambda: visit.front.requests(visit.user), "the exit's request has arrived")
    visit.front.clear()
    _check_restored(tab.back(plan), visit)
    visit.arrived()
    tab.close()
    visit.again()


@scenario("left within the interval", GROUP, source="mixpanel-js#341: 6 % of conversions", options={"flushMs": 5000})
def within_the_interval(visit: Visit) -> None:
    """Three pages in a row, each left long before its interval of five seconds ends."""
    tab = visit.open()
    for _ in range(TIMES):
        tab.record(2)
        tab.go(visit.plan())
        tab.wait_report("ready")
    tab.record(2)
    tab.close()
    visit.again()


@scenario("hidden, seen again, left", GROUP, source="highlight#2095; facts: two events for each exit")
def hidden_seen_left(visit: Visit) -> None:
    """Hidden, shown, and left, with new impressions each time: each is sent as it was, and counted once."""
    tab = visit.open()
    tab.record(2)
    tab.hide()
    tab.record(1)
    tab.show()
    tab.record(2)
    tab.close()
    visit.again()


def _check_restored(report: dict[str, object], visit: Visit) -> None:
    """The recorder must not be why a page isn't cached; only Chromium gives reasons."""
    visit.check(report["persisted"], f"the page came from the back/forward cache: {report['reasons']}")
    visit.check(report["reasons"] is None, f"nothing speaks against the cache: {report['reasons']}")


def _check_simple(visit: Visit) -> None:
    """What leaves at exit must need no preflight: its answer would come too late."""
    for each in visit.front.requests(visit.user):
        kind = each.headers.get("content-type", "text/plain")
        visit.check(kind.startswith("text/plain"), f"an exit's body is text, not {kind}")


def _settled(visit: Visit, tab: Tab) -> None:
    """Wait until the recorder knows that all was stored; others don't say."""
    if visit.lane.subject.name == "recorder":
        visit.until(lambda: not tab.stats()["pending"], "nothing is pending")
