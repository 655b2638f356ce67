"""A page's life: hidden, frozen, discarded, idle; its process is killed, or the whole browser, and started again."""

from typing import Any

from tests.browsers.engines.chromium import Chromium
from tests.browsers.scenario import CHROMIUM, scenario
from tests.browsers.tab import Tab
from tests.browsers.visit import ScenarioError, Visit

GROUP = "life"
OURS = ("recorder",)
FEW = 5
# A steady stream of impressions while the browser is killed: one each so many ms, so many at most.
EVERY_MS, STREAM, KILLED_AFTER = 25, 400, 60
# For how long an idle page is watched (s): several intervals of every timer that a recorder could have.
IDLE_SECONDS = 12.0
# Long enough for a recorder to leave with the browser what is to be sent if the page dies (s).
ARMED_SECONDS = 1.0
# What the site's own scripts leave on the window, and chromedriver's.
PAGE_NAMES = {"page", "variants", "subject", "ret_nodes"}
PHONE = {"deviceMetrics": {"width": 412, "height": 915, "pixelRatio": 2.6, "touch": True, "mobile": True}}
ONLY_CHROMIUM = "Only Chromium's driver can freeze a page and emulate a phone."


@scenario("hidden", GROUP, source="facts: visibilitychange", quick=True)
def hidden(visit: Visit) -> None:
    """The window is minimised: what was recorded is sent then, not when it is shown again."""
    tab = visit.open(options={"flushMs": 60_000})
    tab.record(FEW)
    tab.hide()
    visit.check(visit.arrived(), "all arrived while the page is hidden")
    tab.show()
    tab.close()
    visit.again()


@scenario("recorded while hidden", GROUP, source="spaniel#129")
def recorded_while_hidden(visit: Visit) -> None:
    """What a hidden page records, which has had its event already, arrives without another one."""
    tab = visit.open()
    tab.record(2)
    tab.hide()
    visit.arrived()
    tab.record(FEW)
    visit.check(visit.arrived(), "all arrived while the page is hidden")


@scenario("hidden, then the browser killed", GROUP, source="page-lifecycle#2, w3c/page-visibility#59", quick=True)
def hidden_then_killed(visit: Visit) -> None:
    """A phone's user leaves the app, and the system ends it: `hidden` was the last event that there was."""
    tab = visit.open(options={"flushMs": 60_000})
    tab.record(FEW)
    tab.hide()
    visit.check(visit.arrived(), "all arrived while the page is hidden")
    visit.kill_browser()
    visit.restart_browser()
    visit.again()


@scenario("frozen", GROUP, source="facts: Page.setWebLifecycleState", engines=(CHROMIUM,), why=ONLY_CHROMIUM)
def frozen(visit: Visit) -> None:
    """A page on a phone is frozen, and thawed: what it recorded just before, and what it records after."""
    tab = _on_a_phone(visit)
    tab.record(FEW)
    _cdp(visit, tab, "Page.setWebLifecycleState", state="frozen")
    visit.check(visit.arrived(), "all arrived though the page is frozen")
    _cdp(visit, tab, "Page.setWebLifecycleState", state="active")
    tab.record(FEW)
    visit.again()


@scenario("frozen, then discarded", GROUP, source="facts: a phone's discard", engines=(CHROMIUM,), why=ONLY_CHROMIUM)
def discarded(visit: Visit) -> None:
    """A frozen page's process is killed, as a phone does that needs its memory, and the user returns to it."""
    tab = _on_a_phone(visit)
    tab.find_process()
    tab.record(FEW)
    _cdp(visit, tab, "Page.setWebLifecycleState", state="frozen")
    tab.kill()
    visit.again()


@scenario("renderer killed", GROUP, source="facts: renderer SIGKILL", persistent=True, quick=True)
def renderer_killed(visit: Visit) -> None:
    """The page's process dies by SIGKILL as soon as the recorder says that five impressions are stored."""
    tab = visit.open(options={"flushMs": 60_000})
    tab.find_process()
    tab.record(FEW)
    _stored(visit, tab, FEW)
    tab.kill()
    _return(visit)


@scenario("renderer killed in the same moment", GROUP, source="facts: renderer SIGKILL", persistent=True)
def renderer_killed_at_once(visit: Visit) -> None:
    """The page's process dies by SIGKILL right after `record` has returned."""
    tab = visit.open(options={"flushMs": 60_000})
    tab.find_process()
    tab.record(FEW)
    tab.kill()
    _return(visit)


@scenario(
    "renderer killed, nobody returns",
    GROUP,
    source="facts: fetchLater survives it",
    engines=(CHROMIUM,),
    why="Only Chromium has fetchLater, which sends although the page's process is gone.",
)
def nobody_returns(visit: Visit) -> None:
    """The page's process dies by SIGKILL a second after the records, and its user never comes back."""
    tab = visit.open(options={"flushMs": 60_000})
    tab.find_process()
    tab.record(FEW)
    visit.let_pass(ARMED_SECONDS)
    tab.kill()
    visit.arrived()


@scenario("browser killed", GROUP, source="facts: browser SIGKILL", persistent=True, quick=True)
def browser_killed(visit: Visit) -> None:
    """All of the browser's processes die by SIGKILL right after the records, and it is started again."""
    tab = visit.open(options={"flushMs": 60_000})
    tab.record(FEW)
    _stored(visit, tab, FEW)
    visit.kill_browser()
    visit.restart_browser()
    visit.again()


@scenario("browser killed while sending", GROUP, source="withoneai/cli#190", persistent=True)
def browser_killed_while_sending(visit: Visit) -> None:
    """The collector has the flush, its answer hasn't left, and the browser dies: sent again after its start."""
    visit.front.delay(5.0, times=1)
    tab = visit.open()
    tab.record(FEW)
    _stored(visit, tab, FEW)
    visit.until(lambda: visit.front.requests(visit.user), "the request has arrived")
    visit.kill_browser()
    visit.restart_browser()
    visit.again()


@scenario("browser killed in a steady stream", GROUP, source="facts: 184 of 506 kept in localStorage", persistent=True)
def killed_in_a_stream(visit: Visit) -> None:
    """An impression each 25 ms, each named once the recorder says that it is stored, until the browser dies."""
    tab = visit.open()
    artworks = visit.artworks(STREAM)
    tab.call("recordSlowly", artworks, EVERY_MS, {})
    # Others don't say what is stored: what `record` took counts.
    kind = "stored" if visit.lane.subject.name in OURS else "recorded"
    visit.until(lambda: len(visit.reports(kind)) >= KILLED_AFTER, f"impressions are {kind}")
    visit.kill_browser()
    recorded, kept = ({each["artwork"] for each in visit.reports(name)} for name in ("recorded", kind))
    visit.note(*kept)
    visit.facts["recorded, not stored yet when it died"] = len(recorded - kept)
    # What was recorded while it died, the page could not say any more.
    visit.may_arrive(*artworks)
    visit.restart_browser()
    visit.again()


@scenario("browser ended, and started again", GROUP, source="facts: SIGTERM", persistent=True)
def ended_and_started(visit: Visit) -> None:
    """The browser is ended in the usual way (WebKitGTK: by SIGTERM) right after the records, and started later."""
    tab = visit.open(options={"flushMs": 60_000})
    tab.record(FEW)
    _stored(visit, tab, FEW)
    visit.browser.stop()
    visit.restart_browser()
    visit.again()


@scenario("idle", GROUP, source="issue: no wake-ups when idle", subjects=OURS, quick=True)
def idle(visit: Visit) -> None:
    """Nothing is left to send: for twelve seconds, the page sends nothing and has no timer."""
    tab = visit.open(variants=["countTimers"])
    tab.record(FEW)
    visit.check(visit.arrived(), "all arrived")
    visit.until(lambda: not tab.stats()["pending"], "nothing is pending")
    try:
        visit.until(lambda: not tab.call("timers"), "no timer is left")
    except ScenarioError:
        visit.check(False, f"no timer is left, but some wait for {tab.call('timers')} ms")
    before = len(visit.front.seen), tab.call("timersSet")
    visit.let_pass(IDLE_SECONDS)
    visit.check((len(visit.front.seen), tab.call("timersSet")) == before, "no request and no timer while it is idle")
    visit.facts["timers set in twelve idle seconds"] = tab.call("timersSet") - before[1]


@scenario("one global name", GROUP, source="a script tag's own names are the page's, too", subjects=OURS, quick=True)
def one_global_name(visit: Visit) -> None:
    """Neither the recorder's script nor its stub leaves another name on the window than its own."""
    for early in (False, True):
        tab = visit.open(early=early)
        tab.record(1)
        visit.check(visit.arrived(), "the recorder has loaded, and sent it")
        left = set(tab.call("globals")) - PAGE_NAMES
        visit.check(left == {"ImpressionRecorder"}, f"there is no global name but its own: {sorted(left)}")


def _stored(visit: Visit, tab: Tab, number: int) -> None:
    """Wait until our recorder says that so many are stored; others store when they like."""
    if visit.lane.subject.name in OURS:
        visit.until(lambda: tab.stats()["stored"] >= number, "they are stored")


def _return(visit: Visit) -> None:
    """Come back, in the same browser if it still runs."""
    if not visit.browser.survives:
        visit.browser.stop()
        visit.restart_browser()
    visit.again()


def _on_a_phone(visit: Visit) -> Tab:
    """Open a page in a browser that says it is a phone."""
    assert isinstance(visit.browser, Chromium)
    visit.browser.stop()
    visit.browser.mobile = PHONE
    visit.browser.start()
    return visit.open(options={"flushMs": 60_000})


def _cdp(visit: Visit, tab: Tab, command: str, **parameters: Any) -> Any:
    assert isinstance(visit.browser, Chromium)
    return visit.browser.cdp(tab.handle, command, **parameters)
