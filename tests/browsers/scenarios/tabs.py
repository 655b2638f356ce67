"""Several tabs, several recorders, several users: who sends what, and how often."""

from dataclasses import replace

from tests.browsers.broken import OURS, SOON, broken
from tests.browsers.checks import unchanged
from tests.browsers.scenario import scenario
from tests.browsers.site.pages import Plan, policy
from tests.browsers.tab import Tab
from tests.browsers.visit import Visit
from tests.support.wait import let_pass

GROUP = "tabs"
THROTTLE = 20
# How often an impression is sent at most where only answers are slow: each time that the driver turns to another tab,
# by an exit's two ways, and once more when the page is back.
TURNS = 5
SENDS = 3 * TURNS
ONLY_CDP = "Only DevTools' protocol throttles a tab's CPU."


def at_once(visit: Visit, number: int, throttled: bool = False) -> list[Tab]:
    """Record in so many tabs in turn, five times four; return the tabs."""
    tabs = [visit.open() for _ in range(number)]
    if throttled:
        for tab in tabs:
            cdp = getattr(visit.browser, "cdp")  # noqa: B009 - Chromium's only
            cdp(tab.handle, "Emulation.setCPUThrottlingRate", rate=THROTTLE)
    for _ in range(TURNS):
        for tab in tabs:
            tab.record(4)
    return tabs


def sends(visit: Visit) -> int:
    """Return how often an impression was sent at most."""
    return max(visit.front.sends(visit.user).values(), default=0)


@scenario("two tabs", GROUP, source="snowplow#349, ahoy.js#16", options=SOON, quick=True)
def two_tabs(visit: Visit) -> None:
    """Two tabs of a user record at the same time."""
    at_once(visit, 2)
    visit.arrived()
    visit.check(sends(visit) <= SENDS or visit.lane.subject.stub, "nothing was sent over and over")


@scenario("five tabs", GROUP, source="snowplow#345, localstorage-retry#27", options=SOON)
def five_tabs(visit: Visit) -> None:
    """Five tabs record, and are closed one after another."""
    for tab in at_once(visit, 5):
        tab.record(3)
        tab.close()
    visit.again()
    unchanged(visit)


@scenario(
    "five tabs without CPU",
    GROUP,
    source="localstorage-retry#27, #29",
    options=SOON,
    engines=("chromium",),
    why=ONLY_CDP,
)
def five_throttled(visit: Visit) -> None:
    """Five tabs with a twentieth of the CPU record, and are closed: nobody takes a living tab's queue."""
    tabs = at_once(visit, 5, throttled=True)
    visit.arrived()
    for tab in tabs:
        tab.record(2)
        tab.close()
    visit.again()
    visit.check(sends(visit) <= SENDS or visit.lane.subject.stub, "nothing was sent over and over")


@scenario(
    "five tabs without CPU, offline",
    GROUP,
    source="localstorage-retry#29",
    options=SOON,
    engines=("chromium",),
    why=ONLY_CDP,
)
def five_throttled_offline(visit: Visit) -> None:
    """The same offline, then online: all of them wake up together."""
    visit.network.off()
    at_once(visit, 5, throttled=True)
    let_pass(1.0)
    visit.network.on()
    visit.arrived()


@scenario("two tabs offline, then online", GROUP, source="ankane/ahoy.js#16", options=SOON)
def two_offline(visit: Visit) -> None:
    """Two tabs record offline, and both find the network again."""
    visit.network.off()
    at_once(visit, 2)
    let_pass(1.0)
    visit.network.on()
    visit.arrived()
    unchanged(visit)


@scenario("two tabs offline, one closed", GROUP, source="ankane/ahoy.js#16", options=SOON)
def two_offline_one_closed(visit: Visit) -> None:
    """Two tabs record offline, and one is closed; the other one stays, and sends what both recorded."""
    visit.network.off()
    one, other = at_once(visit, 2)
    other.close()
    visit.network.on()
    one.record(1)
    visit.arrived()


@scenario("two tabs without IndexedDB", GROUP, source="facts: read-modify-write from two tabs", options=SOON)
def two_local(visit: Visit) -> None:
    """Two tabs share localStorage, offline, then online."""
    visit.network.off()
    tabs = [visit.open(head=broken("indexedDbDenied")) for _ in range(2)]
    for _ in range(10):
        for tab in tabs:
            tab.record(4)
    let_pass(0.5)
    visit.network.on()
    visit.arrived()
    unchanged(visit)


@scenario("a tab duplicated", GROUP, source="facts: sessionStorage is copied", options=SOON)
def duplicated(visit: Visit) -> None:
    """A tab is duplicated with its sessionStorage, so two of them believe to be the same; both record."""
    visit.network.off()
    one = visit.open(head=broken())
    one.record(5)
    other = visit.open(head=broken(session=one.call("session")))
    for _ in range(3):
        one.record(3)
        other.record(3)
    visit.network.on()
    visit.arrived()
    one.record(3)
    other.record(3)
    one.close()
    other.close()
    visit.again()


@scenario(
    "another user, offline",
    GROUP,
    source="Eventra#2447, vfs-tracker#103, securedrop-client#1453",
    options=SOON,
    quick=True,
)
def another_user(visit: Visit) -> None:
    """A records offline and leaves, B records, A comes back: what A recorded goes as A's, and B's as B's."""
    visit.network.off()
    tab = visit.open()
    tab.record(5)
    tab.load(visit.plan(user=f"{visit.user}-b"))
    tab.record(5)
    visit.network.on()
    visit.until(lambda: visit.front.requests(f"{visit.user}-b"), "B's are sent")
    tab.load(visit.plan())
    visit.arrived()


@scenario("logged out and in", GROUP, source="Eventra#2749, securedrop-client#1453", options=SOON, subjects=OURS)
def login(visit: Visit) -> None:
    """On one page, A logs out by `destroy()`, B logs in, and A again; online and offline."""
    a, b = visit.user, f"{visit.user}-b"
    tab = visit.open(head=broken())
    visit.users.append(b)
    for user in (a, b, a):
        if user != tab.plan.user:
            tab.call("login", user)
            tab.plan = replace(tab.plan, user=user)
        tab.record(5)
    visit.arrived()
    visit.network.off()
    for user in (b, a, b):
        tab.call("login", user)
        tab.plan = replace(tab.plan, user=user)
        tab.record(5)
    visit.network.on()
    tab.load(visit.plan(user=b))
    visit.until(lambda: tab.stats()["storage"] != "opening", "B's page is there")
    tab.load(visit.plan(user=a))
    visit.arrived(patience=15)
    tab.load(visit.plan(user=b))
    visit.arrived()


@scenario("two recorders on a page", GROUP, source="faro-web-sdk#2151, snowplow#1359", options=SOON, subjects=OURS)
def two_recorders(visit: Visit) -> None:
    """Two recorders of one user, and one of another, on the same page; it is left with all of them full."""
    b = f"{visit.user}-b"
    visit.users.append(b)
    tab = visit.open(head=broken())
    tab.call("another", {})
    tab.call("another", {"user": b})

    def all_of_them(number: int) -> None:
        tab.record(number)
        for index, user in enumerate((visit.user, b)):
            ids = visit.artworks(number)
            tab.call("recordBy", index, ids, {})
            visit.note(*ids, user=user)

    all_of_them(10)
    visit.arrived()
    all_of_them(150)
    tab.go()
    tab.load(visit.plan())
    visit.until(lambda: tab.stats()["pending"] == 0, "A's page has nothing left")
    tab.load(visit.plan(user=b))
    visit.arrived()


@scenario(
    "somebody else uses up the quota", GROUP, source="faro-web-sdk#1898, snowplow#1355, whatwg/fetch#1816", options=SOON
)
def quota_shared(visit: Visit) -> None:
    """Another tracker has 60 kB under way that hang, so nothing more may outlive the page."""
    visit.front.hang(path="/elsewhere")
    tab = visit.open(head=broken())
    tab.call("sendsToo", f"{visit.lane.endpoint}/elsewhere", 60_000)
    tab.record(40)
    visit.check(visit.arrived(patience=20) or visit.lane.subject.stub, "all arrived while the page stayed")
    tab.record(60)
    tab.go()
    visit.front.clear()
    tab.load(visit.plan())
    visit.arrived()


@scenario("two collectors", GROUP, source="snowplow#373", options=SOON, subjects=OURS)
def two_endpoints(visit: Visit) -> None:
    """Two recorders of one page have two collectors, offline, then online: each gets what was recorded for it."""
    second = visit.lane.endpoint.replace("127.0.0.1", "localhost")
    plan = both(visit, visit.plan(head=broken()), second)
    visit.network.off()
    tab = visit.open(subject=False)
    tab.load(plan)
    tab.call("another", {"endpoint": second})
    first_ids, second_ids = visit.artworks(5), visit.artworks(5)
    tab.record_artworks(first_ids)
    tab.call("recordBy", 0, second_ids, {})
    visit.note(*second_ids)
    tab.load(both(visit, visit.plan(head=broken()), second))
    tab.call("another", {"endpoint": second})
    visit.network.on()
    visit.arrived()
    for request in visit.front.requests(visit.user):
        mine = second_ids if "localhost" in request.headers["host"] else first_ids
        found = {artwork for flush in request.flushes for _, artwork in flush.impressions}
        visit.check(found <= set(mine), "a collector gets only what was recorded for it")


def both(visit: Visit, plan: Plan, second: str) -> Plan:
    """Return a page that may talk to both collectors."""
    allowed = policy(plan).replace(
        f"connect-src 'self' {plan.endpoint}", f"connect-src 'self' {plan.endpoint} {second}"
    )
    changed = replace(plan, headers={"Content-Security-Policy": allowed})
    visit.lane.site.plans[plan.key] = changed
    return changed
