"""What counts as seen (docs/reference/seen.md), while pages come and go: hidden, prerendered, cached, framed."""

import json
from typing import Any

from tests.browsers.boxes import PAGE, Boxes
from tests.browsers.scenario import CHROMIUM
from tests.browsers.scenarios.seen import SLOW, seen
from tests.browsers.servers import HOST
from tests.browsers.site.pages import Plan, policy
from tests.browsers.tab import Tab
from tests.browsers.visit import Visit

# The page notes when it became visible a little later than the recorder does.
TOLERANCE_MS = 50
PRERENDERS = "Only Chromium prerenders."


def with_boxes(visit: Visit, number: int, top: str = "50px") -> tuple[Plan, list[str]]:
    """Return a page that places boxes by itself, and their artworks."""
    artworks = visit.artworks(number)
    head = f'<meta name="boxes" content="{" ".join(artworks)}" data-top="{top}">'
    return visit.plan(PAGE, head=head), artworks


def check_waited(visit: Visit, report: dict[str, Any], ms: int) -> None:
    """Check that what was reported as seen had been in a visible page for so long."""
    visit.check(report["state"] == "visible", f"it is seen in a visible page: {report}")
    visit.check(report["visibleMs"] >= ms - TOLERANCE_MS, f"it is seen {ms} ms after the page was visible: {report}")


@seen("a background tab", "spaniel#129, amphtml#7406, goatcounter#489", quick=True)
def a_background_tab(visit: Visit) -> None:
    """A page loads in a tab that nobody looks at, and ends with the browser: nothing of it was seen."""
    boxes = Boxes.open(visit)
    behind, artworks = with_boxes(visit, 3)
    boxes.call("goWhenHidden", visit.url(behind))
    boxes.tab.hide()
    shows = visit.until(lambda: visit.reports("show", behind.key), "the hidden tab has loaded the page")
    visit.check(shows[0]["visible"] == "hidden", f"the page is hidden: {shows[0]}")
    visit.until(lambda: visit.reports("ready", behind.key), "its recorder runs")
    Boxes.open(visit, window=True).let_time_pass()
    # WebDriver's close would bring it to the front.
    visit.arrived()
    visit.check(not boxes.reports(behind), f"none of {artworks} is seen: {boxes.reports(behind)}")


@seen("a background tab, shown at last", "spaniel#129")
def a_background_tab_shown_at_last(visit: Visit) -> None:
    """A page loads in a tab that nobody looks at; its boxes are seen a second after the tab is in front."""
    boxes = Boxes.open(visit)
    behind, artworks = with_boxes(visit, 3)
    boxes.call("goWhenHidden", visit.url(behind))
    boxes.tab.hide()
    visit.until(lambda: visit.reports("ready", behind.key), "the hidden tab has loaded the page")
    Boxes.open(visit, window=True).let_time_pass()
    visit.check(not boxes.reports(behind), "nothing is seen while it is hidden")
    boxes.tab.plan = behind
    boxes.tab.show()
    report = boxes.wait(*artworks)
    check_waited(visit, report, 1000)
    visit.arrived()


@seen("tab hidden midway", "spaniel#129: the time went on in the background", options=SLOW, quick=True)
def tab_hidden_midway(visit: Visit) -> None:
    """Hidden before the time is up, for longer than it takes, and shown again: it begins at 0."""
    boxes = Boxes.open(visit)
    artwork = boxes.place(top="0")
    boxes.tab.hide()
    Boxes.open(visit, window=True).let_time_pass()
    visit.check(not boxes.reports(), f"{artwork} is not seen while the tab is hidden")
    boxes.tab.show()
    check_waited(visit, boxes.wait(artwork), 3000)
    visit.arrived()


@seen("back from the cache", "plausible/analytics#4656, web-vitals#785", quick=True)
def back_from_the_cache(visit: Visit) -> None:
    """A page comes back from the back/forward cache: what was seen stays seen, the rest begins at 0."""
    boxes = Boxes.open(visit)
    artwork = boxes.place(top="0")
    boxes.wait(artwork)
    visit.arrived()
    plan, later = boxes.tab.plan, boxes.place(top="0", left="110px")
    boxes.tab.go()
    early = later in boxes.reports(plan)
    show = boxes.tab.back(plan)
    visit.check(show["persisted"], f"the page was in the cache: {show['reasons']}")
    report = boxes.wait(later)
    visit.check(early or report["visibleMs"] >= 1000 - TOLERANCE_MS, f"its clock began at 0: {report}")
    boxes.let_time_pass()
    boxes.once(artwork, later)
    visit.arrived()


@seen("another view of the page", "facts: a route change is nothing global", quick=True)
def another_view_of_the_page(visit: Visit) -> None:
    """A single-page application changes its view, before and after a box was seen, stopping observations or not."""
    boxes = Boxes.open(visit, options=SLOW)
    for stopped in (True, False):
        unseen = boxes.place(top="0")
        boxes.call("route", f"#stopped-{stopped}", stopped)
        shown = boxes.place(top="0")
        boxes.wait(shown)
        boxes.unseen(unseen)
        boxes.call("route", "#back", stopped)
        boxes.call("place", shown, {"top": "0", "width": "50px", "height": "50px"})
        boxes.let_time_pass()
        boxes.once(shown)
    visit.arrived()


@seen("the collector's rule", "contract §7: visible_ratio, visible_ms", quick=True)
def the_collectors_rule(visit: Visit) -> None:
    """The collector says 30 % for half a second; a box of which 40 % are visible is there before it says so."""
    rule = json.dumps({"visible_ratio": 0.3, "visible_ms": 500})
    visit.front.answer(200, {"Content-Type": "application/json"}, rule, path="/config", methods=("GET",))
    framed, (artwork,) = with_boxes(visit, 1, top="calc(100vh - 40px)")
    boxes = Boxes(visit, visit.open(PAGE, head=framed.head))
    boxes.wait(artwork)
    less = boxes.place(top="calc(100vh - 29px)", left="220px")
    boxes.unseen(less)
    visit.arrived()


@seen("consent comes later", "facts: consent may be given later", options={"consent": "pending"})
def consent_comes_later(visit: Visit) -> None:
    """What is seen while consent is pending is recorded, and leaves the page once it is given."""
    witness = Boxes.open(visit, window=True, options={"consent": "granted"}, user="witness-" + visit.user)
    boxes = Boxes.open(visit, window=True)
    artwork = boxes.place(top="0")
    witness.let_time_pass()
    visit.check(not visit.front.requests(visit.user), "nothing is sent before consent is given")
    boxes.call("setConsent", "granted")
    boxes.wait(artwork)
    visit.arrived()


def prerendering(visit: Visit, target: Plan) -> Tab:
    """Open a page that has the browser prerender another; return once that has loaded."""
    rules = json.dumps({"prerender": [{"source": "list", "urls": [visit.url(target)], "eagerness": "immediate"}]})
    allowed = policy(target).replace("script-src 'self'", "script-src 'self' 'inline-speculation-rules'")
    tab = visit.open(
        PAGE,
        head=f'<script type="speculationrules">{rules}</script>',
        headers={"Content-Security-Policy": allowed},
    )
    visit.until(lambda: visit.reports("ready", target.key), "the page is prerendered")
    return tab


@seen("prerendered, then visited", "web-vitals#268, #271, #282", engines=(CHROMIUM,), why=PRERENDERS)
def prerendered_then_visited(visit: Visit) -> None:
    """A prerendered page sees nothing before its activation, and its boxes a second after it."""
    target, artworks = with_boxes(visit, 3)
    boxes = Boxes(visit, prerendering(visit, target))
    boxes.let_time_pass()
    visit.check(not boxes.reports(target), "nothing is seen before activation")
    boxes.call("go", visit.url(target))
    report = boxes.wait(*artworks, plan=target)
    visit.check(not report["prerendering"], "it is activated")
    visit.check(len({each["page"] for each in visit.reports(key=target.key)}) == 1, "the prerendered page is visited")
    check_waited(visit, report, 1000)
    visit.arrived()


@seen("prerendered, never visited", "plausible#5343, hitkeep#271", engines=(CHROMIUM,), why=PRERENDERS)
def prerendered_never_visited(visit: Visit) -> None:
    """A page is prerendered, and the user goes elsewhere: nothing of it was seen."""
    target, _ = with_boxes(visit, 3)
    boxes = Boxes(visit, prerendering(visit, target))
    boxes.let_time_pass()
    boxes.tab.go()
    visit.arrived()
    visit.check(not boxes.reports(target), "nothing of the prerendered page is seen")


@seen("in a frame of another site", "facts: rootBounds is null in frames of another origin")
def in_a_frame_of_another_site(visit: Visit) -> None:
    """A frame begins below the fold of a page of another site: its boxes are seen when the page is scrolled there."""
    framed, artworks = with_boxes(visit, 2)
    csp = policy(framed).replace("frame-src 'self'", f"frame-src {visit.lane.origin}")
    around = visit.plan(PAGE, subject=False, headers={"Content-Security-Policy": csp})
    tab = Tab(visit, visit.browser.new_tab(window=True), around)
    visit.browser.navigate(tab.handle, visit.url(around).replace(HOST, "localhost"))
    tab.wait_report("ready")
    tab.call("frame", visit.url(framed), {"top": "100vh", "left": "0", "width": "400px", "height": "400px"})
    visit.until(lambda: visit.reports("ready", framed.key), "the frame has loaded")
    tab.call("scroll", 0, 40)
    witness = Boxes.open(visit, window=True)
    witness.let_time_pass()
    visit.check(not witness.reports(framed), "nothing is seen of a frame below the fold")
    tab.call("scroll", 0, 300)
    witness.wait(*artworks, plan=framed)
    visit.arrived()
