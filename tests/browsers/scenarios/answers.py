"""What the collector, or whoever stands between, answers: too busy, too large, half of it, or something else."""

from itertools import pairwise

from tests.browsers.broken import OURS, SOON
from tests.browsers.checks import telemetry, unchanged, within_limits
from tests.browsers.scenario import Expects, scenario
from tests.browsers.tab import Tab
from tests.browsers.visit import Visit
from tests.support.wait import let_pass

GROUP = "answers"
# What servers ask for, and the most that a recorder adds to it, as a share: a half, and what a busy machine takes.
ASKED_SECONDS, MOST_MORE = 3, 1.0
# What many proxies take.
PROXY_BYTES = 8 << 10
LARGE = {**SOON, "batchSize": 500, "maxBytes": 8 << 20}


def acknowledged(visit: Visit, tab: Tab, what: str = "nothing waits in the recorder any more") -> None:
    """Wait until the recorder says that nothing waits, where it says such things."""
    visit.until(lambda: tab.stats().get("pending", 0) == 0, what, 60)


def storm(visit: Visit, status: int) -> None:
    """Answer every request with a status and `Retry-After`, while impressions are recorded; check that it is obeyed."""
    visit.front.answer(status, {"Retry-After": str(ASKED_SECONDS)})
    tab = visit.open()
    for _ in range(10):
        tab.record(2)
        let_pass(0.1)
    visit.until(lambda: len(visit.front.requests(visit.user)) >= 3, "it has tried three times", 60)
    visit.front.clear()
    visit.arrived()
    times = [each.at for each in visit.front.requests(visit.user)][:3]
    waits = [after - before for before, after in pairwise(times)]
    visit.check(min(waits) >= ASKED_SECONDS, f"each wait is as long as asked: {waits}")
    visit.check(max(waits) <= ASKED_SECONDS * (1 + MOST_MORE), f"and not much longer: {waits}")
    unchanged(visit)


@scenario("503 with Retry-After", GROUP, source="posthog-js#678; contract §6", options=SOON, subjects=OURS)
def storm_503(visit: Visit) -> None:
    """Every request is answered with 503 and three seconds to wait; each wait is that, and up to half of it more."""
    storm(visit, 503)


@scenario("429 with Retry-After", GROUP, source="sentry; contract §6", options=SOON, subjects=OURS)
def storm_429(visit: Visit) -> None:
    """The same with 429."""
    storm(visit, 429)


@scenario("503 while pages come and go", GROUP, source="posthog-js#678", options=SOON)
def storm_pages(visit: Visit) -> None:
    """Five pages in a row have a collector that is too busy."""
    visit.front.answer(503, {"Retry-After": "1"})
    tab = visit.open()
    for _ in range(5):
        tab.record(3)
        tab.load(visit.plan())
    visit.front.clear()
    visit.arrived()


@scenario("Retry-After holds at exit", GROUP, source="posthog-js#678; contract §6", options=SOON, subjects=OURS)
def asked_at_exit(visit: Visit) -> None:
    """The collector has asked for a minute; the exit keeps to it, since what is stored goes with the next page."""
    visit.front.answer(503, {"Retry-After": "60"})
    tab = visit.open()
    tab.record(5)
    visit.until(lambda: visit.front.requests(visit.user), "the first request was refused")
    visit.until(lambda: tab.stats()["failures"] == 1, "the page knows")
    tab.record(5)
    # Chromium has left something to be sent in its stead, and takes it back as soon as that is over.
    let_pass(0.5)
    tab.go()
    let_pass(1.0)
    visit.check(len(visit.front.requests(visit.user)) == 1, "the exit sent nothing")
    visit.front.clear()
    tab.load(visit.plan())
    visit.arrived()


@scenario("500 without a word", GROUP, source="analytics-next#714", options=SOON)
def errors(visit: Visit) -> None:
    """Three times 500 without Retry-After."""
    visit.front.answer(500, times=3)
    tab = visit.open()
    tab.record(10)
    visit.arrived()
    unchanged(visit)


@scenario("gateway's pages", GROUP, source="facts: proxies", options=SOON)
def gateway(visit: Visit) -> None:
    """502, 504 and 404 with a gateway's page, none of which the page's origin may read."""
    for status in (502, 504, 404):
        visit.front.answer(status, body="<html>Bad gateway</html>", times=1, cors=False)
    tab = visit.open()
    tab.record(10)
    visit.arrived()


@scenario("exit with 503, then back", GROUP, source="posthog-js#4927", options=SOON)
def exit_refused(visit: Visit) -> None:
    """The exit's requests get 503; the page comes back from the back/forward cache, and sends them again."""
    visit.front.answer(503)
    tab = visit.open()
    plan = tab.plan
    tab.record_and_go(5)
    visit.front.clear()
    tab.back(plan)
    visit.arrived()


@scenario("captive portal", GROUP, source="facts: 200 with somebody else's page", options=SOON, quick=True)
def captive(visit: Visit) -> None:
    """A hotel's network answers 200 with its own page: nothing was stored."""
    visit.front.captive(times=4)
    tab = visit.open(options={"config": False})
    tab.record(10)
    visit.until(lambda: len(visit.front.requests(visit.user)) > 1, "it tried again")
    visit.arrived()


@scenario("202 that says nothing", GROUP, source="jitsu; contract §6", options=SOON, subjects=OURS, quick=True)
def says_nothing(visit: Visit) -> None:
    """Half of an answer, an empty one, other JSON and 204: none of them names what was stored."""
    for status, body in ((202, '{"accepted":10,"rej'), (200, ""), (200, '{"ok":true}'), (200, "null"), (204, "")):
        visit.front.answer(status, body=body, times=1)
    tab = visit.open()
    tab.record(10)
    visit.arrived()
    acknowledged(visit, tab)


@scenario("413 for what is large", GROUP, source="snowplow#362; contract §6", options=SOON, subjects=OURS, quick=True)
def too_large(visit: Visit) -> None:
    """A proxy refuses requests above 8 kB: they are sent in halves."""
    visit.front.answer(413, only=lambda request: len(request.text) > PROXY_BYTES)
    tab = visit.open()
    tab.record(100)
    visit.arrived()
    acknowledged(visit, tab)
    visit.check(tab.stats()["dropped"] == 0, "nothing was dropped")


@scenario(
    "413 for one alone",
    GROUP,
    source="snowplow#362, #353",
    options=SOON,
    subjects=OURS,
    expects=Expects(lost=1),
    why="One impression is larger than the server takes at all: it is dropped, counted, and blocks nothing.",
)
def too_large_alone(visit: Visit) -> None:
    """One impression is too large by itself; the other twenty arrive, and the drop is told of."""
    tab = visit.open()
    visit.front.answer(413, only=lambda request: len(request.text) > PROXY_BYTES)
    tab.record(10)
    tab.record(1, padding=PROXY_BYTES)
    tab.record(10)
    acknowledged(visit, tab)
    tab.record(1)
    acknowledged(visit, tab)
    visit.check(tab.stats()["dropped"] == telemetry(visit, "dropped") == 1, "one was dropped, and telemetry says so")


@scenario("a flush above 1 MiB", GROUP, source="contract §3", options=LARGE)
def large_flush(visit: Visit) -> None:
    """Two hundred impressions of eight kilobytes: more than a flush may have, though it compresses well."""
    tab = visit.open()
    visit.front.answer(503, times=1)
    tab.record(200, padding=8000)
    visit.arrived()
    within_limits(visit)


@scenario("rejected by the stream", GROUP, source="contract §6; snowplow#362", options=SOON, subjects=OURS)
def rejected(visit: Visit) -> None:
    """One impression has a pool that is no id: it alone is rejected, and is not sent again."""
    tab = visit.open()
    tab.record(5)
    wrong = visit.artworks()
    tab.call("record", wrong, {"poolId": "no id!"})
    tab.record(5)
    acknowledged(visit, tab)
    tab.record(1)
    acknowledged(visit, tab)
    visit.check(tab.stats()["rejected"] == 1, "one was rejected")
    visit.check(visit.front.sends(visit.user)[wrong[0]] == 1, "it was sent once")


@scenario("config that fails", GROUP, source="posthog-js#4139")
def config_fails(visit: Visit) -> None:
    """The collector answers 503 to the page's question for its configuration, and the page is left at once."""
    visit.front.answer(503, path="/config", methods=("GET", "OPTIONS"))
    tab = visit.open()
    tab.record_and_go(5)
    tab.load(visit.plan())
    visit.arrived()


@scenario("config that hangs", GROUP, source="posthog-js#4139", options=SOON)
def config_hangs(visit: Visit) -> None:
    """Nobody answers the question for the configuration; impressions are sent meanwhile."""
    visit.front.answer(503, path="/config", methods=("OPTIONS",))
    visit.front.hang(path="/config", methods=("GET",))
    tab = visit.open()
    tab.record(5)
    visit.arrived()


NONSENSE = (
    '{"batch_size":0.5,"flush_ms":0.1}',
    '{"flush_ms":"soon","batch_size":-1,"tier":7,"visible_ratio":50,"visible_ms":null,"experiments":"no"}',
    '{"flush_ms":1e99,"batch_size":{},"experiments":{"a b":"c","d":5,"e":{}},"tier":"gold"}',
    "[1,2,3]",
    '"text"',
    "null",
    "<html>",
)


@scenario("config that is nonsense", GROUP, source="posthog-js#4139", options=SOON)
def config_nonsense(visit: Visit) -> None:
    """Seven pages get a configuration of wrong types, wild numbers, or somebody else's page."""
    tab = visit.open(subject=False)
    for body in NONSENSE:
        visit.front.answer(200, body=body, path="/config", methods=("GET",))
        asked = len(visit.front.requests(method="GET"))
        tab.load(visit.plan())
        visit.until(lambda: len(visit.front.requests(method="GET")) > asked, "it was asked for")  # noqa: B023
        visit.front.clear()
        # Once the answer is taken in.
        let_pass(0.5)
        tab.record(5)
        visit.check(visit.arrived(patience=20), f"all arrived while the page stayed, with {body}")


@scenario("answers of another origin", GROUP, source="probo#1714, rybbit-js#8", options=SOON)
def wrong_cors(visit: Visit) -> None:
    """The answers name another origin, so the page may not read them: what was stored is sent again, counted once."""
    visit.front.wrong_cors()
    tab = visit.open()
    tab.record(10)
    let_pass(1.5)
    tab.record(5)
    tab.go()
    visit.front.clear()
    tab.load(visit.plan())
    visit.arrived()


@scenario("strict policy and Trusted Types", GROUP, source="0023: CSP, Trusted Types", options=SOON, quick=True)
def trusted_types(visit: Visit) -> None:
    """A page that allows nothing inline, no eval, and no text as script or HTML."""
    tab = visit.open(trusted_types=True)
    tab.record(5)
    visit.arrived()
    tab.record_and_go(5)
    tab.load(visit.plan(trusted_types=True))
    visit.arrived()
