"""A browser that is offline by itself and tells its pages so: `offline` and `online` events, `navigator.onLine`."""

from selenium.webdriver import FirefoxOptions

from tests.browsers.engines.chromium import Chromium
from tests.browsers.engines.firefox import Firefox
from tests.browsers.tab import Tab
from tests.browsers.visit import Visit

# As DevTools' protocol says "as it is".
UNLIMITED = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}


class BidiFirefox(Firefox):
    """Firefox that speaks WebDriver BiDi, too."""

    def _options(self) -> FirefoxOptions:
        options = super()._options()
        options.enable_bidi = True
        return options


def prepare(visit: Visit) -> None:
    """Give the visit a browser that can be set offline: call it before any page is open."""
    if visit.engine == Firefox.name:
        visit.browser.stop()
        visit.browser = BidiFirefox(visit.browser.profile)
        visit.browser.start()


def set_offline(visit: Visit, tab: Tab, offline: bool) -> None:
    """Set a tab's browser offline, or online again."""
    browser = visit.browser
    if isinstance(browser, Chromium):
        browser.cdp(tab.handle, "Network.enable")
        browser.cdp(tab.handle, "Network.emulateNetworkConditions", offline=offline, **UNLIMITED)
    else:
        browser.driver.emulation.set_network_conditions(offline=offline, contexts=[tab.handle])
