"""Debian's WebKitGTK: its MiniBrowser under Xvfb. It shares Safari's engine, not its network stack: it isn't Safari."""

import os
import subprocess

from selenium.webdriver import WebKitGTK as WebKitDriver
from selenium.webdriver.common.service import Service
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.webkitgtk.options import Options
from selenium.webdriver.webkitgtk.service import Service as WebKitService

from tests.browsers import machine, processes
from tests.browsers.engines.browser import APART, Browser
from tests.browsers.engines.screen import Screen

PACKAGE = "webkit2gtk-driver"


class WebKit(Browser):
    """WebKitGTK by its own driver. The driver's sessions are ephemeral."""

    name = "webkit"

    @classmethod
    def version(cls) -> str:
        """Return its version. Raises MissingError if it, its driver or Xvfb isn't here."""
        machine.program("Xvfb", "xvfb")
        machine.program("WebKitWebDriver", PACKAGE)
        machine.mini_browser()
        # Neither program says its version.
        found = machine.version(["dpkg-query", "--show", "--showformat=${Version}", PACKAGE])
        return f"WebKitGTK {found.partition('-')[0]}"

    def start(self) -> None:
        """Start it, on a screen of its own."""
        self.screen = Screen()
        super().start()

    def stop(self) -> None:
        """End it, and its screen."""
        super().stop()
        self.screen.close()

    def environment(self) -> dict[str, str]:
        """Return its environment: folders in the profile, so that it shares nothing with anyone."""
        folders = {f"XDG_{kind}_HOME": str(self.profile / kind.lower()) for kind in ("DATA", "CACHE", "CONFIG")}
        for folder in folders.values():
            os.makedirs(folder, exist_ok=True)
        # No graphics card here.
        drawing = {"LIBGL_ALWAYS_SOFTWARE": "1", "WEBKIT_DISABLE_COMPOSITING_MODE": "1"}
        return {**os.environ, **folders, **drawing, "HOME": str(self.profile), "DISPLAY": self.screen.name}

    def _launch(self) -> tuple[WebDriver, Service]:
        options = Options()
        options.binary_location = str(machine.mini_browser())
        options.add_argument("--automation")
        options.page_load_strategy = "none"
        service = WebKitService(
            str(machine.program("WebKitWebDriver", PACKAGE)),
            env=self.environment(),
            log_output=subprocess.DEVNULL,
            popen_kw=APART,
        )
        return WebKitDriver(options, service), service

    def new_tab(self, window: bool = False) -> str:
        """Open a window: MiniBrowser opens tabs in the background, and nothing brings them to the front."""
        return super().new_tab(window=True)

    def renders(self, pid: int) -> bool:
        """Return whether a process runs pages."""
        return "WebKitWebProcess" in processes.command(pid)
