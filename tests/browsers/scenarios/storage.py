"""The browser's storage is denied, hangs, is lost, is full, or holds somebody else's rubbish."""

from collections.abc import Callable

from tests.browsers.broken import OURS, SOON, broken
from tests.browsers.scenario import Expects, scenario
from tests.browsers.tab import Tab
from tests.browsers.visit import Visit
from tests.support.wait import let_pass

GROUP = "storage"
NOWHERE = "Nothing can be stored and nothing can be sent, so what was recorded is gone with the page."
# Where nothing is expected to come.
PATIENCE_SECONDS = 5.0
BOTH = ("indexedDbDenied", "localStorageDenied", "sessionStorageDenied")


def offline_visit(
    visit: Visit, *quirks: str, then: Callable[[Tab], None] | None = None, patience: float | None = None
) -> None:
    """Record offline on a page with these quirks, leave it, and come back to one that has them, too, online."""
    visit.network.off()
    tab = visit.open(head=broken(*quirks))
    # Whatever is opened has been, or has been given up.
    let_pass(1.5)
    tab.record(5)
    if then is not None:
        then(tab)
    tab.record_and_go(5)
    visit.network.on()
    tab.load(visit.plan(head=broken(*quirks)))
    visit.arrived(patience=patience)


def online_visit(visit: Visit, *quirks: str) -> Tab:
    """Record on a page with these quirks until all has arrived, and once more as it is left."""
    tab = visit.open(head=broken(*quirks))
    tab.record(5)
    visit.check(visit.arrived(patience=20), "all arrived while the page stayed")
    tab.record_and_go(5)
    visit.check(visit.arrived(patience=20), "and what the exit sent")
    return tab


@scenario("IndexedDB denied", GROUP, source="umami#3872; facts", options=SOON, quick=True)
def indexeddb_denied(visit: Visit) -> None:
    """Opening it throws: localStorage keeps what is recorded offline."""
    offline_visit(visit, "indexedDbDenied")


@scenario("IndexedDB hangs when it is opened", GROUP, source="firebase-js-sdk#4948", options=SOON)
def open_hangs(visit: Visit) -> None:
    """Opening it never answers, on this page and the next."""
    offline_visit(visit, "indexedDbHangs")


@scenario("IndexedDB can't be opened", GROUP, source="Expensify/App#87864", options=SOON)
def open_fails(visit: Visit) -> None:
    """Opening it fails with an UnknownError."""
    offline_visit(visit, "indexedDbFails")


@scenario("IndexedDB hangs, page left at once", GROUP, source="firebase-js-sdk#4948", options=SOON)
def open_hangs_left(visit: Visit) -> None:
    """Offline, and the page is left before anyone knows whether the database opens; it opens on the next."""
    visit.network.off()
    tab = visit.open(head=broken("indexedDbHangs"))
    tab.record_and_go(5)
    visit.network.on()
    tab.load(visit.plan())
    visit.arrived()


def lost(visit: Visit, event: bool) -> None:
    """Close the database under the recorder, offline, and go on."""

    def close(tab: Tab) -> None:
        visit.check(tab.call("closeDatabases", event) != 0, "a database was open")
        tab.record(5)
        let_pass(0.3)

    offline_visit(visit, then=close)


@scenario(
    "IndexedDB lost while the page is open",
    GROUP,
    source="Expensify/App#87864, gatool-ui#805",
    options=SOON,
    subjects=OURS,
)
def handle_dead(visit: Visit) -> None:
    """Its handle is dead all of a sudden: it is opened once more."""
    lost(visit, event=False)


@scenario("IndexedDB closed by the browser", GROUP, source="Expensify/App#87864", options=SOON, subjects=OURS)
def handle_closed(visit: Visit) -> None:
    """The same, with the event that says so."""
    lost(visit, event=True)


@scenario(
    "IndexedDB lost for good", GROUP, source="discourse-encrypt#113, flashcards#1778", options=SOON, subjects=OURS
)
def lost_for_good(visit: Visit) -> None:
    """Its handle dies and it can't be opened any more: what comes then is kept in localStorage at the exit."""

    def close(tab: Tab) -> None:
        tab.call("closeDatabases", False)
        tab.call("quirk", "indexedDbFails", True)
        tab.record(5)
        let_pass(0.3)

    offline_visit(visit, then=close)


@scenario(
    "transactions that never end", GROUP, source="facts: WebKitGTK, transactions suspended", options=SOON, subjects=OURS
)
def transactions_hang(visit: Visit) -> None:
    """IndexedDB opens, and neither answers nor fails from then on: what is recorded is sent from memory."""
    online_visit(visit, "transactionsHang")


@scenario(
    "transactions that stop to end",
    GROUP,
    source="facts: WebKitGTK, transactions suspended",
    options=SOON,
    subjects=OURS,
)
def transactions_stop(visit: Visit) -> None:
    """The same in the middle of a page, offline; the next page's database answers again."""
    visit.network.off()
    tab = visit.open(head=broken())
    tab.record(5)
    let_pass(0.5)
    tab.call("quirk", "transactionsHang", True)
    tab.record(5)
    tab.go()
    visit.network.on()
    tab.load(visit.plan())
    visit.arrived()


@scenario("the disk is full", GROUP, source="rudder-sdk-js#3211, #3212", options=SOON, subjects=OURS)
def disk_full(visit: Visit) -> None:
    """Every write to IndexedDB ends its transaction: what is recorded is sent from memory, and rescued at the exit."""
    online_visit(visit, "writesFail")


@scenario("the disk is full, offline", GROUP, source="rudder-sdk-js#3211, #3212", options=SOON, subjects=OURS)
def disk_full_offline(visit: Visit) -> None:
    """Five are stored, then the disk is full: those stay, and the next are rescued at the exit."""

    def fill(tab: Tab) -> None:
        let_pass(0.3)
        tab.call("quirk", "writesFail", True)
        tab.record(5)
        let_pass(0.3)

    offline_visit(visit, then=fill)


@scenario("localStorage denied", GROUP, source="umami#3872, autotrack#140", options=SOON)
def localstorage_denied(visit: Visit) -> None:
    """Even reading it throws, and so does sessionStorage: IndexedDB keeps what is recorded."""
    offline_visit(visit, "localStorageDenied", "sessionStorageDenied")


@scenario("all storage denied", GROUP, source="umami#3872, analytics.js#421", options=SOON, quick=True)
def both_denied(visit: Visit) -> None:
    """Nothing can be stored: what is recorded online arrives all the same, also at the exit."""
    online_visit(visit, *BOTH)


@scenario(
    "all storage denied, offline", GROUP, source="umami#3872", options=SOON, expects=Expects(lost=10), why=NOWHERE
)
def both_denied_offline(visit: Visit) -> None:
    """Nothing can be stored, and the page is left offline."""
    offline_visit(visit, *BOTH, patience=PATIENCE_SECONDS)


@scenario("all storage denied, offline for a while", GROUP, source="umami#3872", options=SOON)
def both_denied_a_while(visit: Visit) -> None:
    """Nothing can be stored; the page stays until it is online again."""
    visit.network.off()
    tab = visit.open(head=broken(*BOTH))
    tab.record(20)
    let_pass(1.5)
    visit.network.on()
    visit.arrived()


@scenario("all storage denied, hidden while the collector is away", GROUP, source="page-lifecycle#2", options=SOON)
def both_denied_hidden(visit: Visit) -> None:
    """Nothing can be stored; what the hidden page could not send, it sends again before it is closed."""
    tab = visit.open(head=broken(*BOTH))
    visit.front.answer(503)
    tab.record(5)
    tab.hide()
    visit.front.clear()
    let_pass(1.0)
    tab.close()
    visit.check(visit.arrived(patience=20), "it is there, though no page is")


@scenario("all storage denied, Retry-After at exit", GROUP, source="contract §6", options=SOON, subjects=OURS)
def asked_without_storage(visit: Visit) -> None:
    """The collector has asked for a minute, but nothing is stored: the exit sends all the same."""
    visit.front.answer(503, {"Retry-After": "60"}, times=1)
    tab = visit.open(head=broken(*BOTH))
    tab.record(5)
    visit.until(lambda: tab.stats()["failures"] > 0, "it was refused")
    tab.go()
    visit.check(visit.arrived(patience=20), "the exit sent it")


@scenario("storage lost, Retry-After at exit", GROUP, source="contract §6", options=SOON, subjects=OURS)
def asked_with_lost_storage(visit: Visit) -> None:
    """The same after IndexedDB was lost for good, and there is no localStorage."""
    visit.front.answer(503, {"Retry-After": "60"}, times=1)
    tab = visit.open(head=broken("localStorageDenied"))
    let_pass(0.5)
    tab.call("closeDatabases", False)
    tab.call("quirk", "indexedDbFails", True)
    tab.record(5)
    visit.until(lambda: tab.stats()["failures"] > 0, "it was refused")
    tab.go()
    visit.check(visit.arrived(patience=20), "the exit sent it")


@scenario("site data deleted while the page is open", GROUP, source="facts: storage", options=SOON)
def deleted(visit: Visit) -> None:
    """Offline, the user deletes the site's data; the page stays, and still has in memory what it recorded."""
    visit.network.off()
    tab = visit.open(head=broken())
    tab.record(5)
    let_pass(0.5)
    tab.call("deleteDatabases")
    tab.wait_report("deleted")
    tab.record(5)
    visit.network.on()
    visit.arrived()
