"""The page goes away: by a link, a reload, a closed tab, at once, or with more than one exit can carry."""

from tests.browsers.scenario import scenario
from tests.browsers.visit import Visit

GROUP = "exit"


@scenario("tab closed", GROUP, source="facts: sendBeacon in pagehide", quick=True)
def tab_closed(visit: Visit) -> None:
    """Five impressions, and the tab is closed in the same second."""
    tab = visit.open()
    tab.record(5)
    tab.close()
    visit.again()
