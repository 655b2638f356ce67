"""Exits with more than one of them can carry: 64 KiB, the quota that a page's scripts share, many requests at once."""

from functools import partial

from tests.browsers.scenario import Scenario, declare, scenario
from tests.browsers.tab import Tab
from tests.browsers.visit import Visit

GROUP = "exit"
# What browsers let out of a page that goes, by keepalive and by beacons together (bytes).
QUOTA = 64 << 10
# Impressions that share it, and characters of two and four bytes each, as UTF-8.
IMPRESSIONS, TEXT = 16, "é🖼"


def filled(target: int, visit: Visit) -> None:
    """Record as much as one request of so many bytes would hold, most of it characters of several bytes, and leave."""
    small = [_exit_size(visit, number) for number in (1, 2)]
    each = small[1] - small[0]
    left = target - small[0] - (IMPRESSIONS - 1) * each
    share = left // IMPRESSIONS // len(TEXT.encode())
    tab = visit.open()
    tab.record(IMPRESSIONS - 1, text="x" + TEXT * share)
    rest = left - (IMPRESSIONS - 1) * share * len(TEXT.encode())
    tab.record(1, text="x" + TEXT * (rest // len(TEXT.encode())) + "x" * (rest % len(TEXT.encode())))
    tab.go()
    visit.again()


def _exit_size(visit: Visit, number: int) -> int:
    """Return the bytes of the exit of a page with so many impressions."""
    tab = visit.open()
    ids = set(tab.record(number, text="x"))
    tab.go()
    visit.check(visit.arrived(), "small exits arrive")
    sizes = [
        len(request.text)
        for request in visit.front.requests(visit.user)
        for flush in request.flushes
        if ids == {artwork for _, artwork in flush.impressions}
    ]
    visit.check(sizes, "small exits are one flush")
    return sizes[0]


for _name, _more in (("a byte less than 64 KiB", -1), ("64 KiB exactly", 0), ("a byte more than 64 KiB", 1)):
    _run = partial(filled, QUOTA + _more)
    _run.__doc__ = f"What waits at the exit would fill a request of {QUOTA + _more:,} bytes; its text is multibyte."
    _facts = "facts: beacons and keepalive at 65,536 and 65,537 bytes; Amplitude-TypeScript#1703"
    declare(Scenario(_name, GROUP, _facts, _run))


@scenario("thirty large ones", GROUP, source="posthog-js#4140: 0 of 30 arrived", quick=True)
def thirty_large(visit: Visit) -> None:
    """Thirty impressions of 3 kB, and the visitor leaves: more than a beacon carries."""
    tab = visit.open()
    tab.record(30, padding=3_000)
    tab.close()
    visit.again()


@scenario("many requests at once", GROUP, source="otel-js#6391, sentry-javascript#7553")
def many_at_once(visit: Visit) -> None:
    """Thirty flushes, one after another, while the collector doesn't answer; then it does, and the page leaves."""
    visit.front.hang()
    tab = visit.open()
    for _ in range(30):
        tab.record(1, padding=1_000)
        tab.flush()
    visit.front.clear()
    tab.go()
    visit.again()


@scenario("quota used up by others", GROUP, source="grafana/faro-web-sdk#1898, snowplow#1359", quick=True)
def quota_used_up(visit: Visit) -> None:
    """Another script of the page has 60 kB of beacons on their way when it leaves: the quota is one for all."""
    tab = visit.open()
    _eat(tab, 60_000)
    tab.record(20, padding=1_000)
    tab.close()
    visit.again()


@scenario("quota used up, page stays", GROUP, source="whatwg/fetch#1816")
def quota_used_up_alive(visit: Visit) -> None:
    """The same, and the page stays: what keepalive refuses looks like no network, and is sent without it."""
    tab = visit.open()
    _eat(tab, 60_000)
    tab.record(20, padding=1_000)
    tab.flush()
    visit.check(visit.arrived(), "all arrived though the quota is used up")


def _eat(tab: Tab, size: int) -> None:
    # The site takes its time to answer: so long, these bytes count.
    tab.call("eatQuota", size)
