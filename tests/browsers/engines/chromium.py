"""Debian's Chromium, headless, with what only it can do: DevTools' protocol."""

from typing import Any

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service as ChromeService
from selenium.webdriver.common.service import Service
from selenium.webdriver.remote.webdriver import WebDriver

from tests.browsers import machine, processes
from tests.browsers.engines.browser import APART, Browser

# --no-sandbox: the sandbox needs rights that a container's root doesn't have.
ARGUMENTS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--window-size=1280,900")
LOCKS = ("SingletonLock", "SingletonCookie", "SingletonSocket")


class Chromium(Browser):
    """Chromium by Debian's chromedriver."""

    name = "chromium"
    survives = True
    arguments: tuple[str, ...] = ()
    """More of them, for a scenario's own browser."""
    mobile: dict[str, Any] | None = None
    """Mobile emulation, as chromedriver takes it."""

    @classmethod
    def version(cls) -> str:
        """Return its version. Raises MissingError if it or its driver isn't here."""
        machine.program("chromedriver", "chromium-driver")
        found = machine.version([str(machine.program("chromium", "chromium")), "--version"])
        return " ".join(found.split()[:2])

    def _launch(self) -> tuple[WebDriver, Service]:
        # A browser that was killed leaves its lock, which names a process that is gone.
        for lock in LOCKS:
            (self.profile / lock).unlink(missing_ok=True)
        options = ChromeOptions()
        options.binary_location = str(machine.program("chromium", "chromium"))
        for argument in (*ARGUMENTS, *self.arguments, f"--user-data-dir={self.profile}"):
            options.add_argument(argument)
        if self.mobile is not None:
            options.add_experimental_option("mobileEmulation", self.mobile)
        options.page_load_strategy = "none"
        service = ChromeService(str(machine.program("chromedriver", "chromium-driver")), popen_kw=APART)
        return Chrome(options, service), service

    def cdp(self, handle: str, command: str, **parameters: Any) -> Any:
        """Send a command of DevTools' protocol to a tab."""
        self.select(handle)
        assert isinstance(self.driver, Chrome)
        return self.driver.execute_cdp_cmd(command, parameters)

    def renders(self, pid: int) -> bool:
        """Return whether a process is a renderer."""
        return "--type=renderer" in processes.command(pid)
