"""Tokens: expired, of another user, late, or not to be had."""

from tests.browsers.broken import OURS, SOON, broken
from tests.browsers.scenario import scenario
from tests.browsers.scenarios.answers import GROUP, acknowledged
from tests.browsers.tokens import Issuer
from tests.browsers.visit import Visit
from tests.support.wait import let_pass


@scenario("token expired, then a new one", GROUP, source="0023: token expired", options=SOON, subjects=OURS)
def expired(visit: Visit) -> None:
    """The first token that the page's function gives has expired; it is asked again, at once."""
    issuer = Issuer(visit)
    tab = visit.open(head=broken(tokens=[issuer.token(visit.user, minutes=-5), issuer.token(visit.user)]))
    tab.record(5)
    visit.arrived(patience=15)
    acknowledged(visit, tab)


@scenario("token of another user", GROUP, source="contract §6", options=SOON, subjects=OURS)
def of_another(visit: Visit) -> None:
    """The first token is another user's, and is refused; the next is right."""
    issuer = Issuer(visit)
    tab = visit.open(head=broken(tokens=[issuer.token("somebody"), issuer.token(visit.user)]))
    tab.record(5)
    visit.arrived(patience=15)
    acknowledged(visit, tab)


@scenario("token expired until the next visit", GROUP, source="0023: token expired", options=SOON, subjects=OURS)
def expired_until(visit: Visit) -> None:
    """The page's only token has expired, and its exit is refused; the next page has a new one."""
    issuer = Issuer(visit)
    tab = visit.open(options={"token": issuer.token(visit.user, minutes=-5)})
    tab.record(5)
    visit.until(lambda: tab.stats()["failures"] > 0, "the token is refused")
    tab.record_and_go(5, visit.plan("other", subject=False))
    tab.load(visit.plan(options={"token": issuer.token(visit.user)}))
    visit.arrived()
    acknowledged(visit, tab)


@scenario("token in time for the exit", GROUP, source="contract §6", options={"flushMs": 60_000}, subjects=OURS)
def at_exit(visit: Visit) -> None:
    """What an exit sends has its token in the body: nothing else may carry it then."""
    issuer = Issuer(visit)
    tab = visit.open(options={"token": issuer.token(visit.user)})
    tab.record(5)
    tab.go()
    visit.check(visit.arrived(patience=10), "the exit's requests were taken")


@scenario("no token to be had", GROUP, source="0023: token function", options=SOON, subjects=OURS)
def none_to_be_had(visit: Visit) -> None:
    """The page's function fails, never answers, and has nothing, on three pages; on the fourth it gives a token."""
    issuer = Issuer(visit)
    tab = visit.open(subject=False)
    for given in ("throws", "hangs", None):
        tab.load(visit.plan(head=broken(tokens=[given])))
        tab.record(5)
        let_pass(0.7)
    tab.load(visit.plan(head=broken(tokens=[issuer.token(visit.user)])))
    visit.arrived()
    acknowledged(visit, tab)


@scenario("token function that fails once", GROUP, source="0023: token function", options=SOON, subjects=OURS)
def fails_once(visit: Visit) -> None:
    """The page's function fails twice, and then gives a token; the page stays."""
    issuer = Issuer(visit)
    tab = visit.open(head=broken(tokens=["throws", "throws", issuer.token(visit.user)]))
    tab.record(5)
    visit.arrived(patience=15)
    acknowledged(visit, tab)
