"""Exits in browsers that lack something, or that lie: beacons that vanish, no keepalive, no end of compression."""

from functools import partial

from tests.browsers.scenario import Scenario, declare, scenario
from tests.browsers.visit import Visit

GROUP = "exit"
FEW = 5
# From here on, a flush is compressed while its page lives (bytes).
LARGE = 500


def without(variant: str, visit: Visit) -> None:
    """Record a few in such a browser, and leave."""
    tab = visit.open(variants=[variant])
    tab.record(FEW)
    tab.close()
    visit.again()


LACKS = {
    "beacons that vanish": (
        "beaconLies",
        "uAssets#11272, otel-js#3062",
        "An extension drops beacons; they return true.",
    ),
    "no beacons": ("beaconMissing", "goatcounter#875", "`sendBeacon` is missing, as in hardened browsers."),
    "no keepalive": (
        "noKeepalive",
        "facts: Firefox before 133",
        "`keepalive` is not known: fetches die with the page.",
    ),
    "no fetchLater": ("noFetchLater", "facts", "`fetchLater` is missing, as in most browsers."),
    "no Web Locks": ("noLocks", "facts", "`navigator.locks` is missing."),
}
for _name, (_variant, _source, _what) in LACKS.items():
    _run = partial(without, _variant)
    _run.__doc__ = _what
    declare(Scenario(_name, GROUP, _source, _run, quick=_variant in ("beaconLies", "noKeepalive")))


@scenario("left while it compresses", GROUP, source="embrace-web-sdk#1519, Amplitude-TypeScript#1799", quick=True)
def left_while_compressing(visit: Visit) -> None:
    """Compression never ends, a flush waits for it, and the page leaves: the exit sends it as it is."""
    tab = visit.open(variants=["gzipHangs"])
    tab.record(FEW, padding=LARGE)
    tab.flush()
    tab.close()
    visit.again()


@scenario("credentials of another site", GROUP, source="probo#1714, munin#400, Ackee#220")
def credentials(visit: Visit) -> None:
    """A beacon always has credentials: the collector names the page's origin, and never `*`."""
    tab = visit.open(variants=["noKeepalive"])
    tab.record(FEW)
    tab.go()
    visit.check(visit.arrived(), "all arrived")
    visit.check(
        all(each.headers.get("origin") == visit.lane.origin for each in visit.front.requests(visit.user)),
        "each request names the page's origin",
    )


@scenario("Trusted Types", GROUP, source="CSP: require-trusted-types-for 'script'", quick=True)
def trusted_types(visit: Visit) -> None:
    """A page that forbids text to become a script: recorded, left, and no violation."""
    tab = visit.open(trusted_types=True)
    tab.record(FEW)
    tab.go()
    visit.again(trusted_types=True)
