"""Consent: nothing is stored and nothing is sent before it, or without it."""

from collections.abc import Callable

from tests.browsers.broken import OURS, SOON, broken
from tests.browsers.scenario import scenario
from tests.browsers.scenarios.storage import GROUP
from tests.browsers.tab import Tab
from tests.browsers.visit import Visit
from tests.support.wait import let_pass

# Longer than a recorder waits for anything by itself, where it sends soon.
SECONDS = 2.0
REQUESTS = ("POST", "GET", "OPTIONS")


def arrived(visit: Visit) -> int:
    """Return how many requests of any kind came to the collector's address so far."""
    return sum(len(visit.front.requests(method=each)) for each in REQUESTS)


def nothing(visit: Visit, act: Callable[[], Tab]) -> Tab:
    """Check that nothing is sent while `act` does something, and a while after it, and that nothing is stored."""
    before = arrived(visit)
    tab = act()
    let_pass(SECONDS)
    visit.check(arrived(visit) == before, "nothing was sent")
    tab.call("stored")
    found = tab.wait_report("stored")["found"]
    visit.check(found == [], f"nothing is stored: {found}")
    return tab


@scenario(
    "consent pending, then given", GROUP, source="0023: consent", options={**SOON, "consent": "pending"}, subjects=OURS
)
def pending(visit: Visit) -> None:
    """Nothing leaves the page's memory until consent is given; then all of it is sent, with the time of then."""

    def act() -> Tab:
        tab = visit.open(head=broken())
        tab.record(10)
        return tab

    tab = nothing(visit, act)
    tab.call("setConsent", "granted")
    visit.arrived()


@scenario(
    "consent pending, page left",
    GROUP,
    source="0023: consent",
    options={**SOON, "consent": "pending"},
    subjects=OURS,
    records_nothing=True,
)
def pending_left(visit: Visit) -> None:
    """The page is left before consent was given: nothing of it ever leaves, nor stays."""

    def act() -> Tab:
        tab = visit.open(head=broken())
        tab.call("record", visit.artworks(10), {})
        tab.load(visit.plan(head=broken()))
        return tab

    nothing(visit, act)


@scenario(
    "consent denied",
    GROUP,
    source="0023: consent",
    options={**SOON, "consent": "denied"},
    subjects=OURS,
    records_nothing=True,
)
def denied(visit: Visit) -> None:
    """Nothing is recorded at all, and the recorder says so."""

    def act() -> Tab:
        tab = visit.open(head=broken())
        visit.check(tab.record(10) == [], "nothing is taken")
        tab.load(visit.plan(head=broken()))
        return tab

    nothing(visit, act)


def asked(visit: Visit, quirk: str) -> None:
    """Record on a page whose browser asks for privacy, on a site that wants to know."""

    def act() -> Tab:
        tab = visit.open(head=broken(quirk))
        visit.check(tab.record(10) == [], "nothing is taken")
        tab.call("setConsent", "granted")
        visit.check(tab.record(10) == [], "nor after the site says that there is consent")
        return tab

    nothing(visit, act)


RESPECTFUL = {**SOON, "respectDoNotTrack": True}


@scenario("Do Not Track", GROUP, source="0023: Do Not Track", options=RESPECTFUL, subjects=OURS, records_nothing=True)
def do_not_track(visit: Visit) -> None:
    """The browser asks not to be tracked, and the site respects that."""
    asked(visit, "doNotTrack")


@scenario(
    "Global Privacy Control",
    GROUP,
    source="0023: Do Not Track",
    options=RESPECTFUL,
    subjects=OURS,
    records_nothing=True,
)
def privacy_control(visit: Visit) -> None:
    """The same with its successor."""
    asked(visit, "globalPrivacyControl")


@scenario("consent withdrawn", GROUP, source="0023: consent", options=SOON, subjects=OURS)
def withdrawn(visit: Visit) -> None:
    """Offline, consent is withdrawn: nothing is sent from then on, nor at the exit; later it is."""
    visit.network.off()
    tab = visit.open(head=broken())
    tab.record(10)
    let_pass(0.5)
    tab.call("setConsent", "denied")
    visit.network.on()
    before = arrived(visit)
    visit.check(tab.call("record", visit.artworks(5), {}) == [False] * 5, "nothing is taken any more")
    let_pass(SECONDS)
    tab.load(visit.plan(head=broken(), options={"consent": "denied"}))
    let_pass(SECONDS)
    visit.check(arrived(visit) == before, "nothing was sent")
    tab.load(visit.plan())
    visit.arrived()
