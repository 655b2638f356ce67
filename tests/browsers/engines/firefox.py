"""Debian's Firefox ESR, headless, by geckodriver, which is built once."""

from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Firefox as FirefoxDriver
from selenium.webdriver import FirefoxOptions
from selenium.webdriver.common.service import Service
from selenium.webdriver.firefox.service import Service as FirefoxService
from selenium.webdriver.remote.webdriver import WebDriver

from tests.browsers import machine, processes
from tests.browsers.engines.browser import APART, Browser

PACKAGE = "firefox-esr"
# A killed browser offers its old tabs otherwise, and asks instead of starting after three kills.
PREFERENCES = {
    "browser.sessionstore.resume_from_crash": False,
    "toolkit.startup.max_resumed_crashes": -1,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "app.normandy.enabled": False,
    "extensions.update.enabled": False,
}
# It crashes at about one start in 65.
STARTS = 2


class Firefox(Browser):
    """Firefox ESR."""

    name = "firefox"

    @classmethod
    def version(cls) -> str:
        """Return its version. Raises MissingError if it isn't here or its driver can't be built."""
        found = machine.version([str(machine.program("firefox-esr", PACKAGE)), "--version"])
        machine.geckodriver()
        return found.removeprefix("Mozilla ").replace("esr", " ESR")

    def _launch(self) -> tuple[WebDriver, Service]:
        for left in range(STARTS - 1, -1, -1):
            service = FirefoxService(str(machine.geckodriver()), popen_kw=APART)
            try:
                return FirefoxDriver(self._options(), service), service
            except WebDriverException:
                if not left:
                    raise
        raise AssertionError("unreachable")

    def _options(self) -> FirefoxOptions:
        options = FirefoxOptions()
        options.binary_location = str(machine.program("firefox-esr", PACKAGE))
        for argument in ("-headless", "-profile", str(self.profile)):
            options.add_argument(argument)
        for name, value in PREFERENCES.items():
            options.set_preference(name, value)
        options.page_load_strategy = "none"
        return options

    def renders(self, pid: int) -> bool:
        """Return whether a process runs pages: its last argument is its kind."""
        return processes.command(pid).endswith(" tab")
