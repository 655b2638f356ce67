"""What is kept has caps, by number, size and age; the page's own storage stays the page's; rubbish stays rubbish."""

import json

from tests.browsers.broken import OURS, SOON, broken
from tests.browsers.checks import telemetry
from tests.browsers.scenario import Expects, scenario
from tests.browsers.scenarios.answers import acknowledged
from tests.browsers.scenarios.network import all_stored
from tests.browsers.scenarios.storage import BOTH, GROUP
from tests.browsers.tab import Tab
from tests.browsers.visit import Visit
from tests.support.wait import let_pass

CAPPED = "More is recorded than may be kept: the oldest are dropped, and counted."
# What exceeds a cap is looked for after each twentieth of what it allows.
OPTIONS = {**SOON, "maxEntries": 50, "maxBytes": 64 << 10}
SEVENTY, SIXTY = Expects(lost=50, lost_most=70), Expects(lost=54, lost_most=62)
HOUR_MS = 3_600_000
MIB = 1 << 20


def told(visit: Visit, tab: Tab) -> None:
    """Wait until all that is left is acknowledged, record one more, and check that telemetry tells of all the rest."""
    acknowledged(visit, tab)
    tab.record(1)
    acknowledged(visit, tab)
    gone, found = visit.missing(), telemetry(visit, "dropped")
    visit.check(found == gone, f"{gone} are gone, and {found} dropped are told of")


def fill(tab: Tab, padding: int = 0) -> None:
    """Record 120, ten at a time."""
    for _ in range(12):
        tab.record(10, padding=padding)
        let_pass(0.1)


def kept(visit: Visit, *quirks: str) -> None:
    """Record 120 offline, where 50 may be kept; go online on the same page."""
    visit.network.off()
    tab = visit.open(head=broken(*quirks))
    fill(tab)
    visit.network.on()
    visit.arrived(50)
    told(visit, tab)


@scenario(
    "more than may be kept",
    GROUP,
    source="snowplow#764; 0023: caps",
    options=OPTIONS,
    subjects=OURS,
    expects=SEVENTY,
    why=CAPPED,
)
def capped(visit: Visit) -> None:
    """120 impressions offline, where 50 are kept; the page stays."""
    kept(visit)


@scenario(
    "more than may be kept in localStorage",
    GROUP,
    source="snowplow#764",
    options=OPTIONS,
    subjects=OURS,
    expects=SEVENTY,
    why=CAPPED,
)
def capped_local(visit: Visit) -> None:
    """The same without IndexedDB."""
    kept(visit, "indexedDbDenied")


@scenario(
    "more than may be kept in memory",
    GROUP,
    source="snowplow#764",
    options=OPTIONS,
    subjects=OURS,
    expects=SEVENTY,
    why=CAPPED,
)
def capped_memory(visit: Visit) -> None:
    """The same without any storage."""
    kept(visit, *BOTH)


@scenario(
    "more than may be kept, told by the next page",
    GROUP,
    source="0023: caps",
    options=OPTIONS,
    subjects=OURS,
    expects=SEVENTY,
    why=CAPPED,
)
def capped_next(visit: Visit) -> None:
    """The same, and the page is left offline: the next one tells how many were dropped."""
    visit.network.off()
    tab = visit.open()
    fill(tab)
    tab.go()
    visit.network.on()
    tab.load(visit.plan())
    visit.arrived(50)
    told(visit, tab)


@scenario(
    "larger than may be kept",
    GROUP,
    source="snowplow#764",
    options={**SOON, "maxBytes": 64 << 10},
    subjects=OURS,
    expects=SIXTY,
    why=CAPPED,
)
def capped_bytes(visit: Visit) -> None:
    """120 impressions of a kilobyte, where 64 kB are kept."""
    visit.network.off()
    tab = visit.open()
    fill(tab, padding=900)
    tab.go()
    visit.network.on()
    tab.load(visit.plan())
    visit.arrived(58)
    told(visit, tab)


@scenario(
    "older than may be kept",
    GROUP,
    source="localForage#943; 0023: caps by age",
    options={**SOON, "maxAgeMs": HOUR_MS},
    subjects=OURS,
    expects=Expects(lost=5),
    why=CAPPED,
)
def capped_age(visit: Visit) -> None:
    """Five impressions were recorded two hours ago, where an hour is kept; five are new."""
    visit.network.off()
    tab = visit.open(head=broken(clock=-2 * HOUR_MS))
    tab.record(5)
    let_pass(0.5)
    tab.load(visit.plan())
    tab.record(5)
    visit.until(lambda: tab.stats()["dropped"] == 5, "the old ones are dropped")
    visit.network.on()
    visit.arrived(5)
    told(visit, tab)


@scenario("five thousand kept", GROUP, source="0023: 5,000 entries at start", options={**SOON, "maxBytes": 8 << 20})
def five_thousand(visit: Visit) -> None:
    """As many as are kept by default wait when a page starts, and all of them are sent."""
    visit.network.off()
    tab = visit.open()
    for _ in range(10):
        tab.record(500)
    all_stored(visit, tab, 5000)
    tab.load(visit.plan())
    visit.network.on()
    visit.arrived(patience=90)


@scenario(
    "the page's own storage",
    GROUP,
    source="snowplow#764, mixpanel-js#384",
    options=SOON,
    subjects=OURS,
    expects=Expects(lost_most=1200),
    why=CAPPED,
)
def page_can_write(visit: Visit) -> None:
    """Without IndexedDB and offline, localStorage has all that is kept; the page can still write a megabyte there."""
    visit.network.off()
    tab = visit.open(head=broken("indexedDbDenied"))
    for _ in range(12):
        tab.record(100, padding=1000)
        let_pass(0.1)
    visit.check(tab.call("writes", MIB), "the page's own megabyte is written")
    visit.network.on()
    visit.arrived(900)


@scenario("localStorage full of the page's own", GROUP, source="snowplow#764", options=SOON)
def local_full(visit: Visit) -> None:
    """Without IndexedDB, and without a byte left in localStorage: what is recorded is sent from memory."""
    tab = visit.open(head=broken("indexedDbDenied", "localStorageFull"))
    tab.record(5)
    visit.check(visit.arrived(patience=20), "all arrived while the page stayed")
    tab.record_and_go(5)
    visit.check(visit.arrived(patience=20), "and what the exit sent")


@scenario("localStorage is filled up meanwhile", GROUP, source="snowplow#764", options=SOON)
def local_filled(visit: Visit) -> None:
    """Ours is in localStorage when the page's own data fill it up; the next pages send it all the same."""
    visit.network.off()
    tab = visit.open(head=broken("indexedDbDenied"))
    tab.record(20)
    tab.call("fill")
    tab.load(visit.plan(head=broken("indexedDbDenied")))
    visit.network.on()
    visit.arrived()


RUBBISH = {
    "impression-recorder": "{}",
    "impression-recorder:": "",
    "impression-recorder:1": "not JSON",
    "impression-recorder:2": "null",
    "impression-recorder:3": '"text"',
    "impression-recorder:4": json.dumps({"to": {}, "id": "4", "i": "{}"}),
    "impression-recorder:5": json.dumps({"to": "x y", "id": [], "i": 7}),
    "impression-recorder:6": json.dumps({"to": "x y", "id": "6", "i": "not JSON"}),
    "impression-recorder:7": "[" * 1000,
}


@scenario("rubbish under our names", GROUP, source="0023: foreign rubbish", options=SOON, quick=True)
def rubbish(visit: Visit) -> None:
    """Keys of localStorage look like ours and hold something else; what was kept elsewhere is sent all the same."""
    visit.network.off()
    tab = visit.open()
    tab.record(10)
    let_pass(0.5)
    tab.load(visit.plan(head=broken(local=RUBBISH)))
    tab.record_and_go(10)
    visit.network.on()
    tab.load(visit.plan(head=broken(local=RUBBISH)))
    visit.arrived()


@scenario(
    "rubbish without a byte limit",
    GROUP,
    source="0023: foreign rubbish",
    options={**SOON, "maxBytes": 64 << 10},
    subjects=OURS,
    expects=SIXTY,
    why=CAPPED,
)
def rubbish_bytes(visit: Visit) -> None:
    """Something that looks like an entry has no size; the cap by size holds all the same."""
    found = {"impression-recorder:6": json.dumps({"to": "x y", "id": "6", "i": "x", "h": ""})}
    visit.network.off()
    tab = visit.open(head=broken(local=found))
    fill(tab, padding=900)
    tab.go()
    visit.network.on()
    tab.load(visit.plan())
    visit.arrived(58)
    acknowledged(visit, tab)


@scenario("a database of somebody else", GROUP, source="0023: foreign rubbish", options=SOON, subjects=OURS)
def foreign_database(visit: Visit) -> None:
    """A database has our name and not our store; then one of a later version has it."""
    for version in (1, 7):
        tab = visit.open(head=broken(), subject=False)
        tab.call("makeDatabase", "impression-recorder", version)
        tab.wait_report("made")
        visit.network.off()
        tab.load(visit.plan())
        let_pass(1.2)
        tab.record_and_go(5)
        visit.network.on()
        tab.load(visit.plan())
        visit.arrived()
