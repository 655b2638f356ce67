"""The network between page and collector: slow, away, now and then, or gone at the worst moment."""

import time

from tests.browsers.broken import OURS, SOON, broken
from tests.browsers.checks import attempts, oldest_first, telemetry, unchanged, within_limits
from tests.browsers.offline import prepare, set_offline
from tests.browsers.scenario import scenario
from tests.browsers.tab import Tab
from tests.browsers.visit import Visit
from tests.support.wait import let_pass

GROUP = "network"
# A fault that consists in its duration: long enough for several attempts.
OUTAGE_SECONDS = 1.5
LARGE = {**SOON, "batchSize": 500, "maxBytes": 16 << 20, "maxEntries": 20_000}


@scenario("offline, then online", GROUP, source="facts: offline", options=SOON, quick=True)
def offline_online(visit: Visit) -> None:
    """Twenty impressions while connections are refused; the page stays until they are not."""
    tab = visit.open()
    visit.network.off()
    tab.record(20)
    let_pass(OUTAGE_SECONDS)
    visit.network.on()
    visit.arrived()
    unchanged(visit)


@scenario("offline, page left, online", GROUP, source="analytics-next#768, origami#206", options=SOON, quick=True)
def offline_left(visit: Visit) -> None:
    """Offline until the page is left; the next page in the same tab is online."""
    tab = visit.open()
    visit.network.off()
    tab.record(20)
    tab.go()
    visit.network.on()
    tab.load(visit.plan())
    visit.arrived()


@scenario("offline, tab closed, online", GROUP, source="facts: offline; posthog-js#44", options=SOON)
def offline_closed(visit: Visit) -> None:
    """Offline until the tab is closed; the user comes back in another one."""
    tab = visit.open()
    visit.network.off()
    tab.record(20)
    tab.close()
    visit.network.on()
    visit.again()


@scenario("offline for several pages", GROUP, source="facts: offline; analytics-next#714", options=SOON)
def offline_pages(visit: Visit) -> None:
    """Five pages, one after another in the same tab, all of them offline."""
    tab = visit.open()
    visit.network.off()
    for _ in range(5):
        tab.record(4)
        tab.load(visit.plan())
    visit.network.on()
    visit.arrived()


def all_stored(visit: Visit, tab: Tab, number: int) -> None:
    """Wait until so many are stored, where the recorder says so: what is left is not to depend on the machine."""
    if visit.lane.subject.name in OURS:
        visit.until(lambda: tab.stats()["stored"] >= number, f"{number} are stored", 60)
    else:
        let_pass(OUTAGE_SECONDS)


@scenario(
    "offline with 5 MB kept", GROUP, source="Amplitude-TypeScript#1703, ApplicationInsights-JS#880", options=LARGE
)
def offline_5mb(visit: Visit) -> None:
    """Five thousand impressions of a kilobyte are kept, then sent: in pieces, oldest first, nothing over a limit."""
    tab = visit.open()
    visit.network.off()
    for _ in range(10):
        tab.record(500, padding=1000)
    all_stored(visit, tab, 5000)
    tab.load(visit.plan())
    online = time.time()
    visit.network.on()
    visit.arrived(patience=240)
    within_limits(visit)
    oldest_first(visit, online)


@scenario("now and then online", GROUP, source="facts: 400 ms up, 400 ms down", options=SOON)
def intermittent(visit: Visit) -> None:
    """Up for 400 ms, down for 400 ms, while thirty impressions are recorded."""
    tab = visit.open()
    visit.network.flaky()
    for _ in range(30):
        tab.record(1)
        let_pass(0.15)
    visit.network.on()
    visit.arrived()
    unchanged(visit)


@scenario("now and then online, page left", GROUP, source="facts: 400 ms up, 400 ms down", options=SOON)
def intermittent_left(visit: Visit) -> None:
    """The same, on six pages that are left."""
    tab = visit.open()
    visit.network.flaky()
    for _ in range(6):
        tab.record(5)
        let_pass(0.3)
        tab.load(visit.plan())
    visit.network.on()
    visit.arrived()


@scenario(
    "offline events",
    GROUP,
    source="facts: real offline events",
    options=SOON,
    engines=("chromium", "firefox"),
    why="WebKitGTK's driver can't set a page offline.",
)
def offline_events(visit: Visit) -> None:
    """The browser itself is offline, and says so to its pages; then online."""
    prepare(visit)
    tab = visit.open()
    set_offline(visit, tab, True)
    tab.record(20)
    let_pass(OUTAGE_SECONDS)
    set_offline(visit, tab, False)
    visit.arrived()


@scenario("cut while sending", GROUP, source="facts: connection reset", options=SOON)
def cut_while_sending(visit: Visit) -> None:
    """The connection ends in the middle of each request's body."""
    tab = visit.open()
    visit.network.toxic("limit_data", bytes=700)
    tab.record(40)
    let_pass(OUTAGE_SECONDS)
    visit.network.on()
    visit.arrived()
    unchanged(visit)


@scenario("acknowledgement lost", GROUP, source="Amplitude-JavaScript#385", options=SOON, quick=True)
def ack_lost(visit: Visit) -> None:
    """The collector stores a flush, and the connection is reset before its answer: it is sent again, counted once."""
    visit.front.cut(times=3)
    tab = visit.open()
    tab.record(10)
    visit.until(lambda: sum(each.stored for each in visit.front.requests(visit.user)) > 1, "it is sent again")
    visit.arrived()
    unchanged(visit)


@scenario("acknowledgement lost at exit", GROUP, source="Amplitude-JavaScript#385", options=SOON)
def ack_lost_at_exit(visit: Visit) -> None:
    """The same for all that an exit sends; the next page sends it once more."""
    visit.front.cut()
    tab = visit.open()
    tab.record_and_go(10)
    visit.front.clear()
    tab.load(visit.plan())
    visit.arrived()


@scenario("half an answer", GROUP, source="facts: connection reset", options=SOON)
def half_an_answer(visit: Visit) -> None:
    """Connections end in the middle of the answer: nobody knows what it would have named."""
    tab = visit.open()
    visit.network.toxic("limit_data", "downstream", bytes=120)
    tab.record(10)
    let_pass(OUTAGE_SECONDS)
    visit.network.on()
    visit.arrived()
    visit.until(lambda: tab.stats().get("pending", 0) == 0, "all is acknowledged")


@scenario("hung answers", GROUP, source="sentry-javascript#7553", options=SOON)
def hung(visit: Visit) -> None:
    """No request gets an answer; the page is left, and the next one has a collector that answers."""
    visit.front.hang()
    tab = visit.open()
    tab.record(10)
    visit.until(lambda: visit.front.requests(visit.user), "the first request is there")
    tab.go()
    visit.front.clear()
    tab.load(visit.plan())
    visit.arrived()


@scenario("one answer hangs", GROUP, source="sentry-javascript#7553", options=SOON)
def one_hangs(visit: Visit) -> None:
    """One request never gets an answer, and the page stays: that attempt counts as failed some time."""
    visit.front.hang(times=1)
    tab = visit.open()
    tab.record(10)
    visit.until(lambda: visit.front.requests(visit.user), "the first request is there")
    tab.record(10)
    visit.arrived(patience=60)


@scenario("left with requests in flight", GROUP, source="analytics-next#714", options=SOON)
def in_flight(visit: Visit) -> None:
    """The page goes while its request is on its way, and its answer finds nobody."""
    visit.front.delay(1.0)
    tab = visit.open()
    tab.record(10)
    visit.until(lambda: visit.front.requests(visit.user), "the request is there")
    tab.record(3)
    tab.go()
    visit.front.clear()
    tab.load(visit.plan())
    visit.arrived()


def told(visit: Visit) -> int:
    """Return the highest number of attempts that a request of a page that was still there tells of."""
    flushes = [flush for request in visit.front.requests(visit.user) for flush in request.flushes]
    return max((each.telemetry["attempts"] for each in flushes if each.reason == "timer"), default=0)


@scenario("pages that die while sending", GROUP, source="withoneai/cli#190", options=SOON, subjects=OURS)
def attempts_counted(visit: Visit) -> None:
    """Four pages are left while they send the same impressions: each attempt was counted before it was made."""
    visit.front.hang()
    tab = visit.open()
    tab.record(5)
    for number in range(1, 5):
        visit.until(lambda: told(visit) >= number, f"attempt {number} is there")  # noqa: B023
        tab.load(visit.plan())
    visit.front.clear()
    # Browsers themselves repeat what earlier pages sent.
    visit.until(lambda: attempts(visit) >= 4, "a stored flush tells of at least four attempts")
    visit.arrived()


@scenario("name not known", GROUP, source="whatwg/fetch#1816", options=SOON)
def unresolved(visit: Visit) -> None:
    """The collector's name has no address on one page, and has one on the next."""
    own = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'"
    policy = f"{own}; connect-src 'self' http://collector.invalid"
    headers = {"Content-Security-Policy": policy}
    tab = visit.open(head=broken("unresolved"), headers=headers, options={"config": False})
    tab.record(10)
    let_pass(OUTAGE_SECONDS)
    tab.load(visit.plan())
    visit.arrived()


@scenario("no number is made up", GROUP, source="facts: telemetry", subjects=OURS, options=SOON)
def telemetry_of_failures(visit: Visit) -> None:
    """After three failed attempts, the flush that is stored tells of them."""
    visit.front.answer(500, times=3)
    tab = visit.open()
    tab.record(5)
    visit.arrived()
    visit.check(attempts(visit) >= 4 and telemetry(visit, "failures") >= 3, "three failures are told of")
